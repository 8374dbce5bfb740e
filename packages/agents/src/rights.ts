/**
 * What an agent may do, by its role (docs/glossary.md). Pure.
 *
 *   role          direct   task   score   propose
 *   coordinator   yes      yes    yes
 *   executor               yes    yes
 *   evaluator              yes    yes
 *   optimizer                     yes     yes
 *   monitor
 *   custom        what its `permissions` list
 *
 * `direct`: give directives and commands to its subordinates; `task`: be handed tasks; `score`: judge work; `propose`: have the
 * orchestrator change a variable. Everybody may answer, read, and change variables of its own. The orchestrator may do all, and
 * so may who is no agent of the space: people and their programs.
 *
 * Subordinates of an agent are those it has an edge to: one of the topology, or one that the space declares for commands. In a star only
 * the hub has subordinates: there is one coordinator in it.
 */
import { isDeclared, isEdge, type GraphState } from '@mabeam/variables';
import type { AgentSpec } from './agent-spec.ts';

/** The sender that stands for the space's orchestrator; no agent can be called so. */
export const orchestratorName = 'orchestrator';

/** What a role may be given. */
export const permissions = ['direct', 'task', 'score', 'propose'] as const;

/** Something that not every role may do. */
export type Permission = (typeof permissions)[number];

/** What of a definition says what its agent may do. */
export type RoleSpec = Pick<AgentSpec, 'role' | 'permissions'>;

const byRole: Readonly<Record<Exclude<AgentSpec['role'], 'custom'>, readonly Permission[]>> = {
  coordinator: ['direct', 'task', 'score'],
  executor: ['task', 'score'],
  evaluator: ['task', 'score'],
  optimizer: ['score', 'propose'],
  monitor: [],
};

/** May an agent of this definition do it? */
export function isPermitted({ permissions: listed = [], role }: RoleSpec, permission: Permission): boolean {
  return role === 'custom' ? listed.includes(permission) : byRole[role].includes(permission);
}

/** May an agent of this definition vote, negotiate and propose values? Whoever only watches may not. */
export function hasVoice({ role }: Pick<RoleSpec, 'role'>): boolean {
  return role !== 'monitor';
}

/** Why a sender may not direct an agent; undefined when it may. An agent the space does not define has no such role. */
export function directionProblem(sender: {
  readonly from: string;
  readonly to: string;
  readonly spec: RoleSpec | undefined;
  readonly graph: GraphState | undefined;
}): string | undefined {
  const { from, to, spec, graph } = sender;
  if (from === orchestratorName) return undefined;
  if (spec === undefined || !isPermitted(spec, 'direct')) {
    return `${from} is ${spec === undefined ? 'not defined in this space' : `of the role ${spec.role}`}; only the orchestrator and coordinators direct agents`;
  }
  if (from !== to && isSubordinate(graph, from, to)) return undefined;
  return `${to} is no subordinate of ${from}: the graph has no edge between them`;
}

function isSubordinate(state: GraphState | undefined, from: string, to: string): boolean {
  if (state === undefined) return true;
  const { graph } = state;
  if (isDeclared(graph, { from, to, kind: 'command' })) return true;
  const isSpoke = graph.topology === 'star' && graph.hub !== undefined && graph.hub !== from;
  return !isSpoke && isEdge(graph, from, to);
}

/**
 * Why an agent may not be given another role; undefined when it may: the last coordinator of a space cannot leave its role, or nobody
 * would be left who directs.
 */
export function roleProblem(
  agent: string,
  role: AgentSpec['role'],
  specs: readonly Pick<AgentSpec, 'id' | 'role'>[],
): string | undefined {
  const coordinators = specs.filter((spec) => spec.role === 'coordinator').map(({ id }) => id);
  if (role === 'coordinator' || !coordinators.includes(agent) || coordinators.length > 1) return undefined;
  return `${agent} is the last coordinator; make another agent one first`;
}
