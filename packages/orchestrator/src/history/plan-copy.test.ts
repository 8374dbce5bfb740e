import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BucketEntry } from '@mabeam/bus';
import { entriesWithin, planCopy, withSuspects } from './plan-copy.ts';

const now = new Date('2026-01-31T00:00:00.000Z');
const entry = (revision: number): BucketEntry => ({
  key: `k${revision}`,
  revision,
  operation: 'put',
  data: new Uint8Array(0),
  at: now,
});

test('what is skipped is a gap, and what was copied is not copied again', () => {
  const plan = planCopy(3, [2, 3, 4, 7, 8].map(entry), now);
  expect(plan.copied).toBe(8);
  expect(plan.events).toMatchObject([
    { revision: 4 },
    { kind: 'gap', from: 5, to: 6 },
    { revision: 7 },
    { revision: 8 },
  ]);
  const named = withSuspects(plan, ['space.x']);
  expect(named.events[1]).toMatchObject({ from: 5, to: 6, keys: ['space.x'] });
  expect(plan.events[1]).not.toHaveProperty('keys');
});

test('no more is taken at once than fits, but one entry always', () => {
  const sized = (bytes: number): BucketEntry => ({ ...entry(bytes), data: new Uint8Array(bytes) });
  const sizes = (maxBytes: number): readonly number[] =>
    entriesWithin([50, 30, 40].map(sized), maxBytes).map(({ data }) => data.length);
  expect([10, 79, 80, 120].map(sizes)).toEqual([[50], [50], [50, 30], [50, 30, 40]]);
  expect(entriesWithin([], 10)).toEqual([]);
});

test('nothing new leaves the place as it is', () => {
  expect(planCopy(5, [], now)).toEqual({ events: [], copied: 5 });
  expect(planCopy(5, [entry(5)], now)).toEqual({ events: [], copied: 5 });
});

test('whatever is kept, each number after the place is in one event, in order', () => {
  fc.assert(
    fc.property(fc.nat(20), fc.uniqueArray(fc.integer({ min: 1, max: 60 })), (copied, revisions) => {
      const plan = planCopy(copied, revisions.toSorted((a, b) => a - b).map(entry), now);
      let next = copied + 1;
      for (const event of plan.events) {
        const [from, to] =
          event.kind === 'gap'
            ? [event.from, event.to]
            : event.kind === 'revision'
              ? [event.revision, event.revision]
              : [0, 0];
        expect(from).toBe(next);
        next = to + 1;
      }
      expect(plan.copied).toBe(next - 1);
    }),
  );
});
