import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import {
  clockStart,
  compareTimes,
  hearClock,
  isAhead,
  mostCount,
  tickClock,
  type HybridTime,
} from './clock.ts';

const numRuns = process.env['MABEAM_LONG'] === '1' ? 10_000 : 200;
const time = fc.record({
  at: fc.integer({ min: 0, max: 5_000 }),
  count: fc.oneof(fc.nat({ max: 3 }), fc.constant(mostCount)),
});
const happening = fc.record({ nowMs: fc.integer({ min: 0, max: 5_000 }), heard: fc.option(time) });

const play = (happenings: readonly { readonly nowMs: number; readonly heard: HybridTime | null }[]) => {
  let clock = clockStart;
  return happenings.map(({ nowMs, heard }) => {
    const before = clock;
    clock = heard === null ? tickClock(clock, nowMs) : hearClock(clock, heard, nowMs);
    return { before, heard, clock };
  });
};

test.prop([fc.array(happening, { maxLength: 40 })], { numRuns })(
  'every time is later than all before it and all that was heard, though the wall clock goes back and forth',
  (happenings) => {
    for (const { before, heard, clock } of play(happenings)) {
      expect(compareTimes(clock, before)).toBeGreaterThan(0);
      if (heard !== null) expect(compareTimes(clock, heard)).toBeGreaterThan(0);
      expect(clock.count).toBeLessThanOrEqual(mostCount);
    }
  },
);

test.prop([fc.array(happening, { minLength: 1, maxLength: 40 })], { numRuns })(
  'a clock is no further ahead than the furthest time that it met, but for the milliseconds that overflowing counts take',
  (happenings) => {
    const furthest = Math.max(...happenings.map(({ nowMs, heard }) => Math.max(nowMs, heard?.at ?? 0)));
    expect(play(happenings).at(-1)?.clock.at).toBeLessThanOrEqual(furthest + happenings.length);
  },
);

it('with a wall clock that runs it is the wall clock, and the count starts anew with each millisecond', () => {
  expect(tickClock({ at: 7, count: 5 }, 8.9)).toEqual({ at: 8, count: 0 });
  expect(tickClock({ at: 8, count: 0 }, 8.9)).toEqual({ at: 8, count: 1 });
  expect(hearClock({ at: 8, count: 1 }, { at: 9, count: 4 }, 8)).toEqual({ at: 9, count: 5 });
});

it('a time beyond the bound is ahead, one at the bound is not', () => {
  expect(isAhead({ at: 1_501, count: 0 }, 1_000, 500)).toBe(true);
  expect(isAhead({ at: 1_500, count: 9 }, 1_000, 500)).toBe(false);
});
