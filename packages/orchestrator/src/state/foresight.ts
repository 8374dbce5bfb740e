/**
 * Foresight: what a change of the bucket would cause, before anybody writes it. It asks the very functions by which the leader
 * decides, once on the space as it is and once as it would be, so a dry run cannot promise what the leader would not do. Pure.
 *
 * E1 What the leader is about to do anyway is not counted: only what the change adds.
 */
import { jsonBytes, type BatchWrite } from '@mabeam/bus';
import { observedKey, type NodeRecord, type ObservedInstance } from '@mabeam/cluster';
import {
  edgesIn,
  foldChanges,
  isEdge,
  sameJson,
  type CoordinationGraph,
  type Edge,
  type SpaceView,
  type VariableState,
} from '@mabeam/variables';
import type { SpacePool } from '../definition/space-record.ts';
import { desiredGraph, desiredInstances, type DefinedAgent } from '../instances/desired.ts';
import {
  reconcile,
  type Action,
  type InstanceLease,
  type Reconciliation,
  type Waiting,
} from '../instances/reconcile.ts';
import type { ScaleEntry } from './scale-entry.ts';

/** A space and what runs in it. */
export interface SpaceAtWork {
  readonly view: SpaceView;
  readonly agents: readonly DefinedAgent[];
  readonly observed: readonly ObservedInstance[];
  readonly leases: readonly InstanceLease[];
  readonly nodes: readonly NodeRecord[];
  /** How many replicas are wanted, by key; absent: as many as the definitions say. */
  readonly scales?: ReadonlyMap<string, ScaleEntry>;
  readonly pool?: SpacePool | undefined;
}

/** Another graph, and its edges that are new or gone. */
export interface Rewiring {
  readonly kind: 'rewire';
  readonly from: CoordinationGraph | undefined;
  readonly to: CoordinationGraph | undefined;
  readonly added: readonly Edge[];
  readonly removed: readonly Edge[];
}

/** What a change would lead to: instances, actions and edges, of which nothing has happened. */
export interface Foresight {
  /** Instances that ought to run, `<agent>.<ordinal>`, as the variables are and as they would be. */
  readonly desired: { readonly before: readonly string[]; readonly after: readonly string[] };
  readonly actions: readonly Action[];
  /** Instances that would be desired and not be started at once, with the reason. */
  readonly waiting: readonly Waiting[];
  /** Absent when the graph stays as it is. */
  readonly rewiring?: Rewiring;
}

/** What these writes would cause (E1); `now` in ms. */
export function foresee(space: SpaceAtWork, writes: readonly BatchWrite[], now: number): Foresight {
  const before = [...space.view.variables.values()];
  const after = [...viewAfter(space.view, writes).variables.values()];
  const present = reconcileWith(space, before, now);
  const future = reconcileWith(space, after, now);
  const from = desiredGraph(space.agents, before);
  const to = desiredGraph(space.agents, after);
  return {
    desired: { before: namesOf(space, before), after: namesOf(space, after) },
    actions: withoutKnown(future.actions, present.actions),
    waiting: withoutKnown(future.waiting, present.waiting),
    ...(sameJson(from, to) ? {} : { rewiring: rewiringOf(from, to) }),
  };
}

/** The view after these writes, by the fold that every reader uses. */
function viewAfter(view: SpaceView, writes: readonly BatchWrite[]): SpaceView {
  const entries = writes.map(({ key, body, operation = 'put' }, index) => ({
    key,
    operation,
    revision: view.revision + index + 1,
    data: operation === 'put' ? jsonBytes(body) : new Uint8Array(0),
  }));
  return foldChanges(view, [{ revision: view.revision + entries.length, entries }]);
}

function reconcileWith(
  { agents, observed, leases, nodes, pool, scales }: SpaceAtWork,
  variables: readonly VariableState[],
  now: number,
): Reconciliation {
  return reconcile({
    desired: desiredInstances(agents, variables, scales),
    agents,
    observed,
    leases,
    nodes,
    pool,
    inFlight: [],
    now,
  });
}

function namesOf({ agents, scales }: SpaceAtWork, variables: readonly VariableState[]): readonly string[] {
  return desiredInstances(agents, variables, scales).map(observedKey);
}

/** What is in `future` and not already in `present`. */
function withoutKnown<T extends Action | Waiting>(future: readonly T[], present: readonly T[]): readonly T[] {
  const labelOf = (each: T): string => `${each.kind} ${observedKey(each)} ${each.reason}`;
  const known = new Set(present.map(labelOf));
  return future.filter((each) => !known.has(labelOf(each)));
}

function rewiringOf(from: CoordinationGraph | undefined, to: CoordinationGraph | undefined): Rewiring {
  return {
    kind: 'rewire',
    from,
    to,
    added: edgesOnlyIn(to, from),
    removed: edgesOnlyIn(from, to),
  };
}

function edgesOnlyIn(
  one: CoordinationGraph | undefined,
  other: CoordinationGraph | undefined,
): readonly Edge[] {
  const edges = one === undefined ? [] : edgesIn(one);
  return other === undefined ? edges : edges.filter(([from, to]) => !isEdge(other, from, to));
}
