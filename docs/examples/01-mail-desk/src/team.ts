/**
 * The teams of a run, as space definitions made from space.yaml: the desk, and its control, which is the same team on the
 * same mail with only the revisions withheld (its space has no rule that would commit one, and nobody who calls rounds).
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
  /** One more specialist that is wrong on purpose. */
  readonly saboteur?: DeskOptions['saboteur'];
  /** All specialists from the beginning: where nothing is labelled the auditor cannot notice that more are needed. */
  readonly isWholeBench?: boolean;
}

type Agent = SpaceDefinition['agents'][number];

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
  const whole = options.isWholeBench === true ? withWholeBench(asked) : asked;
  const desk = options.saboteur === true ? withSaboteur(whole) : whole;
  const agents = desk.agents.filter(({ id }) => id !== 'chair');
  return { desk, control: { ...desk, space: `${desk.space}-control`, agents, rules: [] } };
}

function withConfig(definition: SpaceDefinition, agent: string, config: Agent['config']): SpaceDefinition {
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
  const patient = withConfig(definition, 'judge', { patienceMs: modelPatienceMs });
  return withSpecialist(patient, 'model', { config: { url: model.url, model: model.name } });
}

/** The team with a specialist among it from the beginning that is wrong on purpose. */
export function withSaboteur(definition: SpaceDefinition): SpaceDefinition {
  return withSpecialist(definition, 'contrary');
}

/** The team with one more on its bench: in the form `headers` has, and wired as that is. */
function withSpecialist(
  definition: SpaceDefinition,
  id: string,
  parts: Partial<Pick<Agent, 'config'>> = {},
): SpaceDefinition {
  const like = definition.agents.find((agent) => agent.id === 'headers');
  if (like === undefined) return definition;
  const run = { module: new URL(`./agents/${id}.ts`, import.meta.url).href };
  const variables = definition.variables.map((variable) => {
    if (variable.id === 'wiring') return { ...variable, agents: [...variable.agents, id] };
    if (variable.id !== 'specialists' || !Array.isArray(variable.initial)) return variable;
    const maxConcurrent = (variable.constraints.maxConcurrent ?? 0) + 1;
    const constraints = { ...variable.constraints, maxConcurrent };
    return {
      ...variable,
      agents: [...variable.agents, id],
      initial: [...variable.initial, id],
      constraints,
    };
  });
  return {
    ...definition,
    agents: [...definition.agents, { ...like, id, run, variables: {}, ...parts }],
    variables,
  };
}
