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
 * C7 The same input gives the same actions in the same order: stops first, then starts, each by agent and ordinal.
 */
import {
  observedKey,
  placeAgent,
  type InstanceId,
  type NodeRecord,
  type ObservedInstance,
} from '@mabeam/cluster';
import { compareIds, type DesiredInstance } from './desired.ts';

/** A live lease of an instance: its host answers for that incarnation. */
export interface InstanceLease extends InstanceId {
  readonly node: string;
  readonly incarnation: string;
}

/** Start an instance on a node: one that ought to run, one to be tried again, or one whose host is lost. */
export interface StartAction extends InstanceId {
  readonly kind: 'start';
  readonly node: string;
  readonly instance: DesiredInstance;
  readonly reason: 'desired' | 'retry' | 'lost';
}

/** Stop an instance that ought not to run, or not by that definition. */
export interface StopAction extends InstanceId {
  readonly kind: 'stop';
  readonly node: string;
  readonly reason: 'not-desired' | 'definition-changed';
}

/** Why a desired instance that does not run is not being started now. */
export interface Waiting extends InstanceId {
  readonly kind: 'waiting';
  readonly reason: 'in-flight' | 'stopping' | 'back-off' | 'ended' | 'no-node' | 'host-may-return';
}

/** Something to be ordered from a node. */
export type Action = StartAction | StopAction;

/** What ought to be and what is: all that `reconcile` looks at. */
export interface ReconcileInput {
  readonly desired: readonly DesiredInstance[];
  readonly observed: readonly ObservedInstance[];
  readonly leases: readonly InstanceLease[];
  readonly nodes: readonly NodeRecord[];
  /** Instances a command of ours is under way for, or whose effect has not been seen yet. */
  readonly inFlight: readonly InstanceId[];
  readonly now: number;
  readonly retryAfterMs?: number;
  /** Until then an instance whose lease is gone may still have its host (C6). */
  readonly lostAfter?: number;
}

/** What to do, and what is not being done yet. */
export interface Reconciliation {
  readonly actions: readonly Action[];
  readonly waiting: readonly Waiting[];
}

export const defaultRetryAfterMs = 30_000;

/** What to do now, and what is waited for (C1–C7). */
export function reconcile(input: ReconcileInput): Reconciliation {
  const situation = situate(input);
  const stops = input.leases.flatMap((lease) => stopFor(lease, situation));
  const starts: StartAction[] = [];
  const waiting: Waiting[] = [];
  const placed = new Map<string, number>();
  for (const instance of [...input.desired].toSorted(byName)) {
    const next = startFor(instance, situation, placed);
    if (next?.kind === 'start') {
      starts.push(next);
      placed.set(next.node, (placed.get(next.node) ?? 0) + 1);
    } else if (next !== undefined) waiting.push(next);
  }
  return { actions: [...stops.toSorted(byName), ...starts], waiting };
}

/** The input, indexed. */
interface Situation {
  readonly desired: ReadonlyMap<string, DesiredInstance>;
  readonly observed: ReadonlyMap<string, ObservedInstance>;
  readonly leases: ReadonlyMap<string, InstanceLease>;
  readonly inFlight: ReadonlySet<string>;
  readonly nodes: readonly NodeRecord[];
  readonly now: number;
  readonly retryAfterMs: number;
  readonly lostAfter: number;
}

function situate(input: ReconcileInput): Situation {
  return {
    desired: new Map(input.desired.map((instance) => [observedKey(instance), instance])),
    observed: new Map(input.observed.map((instance) => [observedKey(instance), instance])),
    leases: new Map(input.leases.map((lease) => [observedKey(lease), lease])),
    inFlight: new Set(input.inFlight.map(observedKey)),
    nodes: input.nodes.toSorted((a, b) => compareIds(a.id, b.id)),
    now: input.now,
    retryAfterMs: input.retryAfterMs ?? defaultRetryAfterMs,
    lostAfter: input.lostAfter ?? 0,
  };
}

/** The stop a live lease calls for, if any (C2, C3, C5). */
function stopFor(lease: InstanceLease, situation: Situation): readonly StopAction[] {
  const key = observedKey(lease);
  const observed = situation.observed.get(key);
  const current = observed?.incarnation === lease.incarnation ? observed : undefined;
  if (situation.inFlight.has(key) || current?.status === 'stopping') return [];
  if (!situation.nodes.some((node) => node.id === lease.node)) return [];
  const desired = situation.desired.get(key);
  const stop = { kind: 'stop', agent: lease.agent, ordinal: lease.ordinal, node: lease.node } as const;
  if (desired === undefined) return [{ ...stop, reason: 'not-desired' }];
  const changed = current !== undefined && current.definitionRevision !== desired.definitionRevision;
  return changed ? [{ ...stop, reason: 'definition-changed' }] : [];
}

/** The start a desired instance calls for, or what it waits for; undefined when it runs (C1, C4). */
function startFor(
  instance: DesiredInstance,
  situation: Situation,
  placed: ReadonlyMap<string, number>,
): StartAction | Waiting | undefined {
  const key = observedKey(instance);
  const observed = situation.observed.get(key);
  const name = { agent: instance.agent, ordinal: instance.ordinal };
  if (situation.inFlight.has(key)) return { kind: 'waiting', ...name, reason: 'in-flight' };
  const lease = situation.leases.get(key);
  if (lease !== undefined) {
    const stopping = observed?.incarnation === lease.incarnation && observed.status === 'stopping';
    return stopping ? { kind: 'waiting', ...name, reason: 'stopping' } : undefined;
  }
  const rest = restOf(instance, observed, situation);
  if (rest !== undefined) return { kind: 'waiting', ...name, reason: rest };
  const reason = reasonToStart(observed);
  if (reason === 'lost' && situation.now < situation.lostAfter) {
    return { kind: 'waiting', ...name, reason: 'host-may-return' };
  }
  const node = reason === 'lost' ? formerNode(observed, situation) : undefined;
  const chosen = node ?? emptiestNode(instance, situation, placed);
  if (chosen === undefined) return { kind: 'waiting', ...name, reason: 'no-node' };
  return { kind: 'start', ...name, node: chosen, instance, reason };
}

/** The node a lost instance was on, if it is alive (C6). */
function formerNode(observed: ObservedInstance | undefined, { nodes }: Situation): string | undefined {
  return nodes.find(({ id }) => id === observed?.node)?.id;
}

function emptiestNode(
  { spec }: DesiredInstance,
  situation: Situation,
  placed: ReadonlyMap<string, number>,
): string | undefined {
  const { nodes } = situation;
  const load = new Map(nodes.map((node) => [node.id, loadOf(node, situation) + (placed.get(node.id) ?? 0)]));
  const placement = placeAgent(spec, nodes, load);
  return placement.kind === 'placed' ? placement.node : undefined;
}

/** A node's own count lags behind the leases of this space, and these know nothing of other spaces: the larger holds. */
function loadOf(node: NodeRecord, { leases }: Situation): number {
  const held = [...leases.values()].filter((lease) => lease.node === node.id).length;
  return Math.max(node.instances, held);
}

/** Does the instance have to rest (C4)? A new definition is a new attempt and rests for nothing. */
function restOf(
  instance: DesiredInstance,
  observed: ObservedInstance | undefined,
  situation: Situation,
): 'back-off' | 'ended' | undefined {
  if (observed === undefined || observed.definitionRevision !== instance.definitionRevision) return undefined;
  if (hasEnded(instance, observed)) return 'ended';
  if (observed.status !== 'failed') return undefined;
  return situation.now < Date.parse(observed.since) + situation.retryAfterMs ? 'back-off' : undefined;
}

/** Has it ended in a way after which its restart type forbids another start, and was it not selected anew since? */
function hasEnded({ selectedAt, spec }: DesiredInstance, observed: ObservedInstance): boolean {
  const isOver =
    (observed.status === 'inactive' && spec.restart !== 'permanent') ||
    (observed.status === 'failed' && spec.restart === 'temporary');
  return isOver && (selectedAt === undefined || Date.parse(selectedAt) <= Date.parse(observed.since));
}

function reasonToStart(observed: ObservedInstance | undefined): StartAction['reason'] {
  if (observed?.status === 'failed') return 'retry';
  return observed === undefined || observed.status === 'inactive' ? 'desired' : 'lost';
}

function byName(a: InstanceId, b: InstanceId): number {
  return compareIds(a.agent, b.agent) || a.ordinal - b.ordinal;
}
