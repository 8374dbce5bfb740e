import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  countReversals,
  holdLeft,
  holdMs,
  longestHoldMs,
  mostReversals,
  reversalMemoryMs,
  type MadeChange,
} from './oscillation.ts';

const change = (from: unknown, to: unknown, at = 0): MadeChange => ({ from, to, at });

describe('a change turns round', () => {
  it.each([
    ['a number that goes back', [change(1, 2)], change(2, 1.5), true],
    ['a number that goes on', [change(1, 2)], change(2, 3), false],
    ['a number after a change that left it as it was', [change(1, 2), change(2, 2)], change(2, 1), true],
    ['an agent taken out that was put in', [change(['a'], ['a', 'b'])], change(['a', 'b'], ['a']), true],
    [
      'an agent put back after others',
      [change(['a'], ['b']), change(['b'], ['b', 'c'])],
      change(['b', 'c'], ['c', 'a']),
      true,
    ],
    ['another agent', [change(['a'], ['a', 'b'])], change(['a', 'b'], ['a', 'b', 'c']), false],
    ['a value it had before', [change('x', 'y'), change('y', 'z')], change('z', 'x'), true],
    ['a value it never had', [change('x', 'y')], change('y', 'z'), false],
    ['an object it had before', [change({ a: 1, b: 2 }, { a: 2 })], change({ a: 2 }, { b: 2, a: 1 }), true],
    ['the first change', [], change(2, 1), false],
  ])('%s', (_, made, wished, turns) => {
    expect(countReversals([...made, wished]) - countReversals(made)).toBe(turns ? 1 : 0);
  });
});

describe('the hold', () => {
  it('does not touch a change that goes on, however soon', () => {
    expect(holdLeft([change(1, 2, 1_000)], change(2, 3, 1_001))).toBe(0);
  });
  it('doubles with each turn that is remembered, up to the longest', () => {
    const swings = Array.from({ length: 14 }, (_, i) => change(i % 2, (i + 1) % 2, i));
    const holds = swings.map((_, i) => holdLeft(swings.slice(0, i), change(i % 2, (i + 1) % 2, i)));
    expect(holds.slice(0, 4)).toEqual([0, holdMs - 1, 2 * holdMs - 1, 4 * holdMs - 1]);
    expect(holds.at(-1)).toBe(longestHoldMs - 1);
  });
  it('is short again once the turns are an hour old', () => {
    const old = [change(0, 1, 0), change(1, 0, 10), change(0, 1, 20)];
    const later = reversalMemoryMs + 30;
    expect(holdLeft([...old, change(1, 2, later)], change(2, 1, later + 1))).toBe(holdMs - 1);
    expect(holdLeft([...old, change(1, 2, 30)], change(2, 1, 31))).toBe(4 * holdMs - 1);
  });
  it('says its bound', () => {
    expect(mostReversals()).toBe(14);
  });
});

const wishes = fc.array(
  fc.record({ value: fc.integer({ min: 0, max: 3 }), waitMs: fc.integer({ min: 0, max: 400_000 }) }),
  {
    minLength: 50,
    maxLength: 400,
  },
);
const forms: readonly ((n: number) => unknown)[] = [
  (n) => n,
  (n) => ['a', 'b'].filter((_, i) => (n & (1 << i)) !== 0),
  (n) => `value-${n}`,
];

describe('whatever triggers come', () => {
  test.prop([wishes, fc.constantFrom(...forms), fc.constantFrom(1, 1_000, 100_000)])(
    'a variable turns round no more often than the bound in any stretch of the memory',
    (sequence, form, hurry) => {
      const made: MadeChange[] = [];
      let [value, now] = [0, 0];
      for (const wish of sequence) {
        now += Math.ceil(wish.waitMs / hurry);
        const wished = change(form(value), form(wish.value), now);
        if (wish.value === value || holdLeft(made, wished) > 0) continue;
        made.push(wished);
        ({ value } = wish);
      }
      const end = made.at(-1)?.at ?? 0;
      const turns = made.filter(
        (_, i) => countReversals(made.slice(0, i + 1)) > countReversals(made.slice(0, i)),
      );
      for (const { at } of turns)
        expect(
          turns.filter((turn) => turn.at >= at && turn.at < at + reversalMemoryMs).length,
        ).toBeLessThanOrEqual(mostReversals());
      expect(turns.length).toBeLessThanOrEqual(mostReversals() * (Math.floor(end / reversalMemoryMs) + 1));
    },
  );
});
