/** Weights by expertise: how much the word of a party counts when votes are weighted. Pure. */
import { coordinationError } from '../errors.ts';

/** What is known of a party's expertise, each from 0 to 1. */
export interface Expertise {
  /** How often it was right. Counts .3. */
  readonly accuracy: number;
  /** How alike its answers to like questions are. Counts .2. */
  readonly consistency: number;
  /** How well it knows the field in question. Counts .3. */
  readonly domain: number;
  /** How well its past decisions turned out. Counts .2. */
  readonly past: number;
}

/** No weight is below or above these, before the cap. */
const minWeight = 0.1;
const maxWeight = 3;

/**
 * The weight of each party: three times the mean of its expertise, from 0.1 to 3; and nobody has more than `cap` (default 0.5) of the
 * whole. Throws `invalid-weights` for a share outside 0 to 1.
 */
export function expertiseWeights(
  parties: Readonly<Record<string, Expertise>>,
  { cap = 0.5 }: { readonly cap?: number } = {},
): Readonly<Record<string, number>> {
  const weights = Object.entries(parties).map(([party, expertise]) => {
    const { accuracy, consistency, domain, past } = expertise;
    if (![accuracy, consistency, domain, past].every((share) => share >= 0 && share <= 1)) {
      const message = `the expertise of ${party} has a share that is not from 0 to 1`;
      throw coordinationError('invalid-weights', message, { details: { party } });
    }
    const score = 0.3 * accuracy + 0.2 * consistency + 0.3 * domain + 0.2 * past;
    return [party, Math.min(maxWeight, Math.max(minWeight, maxWeight * score))] as const;
  });
  return capWeights(Object.fromEntries(weights), cap);
}

/**
 * The fixpoint of "whoever has more than `cap` of the whole is cut down to it": capping once more changes nothing. Where the cap
 * cannot hold (fewer than 1/cap parties), all have the same. Weights only fall, and keep their order. Throws `invalid-weights`.
 */
export function capWeights(
  weights: Readonly<Record<string, number>>,
  cap: number,
): Readonly<Record<string, number>> {
  const sorted = Object.values(weights).toSorted((a, b) => b - a);
  if (!(cap > 0 && cap <= 1 && sorted.every((weight) => Number.isFinite(weight) && weight > 0))) {
    throw coordinationError('invalid-weights', 'weights must be above 0, and the cap a share above 0');
  }
  const limit = limitOf(sorted, cap);
  return Object.fromEntries(
    Object.entries(weights).map(([party, weight]) => [party, Math.min(weight, limit)]),
  );
}

/** With the k heaviest at the limit L: L = cap·(k·L + rest), so L = cap·rest / (1 − k·cap); the next must be no heavier. */
function limitOf(sorted: readonly number[], cap: number): number {
  let rest = sorted.reduce((sum, weight) => sum + weight, 0);
  for (const [k, weight] of sorted.entries()) {
    const left = 1 - k * cap;
    if (left <= 1e-12) break;
    const limit = (cap * rest) / left;
    if (weight <= limit * (1 + 1e-12)) return limit;
    rest -= weight;
  }
  return sorted.at(-1) ?? 0;
}
