/**
 * The desired state: which instances ought to run, and who may talk to whom, as the variables say now. Pure.
 *
 * D1 An agent governed by agent-selection variables runs iff at least one of them selects it; an agent governed by none
 *    always runs. Governed means: listed in the variable's `agents`.
 * D2 An agent whose definition has no `run` is started elsewhere: it may be selected and wired, and is never desired here.
 * D3 Replicas of an agent are its ordinals 0 … replicas − 1, as many as its scale says within its bounds, else its definition. So
 *    the newest, those of the highest ordinals, are the first to go.
 * D4 The graph spans the active agents among those of the topology variable, in the order it declares them, without those that have
 *    been down for long. So a ring is bridged where one is missing, and closed again when it is back.
 * D5 Who was given up after a failure is not active. When a star has lost its hub, another is elected: coordinators first, then the
 *    larger priority, then the id; the hub is the hub again when it is back.
 */
import type { AgentSpec } from '@mabeam/agents';
import {
  graphOf,
  type CoordinationGraph,
  type KindEdge,
  type TopologyValue,
  type VariableState,
} from '@mabeam/variables';
import { scaleKey, wantedReplicas, type ScaleEntry } from '../state/scale-entry.ts';

/** An agent's definition with the revision of its key. */
export interface DefinedAgent {
  readonly spec: AgentSpec;
  readonly revision: number;
  /** What its failures have made of it: given up, it is not to run; absent, it is not in the graph. Neither when absent. */
  readonly standing?: 'given-up' | 'absent';
}

/** An instance that ought to run, and the definition it ought to run by. */
export interface DesiredInstance {
  readonly agent: string;
  readonly ordinal: number;
  readonly spec: AgentSpec;
  readonly definitionRevision: number;
  /** When the newest selection that governs it, or its scale, was written, ISO; absent when nobody has chosen yet. */
  readonly selectedAt?: string;
}

/** The agents that take part, wherever they are started (D1), by id. */
export function activeAgents(
  agents: readonly DefinedAgent[],
  variables: readonly VariableState[],
): readonly DefinedAgent[] {
  return agents
    .filter(({ spec, standing }) => {
      if (standing === 'given-up') return false;
      const governing = selectionsOf(spec.id, variables);
      return governing.length === 0 || governing.some(({ value }) => isIn(value, spec.id));
    })
    .toSorted((a, b) => compareIds(a.spec.id, b.spec.id));
}

/** The instances that ought to run on our nodes (D1–D3), by agent and ordinal; `scales` by their keys. */
export function desiredInstances(
  agents: readonly DefinedAgent[],
  variables: readonly VariableState[],
  scales: ReadonlyMap<string, ScaleEntry> = new Map(),
): readonly DesiredInstance[] {
  return activeAgents(agents, variables)
    .filter(({ spec }) => spec.run !== undefined)
    .flatMap(({ spec, revision }) => {
      const scale = scales.get(scaleKey(spec.id));
      const selected = selectionsOf(spec.id, variables).flatMap(({ entry }) => entry?.at ?? []);
      const chosen = spec.bounds === undefined || scale === undefined ? selected : [...selected, scale.at];
      const selectedAt = chosen.toSorted().at(-1);
      const common = { agent: spec.id, spec, definitionRevision: revision };
      return Array.from({ length: wantedReplicas(spec, scale) }, (_, ordinal) => ({
        ...common,
        ordinal,
        ...(selectedAt === undefined ? {} : { selectedAt }),
      }));
    });
}

/** The selections that govern an agent (D1). */
export function selectionsOf(agent: string, variables: readonly VariableState[]): readonly VariableState[] {
  return variables.filter(
    ({ definition }) => definition.kind === 'agent-selection' && isIn(definition.agents, agent),
  );
}

/**
 * The graph that ought to hold (D4, D5), with the edges that the space declares; undefined when no topology variable is defined: then all
 * may talk to all.
 */
export function desiredGraph(
  agents: readonly DefinedAgent[],
  variables: readonly VariableState[],
  edges: readonly KindEdge[] = [],
): CoordinationGraph | undefined {
  const topology = topologyVariable(variables);
  if (topology === undefined) return undefined;
  const active = new Set(activeAgents(agents, variables).map(({ spec }) => spec.id));
  const members = topology.definition.agents.length > 0 ? topology.definition.agents : [...active];
  const failed = agents.filter(({ standing }) => standing !== undefined).map(({ spec }) => spec.id);
  const nodes = members.filter((id) => active.has(id) && !failed.includes(id));
  // The store hands out validated, normalised values only: a topology variable's is a TopologyValue.
  const value = topology.value as unknown as TopologyValue;
  if (value.pattern !== 'star') return graphOf(value, nodes, edges);
  const hub = hubAmong(nodes, value.hub ?? members[0], { agents, failed });
  return graphOf({ ...value, hub }, nodes, edges);
}

/** The hub of a star: the one meant, unless it has failed (D5). One that merely is not selected is replaced by the first node. */
function hubAmong(
  nodes: readonly string[],
  meant: string | undefined,
  { agents, failed }: { readonly agents: readonly DefinedAgent[]; readonly failed: readonly string[] },
): string | undefined {
  if (meant === undefined || nodes.includes(meant) || !failed.includes(meant)) return meant;
  const specs = new Map(agents.map(({ spec }) => [spec.id, spec]));
  const rank = (id: string): number => (specs.get(id)?.role === 'coordinator' ? 0 : 1);
  const priority = (id: string): number => specs.get(id)?.priority ?? 0;
  return nodes.toSorted((a, b) => rank(a) - rank(b) || priority(b) - priority(a) || compareIds(a, b))[0];
}

/** The variable by which the graph is made; undefined when no topology is defined. */
export function topologyVariable(variables: readonly VariableState[]): VariableState | undefined {
  return variables.find(({ definition }) => definition.kind === 'communication-topology');
}

/** The agents an agent-selection value selects. */
export function selectedIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((id) => typeof id === 'string') : [];
}

/** The lists of definitions and values as sets: they never change, and each is asked about every agent. */
const members = new WeakMap<readonly unknown[], ReadonlySet<unknown>>();

function isIn(list: unknown, id: string): boolean {
  if (!Array.isArray(list)) return false;
  const known = members.get(list) ?? new Set(list);
  members.set(list, known);
  return known.has(id);
}

/** Ids in the order of their characters, the same everywhere. */
export function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
