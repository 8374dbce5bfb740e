/** The two ways in which many wishes become one: the weighted mean of numbers, the weighted plurality of anything. Pure. */
import type { Json } from '@mabeam/variables';
import { canonicalText } from './canonical.ts';
import { byRank, type Position } from './position.ts';
import { asksForNumber, fitValue, readable, type ValueRange } from './value-range.ts';

/** A wish with its weight, and whose it is. */
export type Wish = Pick<Position, 'party' | 'priority' | 'weight'> & { readonly value: Json };

/** Are all of these numbers? */
export function areNumbers<T extends { readonly value: Json }>(
  wishes: readonly T[],
): wishes is readonly (T & { readonly value: number })[] {
  return wishes.every(({ value }) => typeof value === 'number');
}

/** Σ w·v ∕ Σ w, never outside of the values. At least one wish; weights above 0. */
export function weightedMean(wishes: readonly { readonly value: number; readonly weight: number }[]): number {
  const heaviest = Math.max(...wishes.map(({ weight }) => weight));
  const total = wishes.reduce((sum, { weight }) => sum + weight / heaviest, 0);
  const mean = wishes.reduce((sum, { value, weight }) => sum + (weight / heaviest / total) * value, 0);
  const values = wishes.map(({ value }) => value);
  return Math.min(Math.max(...values), Math.max(Math.min(...values), readable(mean)));
}

/** A value with those who want it. */
export interface Camp {
  readonly value: Json;
  readonly weight: number;
  /** The first of them by rank. */
  readonly head: Wish;
}

/** The values that are wished for, the most wanted first; ties go to the one whose head ranks first. */
export function campsOf(wishes: readonly Wish[]): readonly Camp[] {
  const groups = Map.groupBy(wishes, ({ value }) => canonicalText(value));
  return [...groups.values()]
    .map((group) => {
      const [head = group[0]] = group.toSorted(byRank);
      const weight = group.toSorted(byRank).reduce((sum, wish) => sum + wish.weight, 0);
      return head === undefined ? [] : [{ value: head.value, weight, head }];
    })
    .flat()
    .toSorted((a, b) => (isTie(a, b) ? byRank(a.head, b.head) : b.weight - a.weight));
}

/** Do two camps weigh the same, but for the dust of adding up? */
export function isTie(a: Pick<Camp, 'weight'>, b: Pick<Camp, 'weight'>): boolean {
  return Math.abs(a.weight - b.weight) <= 1e-12 * Math.max(a.weight, b.weight);
}

/**
 * What the wishes come to within the range: the mean when all are numbers, else the most wanted value that is allowed.
 * Undefined when none is.
 */
export function poolWishes(wishes: readonly Wish[], range: ValueRange): Json | undefined {
  if (wishes.length > 0 && areNumbers(wishes)) return fitValue(weightedMean(wishes), range);
  const allowed = wishes.flatMap((wish) => {
    const value =
      asksForNumber(range) && typeof wish.value !== 'number' ? undefined : fitValue(wish.value, range);
    return value === undefined ? [] : [{ ...wish, value }];
  });
  return campsOf(allowed)[0]?.value;
}
