/**
 * When an agent gets more replicas, when fewer. Pure.
 *
 * P1 Never beyond what the pool has room for, the policy's limits, and the agent's bounds.
 * P2 More replicas are wanted at most once in a cooldown, and only when those wanted before are there. By the queue rule they are
 *    wanted at once: it counts those that are starting.
 * P3 Fewer are wanted only after the cooldown, and when so many were never wished for in the whole of the stabilisation time since
 *    the last change. So whatever the load does, there is at most one decrease in that time.
 * P4 Fewer are wanted only if what the others would have to bear is not above the upper limit.
 * P5 What is not known, or stale, decides nothing.
 * P6 Only who works on tasks, and has none, is ever scaled to none: a queue waits, a question does not.
 */
import type { Backlog } from '@mabeam/bus';
import type { ScalingPolicy } from '../definition/scaling-policy.ts';
import type { AgentMetrics } from './metrics.ts';

/** How an agent stands when its policy is looked at. */
export interface ScalingObservation {
  readonly agent: string;
  /** Replicas wanted now. */
  readonly wanted: number;
  /** Replicas that are active. */
  readonly ready: number;
  /** Those of its definition; without, it is not scaled. */
  readonly bounds?: { readonly min: number; readonly max: number } | undefined;
  /** For so many more the pool has room. */
  readonly room: number;
  readonly metrics?: AgentMetrics | undefined;
  /** Of the tasks of its group; absent: it works on none. */
  readonly backlog?: Pick<Backlog, 'pending' | 'unacknowledged'> | undefined;
  /** When its replicas were last changed, by whomever; ms since the epoch. */
  readonly changedAt?: number | undefined;
}

/** What a policy remembers of an agent. Lost with a leader, it makes the next one the more patient. */
export interface ScalingState {
  /** Since when it looks, or since its last change. */
  readonly since: number;
  /** What was wished for within the stabilisation time. */
  readonly wishes: readonly { readonly at: number; readonly replicas: number }[];
}

/** `scale`: the replicas change. All else leaves them as they are; `steady`: they are right, `unknown`: P5. */
export type ScalingReason =
  | 'scale'
  | 'steady'
  | 'unknown'
  | 'no-capacity'
  | 'at-max'
  | 'at-min'
  | 'cooldown'
  | 'stabilising';

/** What a policy decides for an agent. */
export interface ScalingDecision {
  readonly policy: string;
  readonly agent: string;
  readonly from: number;
  /** Equal to `from` unless the reason is `scale`. */
  readonly to: number;
  readonly reason: ScalingReason;
  /** What was seen, for people. */
  readonly why: string;
}

/** A policy's default limits, of utilisation and of waiting work for each replica. */
const usualLimits = { upAbove: 0.8, downBelow: 0.3, queueAbove: 10 } as const;

/** A replica of the queue rule is to be busy to this part. */
const targetShare = 0.8;

/** Tasks that a replica works on at once, as long as none has said. */
const usualSlots = 16;

/** Decides for one agent, and gives what is to be remembered for the next look (P1–P6). `now`: ms since the epoch. */
export function decideScaling(
  policy: ScalingPolicy,
  observation: ScalingObservation,
  state: ScalingState | undefined,
  now: number,
): { readonly decision: ScalingDecision; readonly state: ScalingState } {
  const { agent, wanted } = observation;
  const limits = limitsOf(policy, observation);
  const wish = wishOf(policy, observation);
  const before = state ?? { since: now, wishes: [] };
  const hold = (reason: ScalingReason, why: string): ScalingDecision => ({
    policy: policy.id,
    agent,
    from: wanted,
    to: wanted,
    reason,
    why,
  });
  if (wish === undefined) return { decision: hold('unknown', 'no fresh metrics'), state: before };
  const clamped = Math.min(limits.max, Math.max(limits.min, wish.replicas));
  const wishes = [
    ...before.wishes.filter(({ at }) => at > now - policy.stabilizationMs),
    { at: now, replicas: clamped },
  ];
  const next = { since: before.since, wishes };
  const verdict = boundWish(policy, observation, { wish, clamped, state: next, now });
  if (typeof verdict === 'string') return { decision: hold(verdict, wish.why), state: next };
  const decision = { ...hold('scale', wish.why), to: verdict };
  return { decision, state: { since: now, wishes: [] } };
}

/** The replicas that come of a wish, or why none do (P1–P3). */
function boundWish(
  policy: ScalingPolicy,
  observation: ScalingObservation,
  look: { readonly wish: Wish; readonly clamped: number; readonly state: ScalingState; readonly now: number },
): number | ScalingReason {
  const { clamped, now, state, wish } = look;
  const { ready, room, wanted } = observation;
  const isResting = now - (observation.changedAt ?? Number.NEGATIVE_INFINITY) < policy.cooldownMs;
  if (clamped > wanted) {
    if (!wish.isHeadlong && isResting) return 'cooldown';
    if (!wish.isHeadlong && ready < wanted) return 'stabilising';
    const to = Math.min(clamped, wanted + Math.floor(room));
    return to > wanted ? to : 'no-capacity';
  }
  if (clamped < wanted) {
    if (isResting) return 'cooldown';
    const to = Math.max(...state.wishes.map(({ replicas }) => replicas));
    return now - state.since >= policy.stabilizationMs && to < wanted ? to : 'stabilising';
  }
  if (wish.replicas > wanted) return 'at-max';
  return wish.replicas < wanted ? 'at-min' : 'steady';
}

/** P1, P6. */
function limitsOf(
  policy: ScalingPolicy,
  { backlog, bounds, wanted }: ScalingObservation,
): { readonly min: number; readonly max: number } {
  if (bounds === undefined) return { min: wanted, max: wanted };
  const max = Math.min(policy.max ?? bounds.max, bounds.max);
  const least = backlog !== undefined && backlog.pending + backlog.unacknowledged === 0 ? 0 : 1;
  return { min: Math.min(max, Math.max(policy.min ?? 0, bounds.min, least)), max };
}

/** How many replicas a rule wishes for, whatever the limits. */
interface Wish {
  readonly replicas: number;
  readonly why: string;
  /** Neither cooldown nor those that are starting hold it up (P2). */
  readonly isHeadlong: boolean;
}

/** What the policy's rule wishes for; undefined: it does not know (P5). */
function wishOf(policy: ScalingPolicy, observation: ScalingObservation): Wish | undefined {
  const { downBelow, metric, upAbove } = policy;
  if (metric === 'queue' && upAbove === undefined && downBelow === undefined) return wishByQueue(observation);
  const gauges =
    metric === undefined
      ? usualGauges(observation)
      : [gaugeOf(metric, observation, { upAbove, downBelow })].filter((gauge) => gauge !== undefined);
  return gauges.length === 0 ? undefined : wishByLimits(policy, observation, gauges);
}

/**
 * The queue rule (rulings R27): as many replicas as make all of them busy to four fifths with what is worked on, and with what waits
 * beyond what the starting ones will take: ⌈(busy + max(0, queue − slots · starting)) / (0.8 · slots)⌉.
 */
function wishByQueue({ backlog, metrics, ready, wanted }: ScalingObservation): Wish | undefined {
  if (backlog === undefined) return undefined;
  const slots = Math.max(1, metrics?.slots ?? usualSlots);
  const starting = Math.max(0, wanted - ready);
  const { pending, unacknowledged: busy } = backlog;
  const replicas = Math.ceil((busy + Math.max(0, pending - slots * starting)) / (targetShare * slots));
  const why = `${busy} tasks are worked on and ${pending} wait, ${slots} at once for a replica`;
  return { replicas, why, isHeadlong: true };
}

/** A measured value between its limits. */
interface Gauge {
  readonly name: string;
  readonly value: number;
  readonly upAbove: number | undefined;
  readonly downBelow: number | undefined;
  /** Fewer replicas would have more of it each. */
  readonly isShared: boolean;
}

/** P4; up when one is above, down when all are below. */
function wishByLimits(
  { step }: ScalingPolicy,
  { wanted }: ScalingObservation,
  gauges: readonly Gauge[],
): Wish {
  const high = gauges.find(({ upAbove, value }) => upAbove !== undefined && value > upAbove);
  if (high !== undefined) {
    const why = `${high.name} ${shown(high.value)} is above ${high.upAbove}`;
    return { replicas: wanted + step, why, isHeadlong: false };
  }
  const why = gauges.map(({ name, value }) => `${name} ${shown(value)}`).join(', ');
  const fewer = Math.max(0, wanted - step);
  const isLow = gauges.every((gauge) => isLowFor(gauge, wanted, fewer));
  return { replicas: isLow ? fewer : wanted, why, isHeadlong: false };
}

function isLowFor({ downBelow, isShared, upAbove, value }: Gauge, wanted: number, fewer: number): boolean {
  if (downBelow === undefined || value >= downBelow) return false;
  if (!isShared || upAbove === undefined || value <= 0) return true;
  return fewer === 0 || (value * wanted) / fewer <= upAbove;
}

/**
 * Cores, memory and waiting work, as far as they are known. Of one whose cores are not known – a program that does not tell, or one
 * that is silent – the work in hand says whether fewer would do.
 */
function usualGauges(observation: ScalingObservation): readonly Gauge[] {
  const { downBelow, queueAbove, upAbove } = usualLimits;
  const cpu = gaugeOf('cpu', observation, { upAbove, downBelow });
  const known = [
    cpu,
    gaugeOf('memory', observation, { upAbove, downBelow }),
    // Nothing may wait: half a task is the limit of whole ones.
    gaugeOf('queue', observation, { upAbove: queueAbove, downBelow: 0.5 }),
    cpu === undefined ? workInHand(observation) : undefined,
  ];
  return known.filter((gauge) => gauge !== undefined);
}

function workInHand({ backlog }: ScalingObservation): Gauge | undefined {
  if (backlog === undefined) return undefined;
  const value = backlog.unacknowledged;
  return { name: 'work in hand', value, upAbove: undefined, downBelow: 0.5, isShared: true };
}

function gaugeOf(
  name: string,
  { backlog, metrics, wanted }: ScalingObservation,
  limits: Pick<Gauge, 'upAbove' | 'downBelow'>,
): Gauge | undefined {
  if (name === 'queue') {
    if (backlog === undefined) return undefined;
    return { name, value: backlog.pending / Math.max(1, wanted), ...limits, isShared: true };
  }
  if (metrics === undefined || metrics.isStale) return undefined;
  const isUse = name === 'cpu' || name === 'memory';
  const value = name === 'cpu' ? metrics.cpuUse : isUse ? metrics.memoryUse : metrics.scores[name]?.mean;
  // Memory is held, not shared out: with fewer replicas none has more of it.
  return value === undefined ? undefined : { name, value, ...limits, isShared: name === 'cpu' };
}

function shown(value: number): string {
  return String(Math.round(value * 100) / 100);
}
