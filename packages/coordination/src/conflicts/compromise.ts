/**
 * Compromise: what a conflict comes to when nobody is simply to win. By the kind of conflict:
 *
 *   numbers        the mean when they differ by less than 0.1, the median when their variance is above 0.5, else Σ w·v ∕ Σ w
 *   other values   the least regret: the value whose worst-off party loses least by it (Savage 1951)
 *   a resource     in proportion to what was asked, whole units by largest remainder
 *   time           turns, the most important party first
 */
import type { Json } from '@mabeam/variables';
import { areNumbers, weightedMean } from '../negotiation/average.ts';
import { canonicalText } from '../negotiation/canonical.ts';
import { splitByRemainder } from '../resources/whole-units.ts';
import { isAmount, rankClaims, type Conflict, type FullClaim, type ValueLimits } from './conflict.ts';
import { settle, type Attempt } from './resolution.ts';
import { defaultSlotMs, type Schedule } from './schedule.ts';

/** Which compromise, when it is not the one for the kind of conflict. */
export type CompromiseMethod = 'settlement' | 'partition' | 'turns';

/** When turns begin, and how long one lasts. */
export interface TurnOptions {
  /** In ms since 1970. Default 0: slots are then counted from there. */
  readonly startMs?: number;
  readonly slotMs?: number;
}

/** The method for a kind of conflict. */
export const methodOf = {
  'value-incompatible': 'settlement',
  'resource-competition': 'partition',
  'temporal-constraint': 'turns',
} as const satisfies Record<Conflict['kind'], CompromiseMethod>;

const closeRange = 0.1;
const wideVariance = 0.5;

/** The compromise, or why there is none. */
export function findCompromise(
  conflict: Conflict,
  method: CompromiseMethod,
  options: TurnOptions = {},
): Attempt {
  const claims = rankClaims(conflict.claims);
  if (claims.length === 0) return { kind: 'unresolved', reason: 'nobody claims anything' };
  if (method === 'turns') return takeTurns(conflict, claims, options);
  if (method === 'partition') return partition(conflict, claims);
  return areNumbers(claims) ? meet(conflict, claims) : regretLeast(conflict, claims);
}

/** The number within the limits that is nearest; what is no number is as it is. */
function withinLimits<T extends Json>(value: T, limits: ValueLimits = {}): T | number {
  if (typeof value !== 'number') return value;
  return Math.min(limits.max ?? value, Math.max(limits.min ?? value, value));
}

function meet(conflict: Conflict, claims: readonly (FullClaim & { readonly value: number })[]): Attempt {
  const values = claims.map(({ value }) => value);
  const mean = values.reduce((sum, value) => sum + value / values.length, 0);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2 / values.length, 0);
  const isClose = Math.max(...values) - Math.min(...values) < closeRange;
  const [method, found] = isClose
    ? (['simple-average', weightedMean(claims.map(({ value }) => ({ value, weight: 1 })))] as const)
    : variance > wideVariance
      ? (['median', medianOf(values)] as const)
      : (['weighted-average', weightedMean(claims)] as const);
  const value = withinLimits(found, conflict.limits);
  const reason = `${value} is the ${method.replace('-', ' ')} of what ${claims.length} parties want`;
  return {
    kind: 'resolved',
    resolution: settle(conflict, value, { compromise: 'weighted-average', method, reason }),
  };
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const low = sorted[Math.floor(middle)] ?? Number.NaN;
  const high = sorted[Math.ceil(middle)] ?? Number.NaN;
  return (low + high) / 2;
}

interface Option {
  readonly value: Json;
  readonly text: string;
  readonly worst: number;
  readonly total: number;
}

function regretLeast(conflict: Conflict, claims: readonly FullClaim[]): Attempt {
  const values = [...claims.map(({ value }) => value), ...(conflict.alternatives ?? [])];
  const options = [...new Map(values.map((value) => [canonicalText(value), value]))];
  const heaviest = Math.max(...claims.map(({ weight }) => weight));
  const best = claims.map((claim) => Math.max(...options.map(([text]) => worthOf(conflict, claim, text))));
  const judged = options.map(([text, value]): Option => {
    const regrets = claims.map(
      (claim, at) => (claim.weight / heaviest) * ((best[at] ?? 0) - worthOf(conflict, claim, text)),
    );
    return { value, text, worst: Math.max(...regrets), total: regrets.reduce((sum, one) => sum + one, 0) };
  });
  // Options stand in the order of rank, so the first of equals is that of the most important party.
  const [chosen] = judged.toSorted((a, b) => compareDust(a.worst, b.worst) || compareDust(a.total, b.total));
  if (chosen === undefined) return { kind: 'unresolved', reason: 'there is nothing to choose from' };
  const score = 1 - chosen.worst;
  const reason = `${chosen.text} is what the worst-off party loses least by`;
  const told = { compromise: 'alternative-solution', method: 'minimax-regret', score, reason } as const;
  return { kind: 'resolved', resolution: settle(conflict, chosen.value, told) };
}

/** Differences below what adding up leaves behind are none. */
function compareDust(a: number, b: number): number {
  return Math.abs(a - b) < 1e-12 ? 0 : a - b;
}

function worthOf({ utilities }: Conflict, claim: FullClaim, text: string): number {
  return utilities?.[claim.party]?.[text] ?? (canonicalText(claim.value) === text ? 1 : 0);
}

function partition(conflict: Conflict, claims: readonly FullClaim[]): Attempt {
  const { available } = conflict;
  if (available === undefined || !claims.every(({ value }) => isAmount(value)))
    return { kind: 'unresolved', reason: 'only whole amounts of something that is there can be divided' };
  const wanted = claims.map(({ value }) => Number(value));
  const total = wanted.reduce((sum, amount) => sum + amount, 0);
  const parts =
    total <= available
      ? wanted
      : splitByRemainder(
          available,
          wanted.map((amount) => (available * amount) / total),
        );
  const shares = Object.fromEntries(claims.map(({ party }, at) => [party, parts[at] ?? 0]));
  const given = parts.reduce((sum, part) => sum + part, 0);
  const reason = `${total} is wanted and ${available} is there: each gets its part`;
  const resolution = settle(conflict, shares, {
    compromise: 'alternative-solution',
    method: 'proportional',
    score: total === 0 ? 1 : given / total,
    reason,
    shares,
  });
  const overridden = resolution.overridden.filter(({ party, wanted: amount }) => shares[party] !== amount);
  return { kind: 'resolved', resolution: { ...resolution, overridden } };
}

function takeTurns(conflict: Conflict, claims: readonly FullClaim[], options: TurnOptions): Attempt {
  const schedule: Schedule = {
    startMs: options.startMs ?? 0,
    slotMs: options.slotMs ?? defaultSlotMs,
    turns: claims.map(({ party, value }) => ({ party, value: withinLimits(value, conflict.limits) })),
  };
  const value = schedule.turns[0]?.value ?? null;
  const reason = `it changes hands every ${schedule.slotMs} ms`;
  const told = { compromise: 'time-sharing', method: 'turns', reason, schedule } as const;
  return { kind: 'resolved', resolution: settle(conflict, value, told) };
}
