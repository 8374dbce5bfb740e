/**
 * What reconciliation looks at, indexed: what ought to run, what hosts have seen, who holds what. Pure.
 */
import {
  observedKey,
  type InstanceId,
  type NodeRecord,
  type ObservedInstance,
  type ResourceAmounts,
} from '@mabeam/cluster';
import type { SpacePool } from '../definition/space-record.ts';
import { compareIds, type DefinedAgent, type DesiredInstance } from './desired.ts';
import { add, addAll, nothing, poolState, poolTotal, reservationOf, type PoolState } from './pool.ts';
import type { RecoveryStanding } from '../recovery/standing.ts';
import type { DataEdge } from './start-order.ts';

/** A live lease of an instance: its host answers for that incarnation. */
export interface InstanceLease extends InstanceId {
  readonly node: string;
  readonly incarnation: string;
  /** The host whose lease covers it; absent: it has one of its own. */
  readonly host?: string;
}

/** An instance that something is being done about, and the node that does it. */
export interface InstanceUnderway extends InstanceId {
  readonly node?: string;
}

/** What ought to be and what is: all that `reconcile` looks at. */
export interface ReconcileInput {
  readonly desired: readonly DesiredInstance[];
  readonly observed: readonly ObservedInstance[];
  readonly leases: readonly InstanceLease[];
  readonly nodes: readonly NodeRecord[];
  /** Instances a command of ours is under way for, or whose effect has not been seen yet. */
  readonly inFlight: readonly InstanceUnderway[];
  readonly now: number;
  readonly retryAfterMs?: number;
  /** Until then an instance whose lease is gone may still have its host (C6). */
  readonly lostAfter?: number;
  /** All definitions, also of agents that are not desired; default: those of the desired (C8). */
  readonly agents?: readonly DefinedAgent[];
  /** The data edges that the space declares (C8). */
  readonly dataEdges?: readonly DataEdge[];
  /** What the space has; what is absent, its live nodes have (C10). */
  readonly pool?: SpacePool | undefined;
  /** What is taken of the pool by others than instances. */
  readonly held?: ResourceAmounts;
  /** C9; default: twice the cores of the nodes, at least 8. */
  readonly startsAtOnce?: number;
  /** What the failures so far mean; absent: nothing. */
  readonly recovery?: RecoveryStanding | undefined;
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
  readonly recovery: RecoveryStanding | undefined;
  /** C10. */
  readonly pool: PoolState;
  /** What each started instance has reserved. */
  readonly reservations: readonly (InstanceId & { readonly reserved: ResourceAmounts })[];
  /** What instances have reserved, by node. */
  readonly reservedOn: ReadonlyMap<string, ResourceAmounts>;
  /** How many instances of an agent each node has, by agent. */
  readonly siblings: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** Indexes the input. */
export function situate(input: ReconcileInput): Situation {
  const desired = new Map(input.desired.map((instance) => [observedKey(instance), instance]));
  return {
    ...reservationsOf(input, desired),
    desired,
    observed: new Map(input.observed.map((instance) => [observedKey(instance), instance])),
    leases: new Map(input.leases.map((lease) => [observedKey(lease), lease])),
    inFlight: new Set(input.inFlight.map(observedKey)),
    nodes: input.nodes.toSorted((a, b) => compareIds(a.id, b.id)),
    now: input.now,
    retryAfterMs: input.retryAfterMs ?? defaultRetryAfterMs,
    lostAfter: input.lostAfter ?? 0,
    startsAtOnce: input.startsAtOnce ?? startsAtOnceOn(input.nodes),
    recovery: input.recovery,
  };
}

/** A started instance: one that holds a lease, that a start is under way for, or whose host may return (pool.ts, Q1). */
function startedOf(input: ReconcileInput): readonly InstanceUnderway[] {
  const { desired, inFlight, leases, now, lostAfter = 0, observed } = input;
  const started = new Map<string, InstanceUnderway>(leases.map((lease) => [observedKey(lease), lease]));
  const wanted = new Set(desired.map(observedKey));
  for (const each of inFlight) {
    const key = observedKey(each);
    if (wanted.has(key) && !started.has(key)) started.set(key, each);
  }
  if (now >= lostAfter) return [...started.values()];
  for (const each of observed) {
    const mayReturn = each.status !== 'inactive' && each.status !== 'failed';
    if (mayReturn && !started.has(observedKey(each))) started.set(observedKey(each), each);
  }
  return [...started.values()];
}

function reservationsOf(
  input: ReconcileInput,
  desired: ReadonlyMap<string, DesiredInstance>,
): Pick<Situation, 'load' | 'pool' | 'reservations' | 'reservedOn' | 'siblings'> {
  const specs = new Map((input.agents ?? []).map(({ spec }) => [spec.id, spec]));
  const reservedOn = new Map<string, ResourceAmounts>();
  const siblings = new Map<string, Map<string, number>>();
  const counts = new Map<string, number>();
  const reservations: Situation['reservations'][number][] = [];
  for (const instance of startedOf(input)) {
    const { agent, node = '', ordinal } = instance;
    const part = reservationOf(instance, desired, specs);
    const nodes = siblings.get(agent) ?? new Map<string, number>();
    siblings.set(agent, nodes.set(node, (nodes.get(node) ?? 0) + 1));
    counts.set(node, (counts.get(node) ?? 0) + 1);
    if (part.memory === 0 && part.cpu === 0) continue;
    reservations.push({ agent, ordinal, reserved: part });
    reservedOn.set(node, add(reservedOn.get(node) ?? nothing, part));
  }
  // A node's own count lags behind what this space has there, and that knows nothing of other spaces: the larger holds.
  const load = input.nodes.map(
    ({ id, instances }) => [id, Math.max(instances, counts.get(id) ?? 0)] as const,
  );
  const parts = reservations.map(({ reserved }) => reserved);
  return {
    load: new Map(load),
    pool: poolState(poolTotal(input.pool, input.nodes), addAll([input.held ?? nothing, ...parts])),
    reservations,
    reservedOn,
    siblings,
  };
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
