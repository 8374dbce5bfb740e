/**
 * Start order: who has to be there before whom. Pure.
 *
 * O1 An agent waits until each agent it depends on – `after`, and its `supervisor` – is up: has an active instance. One that
 *    cannot be brought up holds its dependants back for as long as that lasts.
 * O2 Coordinators and supervisors, and what they depend on, come before the others; who takes along a data edge comes before
 *    who sends. This is a courtesy: it waits for what is on its way, and for nothing that has failed, rests or has no node.
 * O3 Nobody waits for an agent that is not to run here: one that is not selected, not defined, or started elsewhere.
 * O4 What would make agents wait for each other in a circle binds none of them: everything can start.
 * O5 Who is stopped because it is not desired is stopped after those that depend on it.
 */
import type { AgentSpec } from '@mabeam/agents';
import { compareIds } from './desired.ts';

/** Who takes what the other sends. */
export type DataEdge = readonly [from: string, to: string];

/** Whom the agents of a space wait for, by agent. */
export interface StartOrder {
  /** Every agent, each after those it waits for; among equals by id. */
  readonly agents: readonly string[];
  /** O1. */
  readonly needs: ReadonlyMap<string, readonly string[]>;
  /** O2, along data edges. */
  readonly follows: ReadonlyMap<string, readonly string[]>;
  /** O2: those that come before the others. */
  readonly early: ReadonlySet<string>;
}

type Graph = ReadonlyMap<string, readonly string[]>;

/** The order in which these agents start (O1–O4). Its cost grows with the number of agents and of what they declare. */
export function startOrderOf(specs: readonly AgentSpec[], dataEdges: readonly DataEdge[] = []): StartOrder {
  const byId = new Map(specs.map((spec) => [spec.id, spec]));
  const ids = [...byId.keys()].toSorted(compareIds);
  // Most teams declare nothing, and this is asked at every change of a space.
  if (dataEdges.length === 0 && specs.every(isUnordered)) return { ...nothingDeclared, agents: ids };
  const declared = new Map(
    ids.map((id) => {
      const { after = [], supervisor } = byId.get(id) ?? {};
      const named = [...after, ...(supervisor === undefined ? [] : [supervisor])];
      return [id, [...new Set(named)].filter((other) => byId.has(other) && other !== id)] as const;
    }),
  );
  const needs = withoutCircles(ids, declared);
  const early = earlyAgents(specs, needs);
  const softer = new Map(ids.map((id) => [id, [] as string[]]));
  for (const [from, to] of dataEdges) {
    const isCourteous = byId.has(to) && from !== to && !(early.has(from) && !early.has(to));
    if (isCourteous) softer.get(from)?.push(to);
  }
  const both = new Map(ids.map((id) => [id, [...(needs.get(id) ?? []), ...(softer.get(id) ?? [])]]));
  const open = withoutCircles(ids, both);
  const follows = new Map(
    ids.map((id) => [id, (softer.get(id) ?? []).filter((to) => open.get(id)?.includes(to) === true)]),
  );
  const combined = new Map(ids.map((id) => [id, [...(needs.get(id) ?? []), ...(follows.get(id) ?? [])]]));
  const [first, rest] = [ids.filter((id) => early.has(id)), ids.filter((id) => !early.has(id))];
  return { agents: dependenciesFirst([...first, ...rest], combined), needs, follows, early };
}

const nothingDeclared: StartOrder = { agents: [], needs: new Map(), follows: new Map(), early: new Set() };

function isUnordered({ after, role, supervisor }: AgentSpec): boolean {
  return role !== 'coordinator' && supervisor === undefined && (after === undefined || after.length === 0);
}

/** Where an agent stands while it is decided who starts: there, on its way, or neither. */
export type AgentStanding = 'up' | 'coming' | 'stuck';

/** Whom an agent has to wait for, and whether that one is on its way. */
export interface Obstacle {
  readonly on: string;
  readonly isComing: boolean;
}

/**
 * Whom an agent waits for, by the standings of those before it in the order; undefined: nobody. Agents without a standing are not
 * to run here (O3). `isEarlyComing` says whether any early agent is on its way.
 */
export function obstacleOf(
  agent: string,
  { needs, follows, early }: StartOrder,
  standings: ReadonlyMap<string, AgentStanding>,
  earlyComing: string | undefined,
): Obstacle | undefined {
  const needed = (needs.get(agent) ?? []).filter((other) => isMissing(standings.get(other)));
  const stuck = needed.find((other) => standings.get(other) === 'stuck');
  if (stuck !== undefined) return { on: stuck, isComing: false };
  const coming = (follows.get(agent) ?? []).find((other) => standings.get(other) === 'coming');
  const on = needed[0] ?? coming ?? (early.has(agent) ? undefined : earlyComing);
  return on === undefined ? undefined : { on, isComing: true };
}

function isMissing(standing: AgentStanding | undefined): boolean {
  return standing === 'coming' || standing === 'stuck';
}

/** Which of the agents that are to be stopped have to wait for others of them that depend on them (O5). */
export function heldByDependants(stopping: ReadonlySet<string>, { needs }: StartOrder): ReadonlySet<string> {
  return new Set(
    [...stopping].flatMap((agent) => (needs.get(agent) ?? []).filter((other) => stopping.has(other))),
  );
}

/** Coordinators, supervisors, and all that these need. */
function earlyAgents(specs: readonly AgentSpec[], needs: Graph): ReadonlySet<string> {
  const supervisors = new Set(specs.map(({ supervisor }) => supervisor));
  const waiting = specs
    .filter(({ id, role }) => role === 'coordinator' || supervisors.has(id))
    .map(({ id }) => id);
  const early = new Set<string>();
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (early.has(id)) continue;
    early.add(id);
    waiting.push(...(needs.get(id) ?? []));
  }
  return early;
}

/** The graph without the edges whose ends reach each other (O4). */
function withoutCircles(ids: readonly string[], graph: Graph): Graph {
  const component = componentsOf(ids, graph);
  return new Map(
    ids.map((id) => [
      id,
      (graph.get(id) ?? []).filter((other) => component.get(other) !== component.get(id)),
    ]),
  );
}

/** Each node's strongly connected component: Kosaraju, two walks, each node and edge twice. */
function componentsOf(ids: readonly string[], graph: Graph): ReadonlyMap<string, string> {
  const reversed = new Map(ids.map((id) => [id, [] as string[]]));
  for (const [from, others] of graph) for (const to of others) reversed.get(to)?.push(from);
  const component = new Map<string, string>();
  for (const root of dependenciesFirst(ids, graph).toReversed()) {
    const reached = [root];
    for (let id = reached.pop(); id !== undefined; id = reached.pop()) {
      if (component.has(id)) continue;
      component.set(id, root);
      reached.push(...(reversed.get(id) ?? []));
    }
  }
  return component;
}

/** All nodes, each after those its edges lead to as far as there is no circle: the order in which a deep walk leaves them. */
function dependenciesFirst(ids: readonly string[], graph: Graph): readonly string[] {
  const left: string[] = [];
  const seen = new Set<string>();
  for (const root of ids) {
    const path: { readonly id: string; next: number }[] = seen.has(root) ? [] : [{ id: root, next: 0 }];
    seen.add(root);
    for (let at = path.at(-1); at !== undefined; at = path.at(-1)) {
      const other = graph.get(at.id)?.[at.next];
      at.next += 1;
      if (other === undefined) {
        left.push(at.id);
        path.pop();
      } else if (!seen.has(other)) {
        seen.add(other);
        path.push({ id: other, next: 0 });
      }
    }
  }
  return left;
}
