/**
 * The desired state: which instances ought to run, and who may talk to whom, as the variables say now. Pure.
 *
 * D1 An agent governed by agent-selection variables runs iff at least one of them selects it; an agent governed by none
 *    always runs. Governed means: listed in the variable's `agents`.
 * D2 An agent whose definition has no `run` is started elsewhere: it may be selected and wired, and is never desired here.
 * D3 Replicas of an agent are its ordinals 0 … replicas − 1.
 * D4 The graph spans the active agents among those of the topology variable, in the order it declares them.
 */
import type { AgentSpec } from '@mabeam/agents';
import { graphOf, type CoordinationGraph, type TopologyValue, type VariableState } from '@mabeam/variables';

/** An agent's definition with the revision of its key. */
export interface DefinedAgent {
  readonly spec: AgentSpec;
  readonly revision: number;
}

/** An instance that ought to run, and the definition it ought to run by. */
export interface DesiredInstance {
  readonly agent: string;
  readonly ordinal: number;
  readonly spec: AgentSpec;
  readonly definitionRevision: number;
  /** When the newest selection that governs it was written, ISO; absent when nobody has chosen yet. */
  readonly selectedAt?: string;
}

/** The agents that take part, wherever they are started (D1), by id. */
export function activeAgents(
  agents: readonly DefinedAgent[],
  variables: readonly VariableState[],
): readonly DefinedAgent[] {
  return agents
    .filter(({ spec }) => {
      const governing = selectionsOf(spec.id, variables);
      return governing.length === 0 || governing.some(({ value }) => selectedIn(value).includes(spec.id));
    })
    .toSorted((a, b) => compareIds(a.spec.id, b.spec.id));
}

/** The instances that ought to run on our nodes (D1–D3), by agent and ordinal. */
export function desiredInstances(
  agents: readonly DefinedAgent[],
  variables: readonly VariableState[],
): readonly DesiredInstance[] {
  return activeAgents(agents, variables)
    .filter(({ spec }) => spec.run !== undefined)
    .flatMap(({ spec, revision }) => {
      const chosen = selectionsOf(spec.id, variables).flatMap(({ entry }) => entry?.at ?? []);
      const selectedAt = chosen.toSorted().at(-1);
      const common = { agent: spec.id, spec, definitionRevision: revision };
      return Array.from({ length: spec.replicas }, (_, ordinal) => ({
        ...common,
        ordinal,
        ...(selectedAt === undefined ? {} : { selectedAt }),
      }));
    });
}

/** The selections that govern an agent (D1). */
export function selectionsOf(agent: string, variables: readonly VariableState[]): readonly VariableState[] {
  return variables.filter(
    ({ definition }) => definition.kind === 'agent-selection' && definition.agents.includes(agent),
  );
}

/** The graph that ought to hold (D4); undefined when no topology variable is defined: then all may talk to all. */
export function desiredGraph(
  agents: readonly DefinedAgent[],
  variables: readonly VariableState[],
): CoordinationGraph | undefined {
  const topology = variables.find(({ definition }) => definition.kind === 'communication-topology');
  if (topology === undefined) return undefined;
  const active = new Set(activeAgents(agents, variables).map(({ spec }) => spec.id));
  const members = topology.definition.agents.length > 0 ? topology.definition.agents : [...active];
  const nodes = members.filter((id) => active.has(id));
  // The store hands out validated, normalised values only: a topology variable's is a TopologyValue.
  const value = topology.value as unknown as TopologyValue;
  return graphOf(value, nodes);
}

/** The agents an agent-selection value selects. */
export function selectedIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((id) => typeof id === 'string') : [];
}

/** Ids in the order of their characters, the same everywhere. */
export function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
