/**
 * Adding one part to a space that exists – an agent, an orchestration variable – by the plan by which a whole definition is applied: the
 * definition as it is, and the part. Both are taken from one state of the space: a race with another writer of the same keys is lost
 * and planned again, and what others add meanwhile is not touched.
 *
 * A1 An agent that is added does not run yet: it is on the roster (roster.ts) until somebody starts it. One that another selection lists
 *    is that variable's matter.
 * A2 What was wrong with the space before is not held against the part.
 */
import { agentErrors, parseAgentSpec, type AgentSpec, type AgentSpecInput } from '@mabeam/agents';
import { commitBatch, errorsOf, MabeamError, spaceNames, type Bus } from '@mabeam/bus';
import {
  parseVariableDefinition,
  sameJson,
  variableErrors,
  type VariableDefinition,
} from '@mabeam/variables';
import type { CheckProblem } from '../definition/check-problem.ts';
import { planSpace } from '../definition/create-space.ts';
import { fieldText } from '../definition/definition-document.ts';
import { definedSpace } from '../definition/read-space.ts';
import {
  checkSpaceDefinition,
  invalidDefinition,
  type SpaceDefinition,
} from '../definition/space-definition.ts';
import { orchestratorError } from '../errors.ts';
import type { SpaceMirror } from '../state/space-mirror.ts';
import { rosterWith } from './roster.ts';

const agentError = errorsOf(agentErrors);
const variableError = errorsOf(variableErrors);

/** A space that exists, and a mirror of it. */
export interface SpacePlace {
  readonly bus: Bus;
  readonly space: string;
  readonly mirror: SpaceMirror;
}

/** In whose name a part is added. */
export interface AddOptions {
  readonly by: string;
}

/** What came of it: `noop` when the part is there in this form already. */
export type PartAdded = { readonly kind: 'added'; readonly revision: number } | { readonly kind: 'noop' };

/**
 * Adds an agent (A1). Throws `agent-exists` (there is another one of that id), `invalid-agent-spec`, `resource-impossible`,
 * `space-definition-invalid` (it names what is not there), `conflict` when somebody keeps writing the same keys.
 */
export function registerAgent(
  place: SpacePlace,
  input: AgentSpecInput,
  options: AddOptions,
): Promise<PartAdded> {
  const spec = parseAgentSpec(input);
  return addPart(place, options, (definition) => {
    const present = definition.agents.find(({ id }) => id === spec.id);
    if (present !== undefined) {
      if (sameJson(present, spec)) return undefined;
      const message = `there is an agent ${spec.id} already, and it is another one; choose another id, or change its definition`;
      throw agentError('agent-exists', message, { details: { agent: spec.id } });
    }
    const agents = [...definition.agents, spec];
    return { next: { ...definition, agents, variables: variablesWith(definition, spec) } };
  });
}

/** The variables with the new agent on the roster, unless another selection lists it (A1). */
function variablesWith(
  { variables }: SpaceDefinition,
  { id, run }: AgentSpec,
): readonly VariableDefinition[] {
  const isListed = variables.some(({ kind, agents }) => kind === 'agent-selection' && agents.includes(id));
  return isListed || run === undefined ? variables : rosterWith(variables, id);
}

/** How a variable is added. */
export interface AddVariableOptions extends AddOptions {
  /** Agents that it lists need not be there yet. */
  readonly lazy?: boolean;
}

/**
 * Adds an orchestration variable with its first value. Throws `variable-exists` (there is another one of that id), `unknown-agent`,
 * `conflicting-topology` (the space has its one topology already), `invalid-definition`, `space-definition-invalid`, `conflict`.
 */
export function addOrchestrationVariable(
  place: SpacePlace,
  input: VariableDefinition,
  options: AddVariableOptions,
): Promise<PartAdded> {
  const variable = parseVariableDefinition(input);
  const { id, kind } = variable;
  return addPart(place, options, (definition) => {
    const present = definition.variables.find((each) => each.id === id);
    if (present !== undefined) {
      if (sameJson(present, variable)) return undefined;
      const message = `there is a variable ${id} already, and it is another one; choose another id, or redefine it`;
      throw variableError('variable-exists', message, { details: { id } });
    }
    const known = new Set(definition.agents.map((agent) => agent.id));
    const unknown = variable.agents.filter((agent) => !known.has(agent));
    if (unknown.length > 0 && options.lazy !== true) {
      const message = `${id} lists ${unknown.join(', ')}, which the space does not define; register them first, or add the variable lazily`;
      throw agentError('unknown-agent', message, { details: { variable: id, agents: unknown } });
    }
    const topology = definition.variables.find((each) => each.kind === 'communication-topology');
    if (kind === 'communication-topology' && topology !== undefined) {
      const message = `${topology.id} says the topology of the space already, and there is one graph; set its value instead`;
      throw orchestratorError('conflicting-topology', message, {
        details: { variable: id, topology: topology.id },
      });
    }
    const isExpected = ({ path }: CheckProblem): boolean =>
      options.lazy === true && path[0] === 'variables' && path[1] === id && path[2] === 'agents';
    return { next: { ...definition, variables: [...definition.variables, variable] }, isExpected };
  });
}

/** A definition with its new part, and which of its problems are none. */
interface Extended {
  readonly next: SpaceDefinition;
  readonly isExpected?: (problem: CheckProblem) => boolean;
}

/** A race for the roster is lost at most once to each of those who add at the same time. */
const attempts = 20;

async function addPart(
  { bus, mirror, space }: SpacePlace,
  { by }: AddOptions,
  extend: (definition: SpaceDefinition) => Extended | undefined,
): Promise<PartAdded> {
  const { replica } = mirror.store;
  for (let attempt = 1; ; attempt++) {
    await mirror.refresh();
    const present = { applied: replica.applied, entries: replica.entries() };
    const { definition } = definedSpace(space, present);
    const extended = extend(definition);
    if (extended === undefined) return { kind: 'noop' };
    assertNoNewProblem(definition, extended);
    const writes = planSpace(extended.next, replica, { by, at: new Date().toISOString() });
    try {
      const { revision } = await commitBatch(bus, spaceNames(space).bucket, writes);
      await mirror.reach(revision);
      return { kind: 'added', revision };
    } catch (error) {
      if (!(error instanceof MabeamError) || error.code !== 'conflict' || attempt === attempts) throw error;
    }
  }
}

/** Throws `space-definition-invalid` or `resource-impossible` for what is wrong with the part (A2). */
function assertNoNewProblem(before: SpaceDefinition, { isExpected, next }: Extended): void {
  const nameOf = ({ message, path }: CheckProblem): string => `${fieldText(path)}: ${message}`;
  const known = new Set(checkSpaceDefinition(before).map(nameOf));
  const problems = checkSpaceDefinition(next).filter(
    (problem) => !known.has(nameOf(problem)) && isExpected?.(problem) !== true,
  );
  if (problems.length === 0) return;
  const told = problems.map(({ path, ...problem }) => ({ field: fieldText(path), ...problem }));
  throw invalidDefinition(`space ${next.space}`, told);
}
