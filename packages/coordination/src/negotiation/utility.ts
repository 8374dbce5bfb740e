/**
 * What a value is worth to a party, from 0 to 1. Pure.
 *
 * By itself a value is worth 1 less its distance from the preferred one: of numbers, the difference as a part of the whole
 * range; of records, the mean over their keys; of anything else 0 when it is the same and 1 when not. Outside of what a party
 * accepts (`min`, `max`) it is worth nothing. A party may say otherwise in a table, which travels, or by a function.
 */
import { sameJson, type Json } from '@mabeam/variables';
import { isRecord } from './canonical.ts';
import type { Position, UtilityTable } from './position.ts';
import type { ValueRange } from './value-range.ts';

/** The worth of a value to a party. `peers` are the preferred values of all: they span the range where nothing else does. */
export function utilityOf(
  position: Position,
  value: Json,
  peers: readonly Json[],
  range: ValueRange = {},
): number {
  const { utility, preferred, min = -Infinity, max = Infinity } = position;
  if (typeof value === 'number' && (value < min || value > max)) return 0;
  if (typeof utility === 'function') return unit(utility(value));
  if (utility !== undefined) return unit(tableUtility(utility, value));
  return preferred === undefined ? 0 : unit(1 - distance(value, preferred, peers, range));
}

/** How far apart two values are, from 0 to 1. */
function distance(a: Json, b: Json, peers: readonly Json[], range: ValueRange = {}): number {
  if (typeof a === 'number' && typeof b === 'number') {
    const [low, high] = spanOf([...peers, a, b], range);
    return high === low ? 0 : Math.abs(a - b) / (high - low);
  }
  if (!isRecord(a) || !isRecord(b)) return sameJson(a, b) ? 0 : 1;
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  const parts = keys.map((key) => {
    const [left, right] = [a[key], b[key]];
    if (left === undefined || right === undefined) return 1;
    return distance(left, right, fieldsOf(peers, key));
  });
  return parts.length === 0 ? 0 : parts.reduce((sum, part) => sum + part, 0) / parts.length;
}

/** From where to where numbers reach: the range when it has both ends, else the numbers there are. */
export function spanOf(values: readonly Json[], { min, max }: ValueRange): readonly [number, number] {
  const numbers = values.filter((value) => typeof value === 'number');
  return [min ?? Math.min(...numbers, max ?? Infinity), max ?? Math.max(...numbers, min ?? -Infinity)];
}

/** What the records among the values have under a key. */
export function fieldsOf(values: readonly Json[], key: string): readonly Json[] {
  return values.flatMap((value) => {
    const field = isRecord(value) ? value[key] : undefined;
    return field === undefined ? [] : [field];
  });
}

function tableUtility({ points }: UtilityTable, value: Json): number {
  const exact = points.find((point) => sameJson(point.value, value));
  if (exact !== undefined) return exact.utility;
  if (typeof value !== 'number') return 0;
  const numbers = points
    .flatMap((point) => (typeof point.value === 'number' ? [{ ...point, at: point.value }] : []))
    .toSorted((a, b) => a.at - b.at);
  const after = numbers.findIndex(({ at }) => at > value);
  const [left, right] = [numbers[after - 1], numbers[after]];
  if (left === undefined || right === undefined) return 0;
  const share = (value - left.at) / (right.at - left.at);
  return left.utility + share * (right.utility - left.utility);
}

function unit(value: number): number {
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0;
}
