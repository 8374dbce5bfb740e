import { expect, test } from 'vitest';
import { weighBlocks } from './e-process.ts';
import type { Block } from './rank-evidence.ts';

const isLong = process.env['MABEAM_LONG'] === '1';

/** Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Windows whose level drifts at will and whose noise has a heavy tail; the candidate worse by `shift` of its typical size. */
function windowsOf(random: () => number, shift: number, sizes: readonly number[]): readonly Block[] {
  return sizes.map((size) => {
    const level = 1 + 5 * random();
    const sample = (): number => level + Math.tan(Math.PI * 0.9 * (random() - 0.5)) * 0.3;
    return {
      incumbent: Array.from({ length: size }, sample),
      candidate: Array.from({ length: size }, () => sample() + shift * 0.3),
    };
  });
}

const options = { alpha: 0.01, windows: 3 };

test.each([
  ['three windows of seven', [7, 7, 7]],
  ['one large window and two small ones', [30, 3, 3]],
  ['windows without samples in between', [8, 0, 8]],
])('of candidates that are as good, less than 1 %% are found worse: %s', (_name, sizes) => {
  const random = seeded(7);
  const replays = isLong ? 20_000 : 2_000;
  let found = 0;
  for (let i = 0; i < replays; i++) if (weighBlocks(windowsOf(random, 0, sizes), options).isWorse) found++;
  // Five standard deviations of chance over 1 %.
  expect(found / replays).toBeLessThan(0.01 + 5 * Math.sqrt(0.0099 / replays));
});

test('a candidate worse by three times the typical noise is nearly always found within twenty samples', () => {
  const random = seeded(8);
  let found = 0;
  for (let i = 0; i < 200; i++) if (weighBlocks(windowsOf(random, 3, [7, 7, 6]), options).isWorse) found++;
  expect(found).toBeGreaterThan(190);
});

test('the last window can complete the evidence of the first ones, which alone is not enough', () => {
  const weak = { incumbent: [1, 2, 3, 4, 5, 6], candidate: [2.5, 3.5, 4.5, 5.5, 6.5, 7.5] };
  const strong = { incumbent: [1, 2, 3, 4, 5], candidate: [5.5, 6, 7, 8, 9] };
  const first = weighBlocks([weak, weak], options);
  expect([first.isWorse, Math.min(...first.eValues) > 1]).toEqual([false, true]);
  expect(weighBlocks([weak, weak, strong], options).isWorse).toBe(true);
  expect(weighBlocks([strong], { alpha: 0.01, windows: 1 }).isWorse).toBe(true);
  expect(weighBlocks([weak], { alpha: 0.01, windows: 1 }).isWorse).toBe(false);
});

test('a last window that does not complete it loses the stake', () => {
  const equal = { incumbent: [1, 3, 5, 7], candidate: [2, 4, 6, 8] };
  expect(weighBlocks([equal, equal, equal], options).eValues.at(-1)).toBe(0);
});

test('the last stake pays at most its price: over all choices its mean is no more than 0.7', () => {
  const values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const factors = Array.from({ length: 2 ** 10 }, (_, mask) => mask)
    .map((mask) => ({
      candidate: values.filter((_value, i) => ((mask >> i) & 1) === 1),
      incumbent: values.filter((_value, i) => ((mask >> i) & 1) === 0),
    }))
    .filter(({ candidate }) => candidate.length === 5)
    .map((block) => weighBlocks([block], { alpha: 0.05, windows: 1 }).eValues[0] ?? 0);
  expect(factors.reduce((total, factor) => total + factor, 0) / factors.length).toBeLessThanOrEqual(1);
  expect(Math.max(...factors)).toBeCloseTo(1 / (0.7 * 0.05), 9);
});

test('what has been found worse stays so, whatever comes after', () => {
  const bad = { incumbent: [1, 2, 3, 4, 5, 6, 7, 8], candidate: [11, 12, 13, 14, 15, 16, 17, 18] };
  const good = { incumbent: bad.candidate, candidate: bad.incumbent };
  const early = weighBlocks([bad, bad], { alpha: 0.01, windows: 4 });
  expect(early.isWorse).toBe(true);
  expect(weighBlocks([bad, bad, good, good], { alpha: 0.01, windows: 4 })).toEqual(early);
});

test('windows beyond those planned are not weighed', () => {
  const block = { incumbent: [1, 2, 3], candidate: [1.5, 2.5, 3.5] };
  expect(weighBlocks([block, block, block, block, block], options).eValues).toHaveLength(3);
});

test('windows without samples leave the evidence as it is', () => {
  const empty = { incumbent: [], candidate: [] };
  expect(weighBlocks([empty, empty, empty], options)).toEqual({ eValues: [1, 1, 1], isWorse: false });
});
