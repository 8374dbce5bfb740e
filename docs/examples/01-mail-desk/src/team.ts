/**
 * The teams of a run, as space definitions made from space.yaml: the desk, and its control, which is the same team on the
 * same mail with only the revisions withheld (its space has no rule that would commit one).
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseSpaceDefinition, type SpaceDefinition } from '@mabeam/orchestrator';
import type { DeskOptions } from './options.ts';

export interface Teams {
  readonly desk: SpaceDefinition;
  readonly control: SpaceDefinition;
}

export interface TeamOptions {
  /** File with the labels the auditor knows. */
  readonly labels: string;
  readonly model?: DeskOptions['model'];
  /** All specialists from the beginning: where nothing is labelled the auditor cannot notice that more are needed. */
  readonly isWholeBench?: boolean;
}

/** Reads space.yaml. */
export async function readDefinition(): Promise<SpaceDefinition> {
  const path = fileURLToPath(new URL('../space.yaml', import.meta.url));
  return parseSpaceDefinition(await readFile(path, 'utf8'), { path });
}

/** Makes both teams of space.yaml. */
export async function readTeams(options: TeamOptions): Promise<Teams> {
  const base = await readDefinition();
  const audited = withConfig(base, 'auditor', { labels: options.labels });
  const asked = options.model === undefined ? audited : withModel(audited, options.model);
  const desk = options.isWholeBench === true ? withWholeBench(asked) : asked;
  return { desk, control: { ...desk, space: `${desk.space}-control`, rules: [] } };
}

function withConfig(
  definition: SpaceDefinition,
  agent: string,
  config: SpaceDefinition['agents'][number]['config'],
): SpaceDefinition {
  const agents = definition.agents.map((spec) =>
    spec.id === agent ? { ...spec, config: { ...spec.config, ...config } } : spec,
  );
  return { ...definition, agents };
}

function withWholeBench(definition: SpaceDefinition): SpaceDefinition {
  const variables = definition.variables.map((variable) =>
    variable.id === 'specialists' ? { ...variable, initial: [...variable.agents] } : variable,
  );
  return { ...definition, variables };
}

/** How long the judge waits for a language model; the others answer within milliseconds. */
const modelPatienceMs = 20_000;

/** The team with a language model among its specialists from the beginning. */
function withModel(definition: SpaceDefinition, model: NonNullable<DeskOptions['model']>): SpaceDefinition {
  const like = definition.agents.find(({ id }) => id === 'headers');
  if (like === undefined) return definition;
  const run = { module: new URL('./agents/model.ts', import.meta.url).href };
  const spec = { ...like, id: 'model', run, variables: {}, config: { url: model.url, model: model.name } };
  const patient = withConfig(definition, 'judge', { patienceMs: modelPatienceMs });
  const variables = patient.variables.map((variable) => {
    if (variable.id === 'wiring') return { ...variable, agents: [...variable.agents, 'model'] };
    if (variable.id !== 'specialists' || !Array.isArray(variable.initial)) return variable;
    const constraints = {
      ...variable.constraints,
      maxConcurrent: (variable.constraints.maxConcurrent ?? 0) + 1,
    };
    return {
      ...variable,
      agents: [...variable.agents, 'model'],
      initial: [...variable.initial, 'model'],
      constraints,
    };
  });
  return { ...patient, agents: [...patient.agents, spec], variables };
}
