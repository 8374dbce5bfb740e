// The figures that the tables quote, on numbers whose answers are known.
import { expect, test } from 'vitest';
import { median, quantile, ratiosOf, seededRandom, summarise, upperBoundOfRatio } from './statistics.ts';

test('the median of an even number of figures lies between the middle two, whatever their order', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([9])).toBe(9);
});

test('a quantile is interpolated, and its ends are the least and the greatest', () => {
  const figures = [0, 10, 20, 30, 40];
  expect(quantile(figures, 0)).toBe(0);
  expect(quantile(figures, 1)).toBe(40);
  expect(quantile(figures, 0.875)).toBe(35);
});

test('figures are not reordered in the caller’s array', () => {
  const figures = [3, 1, 2];
  summarise(figures);
  expect(figures).toEqual([3, 1, 2]);
});

test('no figures have no median', () => {
  expect(() => median([])).toThrow(RangeError);
  expect(() => upperBoundOfRatio([], [], { random: () => 0 })).toThrow(RangeError);
});

test('ratios are taken within a round, and rounds without a partner are refused', () => {
  expect(ratiosOf([10, 20], [5, 40])).toEqual([2, 0.5]);
  expect(() => ratiosOf([1, 2], [1])).toThrow('2 rounds against 1');
});

test('pairs that agree leave no doubt: the bound is their ratio', () => {
  const bound = upperBoundOfRatio([11, 22, 33], [10, 20, 30], { random: seededRandom(1) });
  expect(bound).toBeCloseTo(1.1, 12);
});

test('the bound lies above the ratio of the totals, nearer with more pairs', () => {
  const random = seededRandom(7);
  const marginOf = (count: number): number => {
    const ours = Array.from({ length: count }, () => 100 + 20 * (random() - 0.5));
    const ratio = ours.reduce((sum, figure) => sum + figure, 0) / (100 * count);
    return upperBoundOfRatio(ours, Array<number>(count).fill(100), { random }) - ratio;
  };
  expect(marginOf(10)).toBeGreaterThan(0.01);
  expect(marginOf(1_000)).toBeGreaterThan(0);
  expect(marginOf(1_000)).toBeLessThan(0.005);
});

test('about one bound in twenty is too low: the level is what it says', () => {
  const random = seededRandom(3);
  const tooLow = Array.from({ length: 400 }, () => {
    const ours = Array.from({ length: 25 }, () => 1 + 0.3 * (random() + random() - 1));
    const options = { random, resamples: 300 };
    return upperBoundOfRatio(ours, Array<number>(25).fill(1), options) < 1;
  }).filter(Boolean).length;
  expect(tooLow / 400).toBeGreaterThan(0.02);
  expect(tooLow / 400).toBeLessThan(0.11);
});

test('the same seed draws the same numbers, evenly over [0, 1)', () => {
  const [one, other] = [seededRandom(5), seededRandom(5)];
  const drawn = Array.from({ length: 2_000 }, one);
  expect(drawn).toEqual(Array.from({ length: 2_000 }, other));
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...drawn)).toBeLessThan(1);
  expect(median(drawn)).toBeCloseTo(0.5, 1);
});
