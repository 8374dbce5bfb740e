/**
 * Reconciliation: from what ought to run and what does run to the starts and stops that close the difference. Pure and
 * level-triggered: it looks at states, never at what happened, so it may be asked as often as one likes.
 *
 * C1 An instance runs iff its lease is live; there is at most one start per (agent, ordinal) and none beside a live lease.
 * C2 Nothing is started that is not desired; nothing is stopped that is desired, except to start its newer definition.
 * C3 A changed definition is a stop now and, once the lease is gone, a start in a later round.
 * C4 A failed instance rests for `retryAfterMs` before it is tried again under the same definition; one that ended by
 *    itself and is not `permanent` stays ended until its definition or the selection changes.
 * C5 A host that is no live node (a person's terminal, a node that just died) is not asked to stop anything.
 * C6 After an outage of the server every lease has run out and every process still runs. So a lost instance is given
 *    until `lostAfter`, in which its host takes the lease again, and then goes to the node it was on, where a start of
 *    what runs is nothing.
 * C7 The same input gives the same actions in the same order: stops first, by agent and ordinal, then starts, in the order in which
 *    agents start (start-order.ts), by ordinal.
 * C8 What an agent waits for is started before it, and what is not desired is stopped after those that depend on it.
 * C9 No more than `startsAtOnce` processes and threads are starting at a time: together they would all be late. An agent that
 *    shares a process with others does not count, nor does a command.
 * C10 What an instance reserves is in the pool and on its node, or it waits with the reason `resource-exhausted`; who has the larger
 *    priority goes first (pool.ts).
 * C11 A life that ends with a failed sibling is stopped, that life alone; then the instance is started again, unless it is temporary.
 *    A lost instance is started when its loss is recorded (recovery/standing.ts).
 */
import { observedKey } from '@mabeam/cluster';
import type { Action, StopAction, Waiting } from './actions.ts';
import { byName, situate, type InstanceLease, type ReconcileInput, type Situation } from './situation.ts';
import { heldByDependants, startOrderOf, type StartOrder } from './start-order.ts';
import { startsFor } from './starts.ts';

export type { Action, StartAction, StopAction, Waiting } from './actions.ts';
export { defaultRetryAfterMs } from './situation.ts';
export type { InstanceLease, InstanceUnderway, ReconcileInput } from './situation.ts';

/** What to do, and what is not being done yet. */
export interface Reconciliation {
  readonly actions: readonly Action[];
  readonly waiting: readonly Waiting[];
}

/** What to do now, and what is waited for (C1–C11). */
export function reconcile(input: ReconcileInput): Reconciliation {
  const situation = situate(input);
  const specs = [...(input.agents ?? []), ...input.desired].map(({ spec }) => spec);
  const order = startOrderOf(specs, input.dataEdges);
  const stops = stopsFor(input.leases, situation, order);
  const { starts, waiting } = startsFor(situation, order);
  return { actions: [...stops, ...starts], waiting };
}

/** The stops that the live leases call for, by name; those that others depend on wait for these (C8). */
function stopsFor(
  leases: readonly InstanceLease[],
  situation: Situation,
  order: StartOrder,
): readonly StopAction[] {
  const stops = leases.flatMap((lease) => stopFor(lease, situation));
  const unwanted = stops.filter(({ reason }) => reason === 'not-desired').map(({ agent }) => agent);
  const ending = leases.filter((lease) => isEnding(lease, situation)).map(({ agent }) => agent);
  const held = heldByDependants(new Set([...unwanted, ...ending]), order);
  return stops.filter(({ agent, reason }) => reason !== 'not-desired' || !held.has(agent)).toSorted(byName);
}

/** Is an instance that is not desired about to end already? */
function isEnding(lease: InstanceLease, { desired, inFlight, observed }: Situation): boolean {
  const key = observedKey(lease);
  const seen = observed.get(key);
  const isStopping = seen?.incarnation === lease.incarnation && seen.status === 'stopping';
  return !desired.has(key) && (isStopping || inFlight.has(key));
}

/** The stop a live lease calls for, if any (C2, C3, C5, C11). */
function stopFor(lease: InstanceLease, situation: Situation): readonly StopAction[] {
  const key = observedKey(lease);
  const observed = situation.observed.get(key);
  const current = observed?.incarnation === lease.incarnation ? observed : undefined;
  if (situation.inFlight.has(key) || current?.status === 'stopping') return [];
  if (!situation.nodes.some((node) => node.id === lease.node)) return [];
  const desired = situation.desired.get(key);
  const stop = { kind: 'stop', agent: lease.agent, ordinal: lease.ordinal, node: lease.node } as const;
  if (desired === undefined) return [{ ...stop, reason: 'not-desired' }];
  if (situation.recovery?.renewed.has(lease.incarnation) === true)
    return [{ ...stop, reason: 'supervision', incarnation: lease.incarnation }];
  const changed = current !== undefined && current.definitionRevision !== desired.definitionRevision;
  return changed ? [{ ...stop, reason: 'definition-changed' }] : [];
}
