/**
 * What reconciliation looks at, indexed: what ought to run, what hosts have seen, who holds what. Pure.
 */
import { observedKey, type InstanceId, type NodeRecord, type ObservedInstance } from '@mabeam/cluster';
import { compareIds, type DefinedAgent, type DesiredInstance } from './desired.ts';
import type { DataEdge } from './start-order.ts';

/** A live lease of an instance: its host answers for that incarnation. */
export interface InstanceLease extends InstanceId {
  readonly node: string;
  readonly incarnation: string;
  /** The host whose lease covers it; absent: it has one of its own. */
  readonly host?: string;
}

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
  /** All definitions, also of agents that are not desired; default: those of the desired (C8). */
  readonly agents?: readonly DefinedAgent[];
  /** The data edges that the space declares (C8). */
  readonly dataEdges?: readonly DataEdge[];
  /** C9; default: twice the cores of the nodes, at least 8. */
  readonly startsAtOnce?: number;
}

export const defaultRetryAfterMs = 30_000;

/** So many processes may be starting at a time on however small a machine. */
const leastStartsAtOnce = 8;

/** The input, indexed. */
export interface Situation {
  readonly desired: ReadonlyMap<string, DesiredInstance>;
  readonly observed: ReadonlyMap<string, ObservedInstance>;
  readonly leases: ReadonlyMap<string, InstanceLease>;
  readonly inFlight: ReadonlySet<string>;
  readonly nodes: readonly NodeRecord[];
  readonly now: number;
  readonly retryAfterMs: number;
  readonly lostAfter: number;
  /** What each node has, by the larger of its own count and the leases of this space. */
  readonly load: ReadonlyMap<string, number>;
  readonly startsAtOnce: number;
}

/** Indexes the input. */
export function situate(input: ReconcileInput): Situation {
  return {
    desired: new Map(input.desired.map((instance) => [observedKey(instance), instance])),
    observed: new Map(input.observed.map((instance) => [observedKey(instance), instance])),
    leases: new Map(input.leases.map((lease) => [observedKey(lease), lease])),
    inFlight: new Set(input.inFlight.map(observedKey)),
    nodes: input.nodes.toSorted((a, b) => compareIds(a.id, b.id)),
    now: input.now,
    retryAfterMs: input.retryAfterMs ?? defaultRetryAfterMs,
    lostAfter: input.lostAfter ?? 0,
    load: loadOf(input),
    startsAtOnce: input.startsAtOnce ?? startsAtOnceOn(input.nodes),
  };
}

/** A node's own count lags behind the leases of this space, and these know nothing of other spaces: the larger holds. */
function loadOf({ leases, nodes }: ReconcileInput): ReadonlyMap<string, number> {
  const held = new Map<string, number>();
  for (const { node } of leases) held.set(node, (held.get(node) ?? 0) + 1);
  return new Map(nodes.map(({ id, instances }) => [id, Math.max(instances, held.get(id) ?? 0)]));
}

/** A process that starts keeps a core busy for a few tenths of a second. */
function startsAtOnceOn(nodes: readonly NodeRecord[]): number {
  const cores = nodes.reduce((sum, { capacity }) => sum + capacity.cpu, 0);
  return Math.max(leastStartsAtOnce, 2 * Math.ceil(cores));
}

/** The status of the incarnation that has the lease; it is starting until its host has said more. */
export function statusOf(key: string, { leases, observed }: Situation): ObservedInstance['status'] {
  const seen = observed.get(key);
  return seen !== undefined && seen.incarnation === leases.get(key)?.incarnation ? seen.status : 'starting';
}

/** By agent and ordinal. */
export function byName(a: InstanceId, b: InstanceId): number {
  return compareIds(a.agent, b.agent) || a.ordinal - b.ordinal;
}
