/**
 * Where a value may lie: what a negotiation may end in. Pure.
 *
 * V1  What comes out of `fitValue` fits: fitting it again gives the same value.
 * V2  A value that fits as it is comes out as it is.
 */
import { sameJson, type Json } from '@mabeam/variables';

/** The limits of a negotiated value; without any, every JSON value may be agreed on. */
export interface ValueRange {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** Values are `min` (or 0) plus a whole number of steps. */
  readonly step?: number | undefined;
  /** The values to choose from. */
  readonly enum?: readonly Json[] | undefined;
}

/** What makes these limits senseless; undefined when they are sound. Contradictory limits are sound: nothing lies within. */
export function rangeProblem({ min, max, step, enum: values }: ValueRange): string | undefined {
  for (const [name, limit] of Object.entries({ min, max, step })) {
    if (limit !== undefined && !Number.isFinite(limit))
      return `${name} must be a finite number, got ${limit}`;
  }
  if (step !== undefined && step <= 0) return `step must be above 0, got ${step}`;
  return values?.length === 0 ? 'the list of values is empty' : undefined;
}

/** The largest number that a value may hold: sums and products of such numbers, weighted and spread, stay finite. */
const largestNumber = 1e300;

/** Are all numbers in a value small enough to reckon with? */
export function isMeasurable(value: Json): boolean {
  if (typeof value === 'number') return Math.abs(value) <= largestNumber;
  return typeof value !== 'object' || value === null || Object.values(value).every(isMeasurable);
}

/** Does the range ask for a number? */
export function asksForNumber({ min, max, step }: ValueRange): boolean {
  return min !== undefined || max !== undefined || step !== undefined;
}

/**
 * The value of the range that lies nearest, the smaller one of two; undefined when nothing does: a number is moved to the
 * limits, the steps and the numbers listed, anything else must be allowed as it is.
 */
export function fitValue(value: Json, range: ValueRange): Json | undefined {
  if (typeof value === 'number') return fitNumber(value, range);
  if (asksForNumber(range)) return undefined;
  if (range.enum === undefined) return value;
  return range.enum.some((allowed) => sameJson(allowed, value)) ? value : undefined;
}

/** A computed number without the dust of floating point: 12 significant digits. */
export function readable(value: number): number {
  return Number(value.toPrecision(12));
}

function fitNumber(value: number, range: ValueRange): number | undefined {
  const { enum: listed, ...limits } = range;
  if (listed === undefined) return snap(value, limits);
  const allowed = listed.filter(
    (item): item is number => typeof item === 'number' && snap(item, limits) === item,
  );
  const [first, ...rest] = allowed.toSorted((a, b) => a - b);
  if (first === undefined) return undefined;
  return rest.reduce(
    (nearest, item) => (Math.abs(item - value) < Math.abs(nearest - value) ? item : nearest),
    first,
  );
}

function snap(value: number, { min = -Infinity, max = Infinity, step }: ValueRange): number | undefined {
  if (min > max) return undefined;
  const inside = Math.min(max, Math.max(min, value));
  if (step === undefined) return inside;
  const base = Number.isFinite(min) ? min : 0;
  const steps = (inside - base) / step;
  const nearest = Math.round(steps);
  if (Math.abs(steps - nearest) <= 1e-9 * Math.max(1, Math.abs(steps))) return inside;
  const last = Number.isFinite(max) ? Math.floor((max - base) / step + 1e-9) : Infinity;
  return Math.min(max, readable(base + Math.min(nearest, last) * step));
}
