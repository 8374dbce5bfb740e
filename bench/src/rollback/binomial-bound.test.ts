import { expect, test } from 'vitest';
import { upperBound } from './binomial-bound.ts';

test('no hit in n trials leaves the rate that would be missed in a twentieth of cases', () => {
  expect(upperBound(0, 100, 0.95)).toBeCloseTo(1 - 0.05 ** (1 / 100), 8);
});

test('ten hits in two thousand: the 95 % point of a beta law', () => {
  // Beta(11, 1990), computed elsewhere.
  expect(upperBound(10, 2_000, 0.95)).toBeCloseTo(0.008466, 5);
});

test('a bound is above what was seen, falls with more trials, and is 1 when every trial hit', () => {
  expect(upperBound(5, 100, 0.95)).toBeGreaterThan(0.05);
  expect(upperBound(50, 1_000, 0.95)).toBeLessThan(upperBound(5, 100, 0.95));
  expect(upperBound(3, 3, 0.95)).toBe(1);
});
