/**
 * What reconciliation looks at, as a mirror of the space shows it: for the leader's rounds, and for whoever wants to know what a
 * leader would do, and why something waits.
 */
import type { ResourceAmounts } from '@mabeam/cluster';
import { compareIds } from '../instances/desired.ts';
import { addAll, heldByVariables, type PoolState } from '../instances/pool.ts';
import { reconcile, type ReconcileInput, type Waiting } from '../instances/reconcile.ts';
import { situate } from '../instances/situation.ts';
import { situationOf, type SpaceMirror } from './space-mirror.ts';
import { declaredEdgesOf, spaceRecordOf, type SpaceState } from './space-state.ts';

/** What a round looks at; `now` in ms since the epoch. What is under way, and who may still return, the caller adds. */
export function reconcileInputOf(mirror: SpaceMirror, now: number): ReconcileInput {
  const { nodes, state } = mirror;
  const { agents, desired, leases, observed } = situationOf(mirror);
  return {
    desired,
    observed,
    leases,
    nodes,
    inFlight: [],
    now,
    agents,
    dataEdges: declaredEdgesOf(state, 'data'),
    pool: spaceRecordOf(state)?.pool,
    held: heldByVariables(demandsOfVariables(state)),
    recovery: mirror.recovery,
  };
}

/** The instances that are desired and do not run, each with its reason, as the leader sees them unless it is about to act. */
export function waitingIn(mirror: SpaceMirror, now: number): readonly Waiting[] {
  return reconcile(reconcileInputOf(mirror, now)).waiting;
}

/** What the space has of memory and cores, and what of it is reserved by the instances that have started. */
export function poolIn(mirror: SpaceMirror, now: number): PoolState {
  return situate(reconcileInputOf(mirror, now)).pool;
}

/** What the instances of an agent have reserved. */
export interface Reservation {
  readonly agent: string;
  /** Those that have started. */
  readonly instances: number;
  /** All of them together. */
  readonly reserved: ResourceAmounts;
}

/** What agents have reserved of the pool, by agent; who has reserved nothing is left out. */
export function reservationsIn(mirror: SpaceMirror, now: number): readonly Reservation[] {
  const { reservations } = situate(reconcileInputOf(mirror, now));
  return [...Map.groupBy(reservations, ({ agent }) => agent)]
    .map(([agent, all]) => ({
      agent,
      instances: all.length,
      reserved: addAll(all.map(({ reserved }) => reserved)),
    }))
    .filter(({ reserved }) => reserved.memory > 0 || reserved.cpu > 0)
    .toSorted((a, b) => compareIds(a.agent, b.agent));
}

/** What the values of variables cost to hold. Of an allocation that is what its agents share: they reserve their parts themselves. */
export function demandsOfVariables({ view }: SpaceState): Parameters<typeof heldByVariables>[0] {
  return [...view.variables.values()]
    .filter(({ definition }) => definition.kind !== 'resource-allocation')
    .map(({ definition }) => definition.resources);
}
