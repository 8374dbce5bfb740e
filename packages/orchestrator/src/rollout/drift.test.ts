import { expect, test } from 'vitest';
import { estimateDrift, leastDrift } from './drift.ts';

/** A fixed, even spread of noise, shuffled over the windows by stride. */
const steady = Array.from({ length: 9 }, (_, window) =>
  Array.from({ length: 11 }, (_unused, i) => ((window + i * 9) * 37) % 99),
);

test('windows of one level get the least allowance', () => {
  expect(estimateDrift(steady)).toBe(leastDrift);
});

test('windows whose level wanders get more, and the more the further it wanders', () => {
  const wandering = (by: number): number =>
    estimateDrift(steady.map((window, i) => window.map((value) => value + by * (i % 3))));
  expect(wandering(30)).toBeGreaterThan(2 * leastDrift);
  expect(wandering(60)).toBeGreaterThan(wandering(30));
});

test('a few samples do not look like a drift', () => {
  expect(
    estimateDrift([
      [1, 2],
      [3, 2],
      [2, 4],
    ]),
  ).toBe(leastDrift);
});

test.each([
  ['no windows', []],
  ['one window', [[1, 2, 3]]],
  ['empty windows', [[], [1, 2], []]],
  [
    'equal values',
    [
      [4, 4],
      [4, 4],
    ],
  ],
])('of %s nothing is concluded', (_name, windows) => {
  expect(estimateDrift(windows)).toBe(leastDrift);
});
