import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { seededRandom, shuffled } from './seeded.ts';

describe('seededRandom', () => {
  test.prop([fc.integer()])('stays in [0, 1) and repeats itself for the same seed', (seed) => {
    const first = seededRandom(seed);
    const second = seededRandom(seed);
    for (let round = 0; round < 20; round += 1) {
      const value = first();
      expect(value).toBe(second());
      expect(value >= 0 && value < 1).toBe(true);
    }
  });

  it('spreads its values evenly over tenths', () => {
    const random = seededRandom(7);
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let round = 0; round < 10_000; round += 1) tenths[Math.floor(random() * 10)]! += 1;
    expect(Math.min(...tenths)).toBeGreaterThan(880);
    expect(Math.max(...tenths)).toBeLessThan(1_120);
  });

  it('gives neighbouring seeds different numbers', () => {
    expect(new Set([1, 2, 3, 4].map((seed) => seededRandom(seed)())).size).toBe(4);
  });
});

describe('shuffled', () => {
  test.prop([fc.array(fc.integer()), fc.integer()])(
    'keeps every item and leaves the original alone',
    (items, seed) => {
      const before = [...items];
      const order = shuffled(items, seededRandom(seed));
      expect([...order].sort((a, b) => a - b)).toEqual([...items].sort((a, b) => a - b));
      expect(items).toEqual(before);
    },
  );

  it('changes the order with the seed', () => {
    const items = Array.from({ length: 50 }, (_, at) => at);
    expect(shuffled(items, seededRandom(1))).not.toEqual(shuffled(items, seededRandom(2)));
  });
});
