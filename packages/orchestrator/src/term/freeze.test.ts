import { expect, test } from 'vitest';
import { describeFreeze, frozenPeriods, isFrozenAt } from './freeze.ts';

const put = (ms: number) => ({ operation: 'put', at: new Date(ms) }) as const;
const gone = (ms: number) => ({ operation: 'delete', at: new Date(ms) }) as const;

test('a space was frozen from each first put to the next deletion, and is since a put that nothing follows', () => {
  const periods = frozenPeriods([gone(1), put(10), put(15), gone(20), gone(25), put(30)]);
  expect(periods).toEqual([
    { from: 10, until: 20 },
    { from: 30, until: Number.POSITIVE_INFINITY },
  ]);
  const moments = [9, 10, 20, 21, 29, 30, 1e9];
  expect(moments.filter((ms) => isFrozenAt(periods, new Date(ms)))).toEqual([10, 20, 30, 1e9]);
  expect(isFrozenAt(frozenPeriods([]), new Date(5))).toBe(false);
});

test('a freeze is told with its reason when it has one', () => {
  const freeze = { revision: 7, by: 'ops', at: '2026-01-01T00:00:00.000Z', reason: 'incident 7' };
  expect(describeFreeze(freeze)).toBe('the space is frozen by ops (incident 7)');
  expect(describeFreeze({ ...freeze, reason: '' })).toBe('the space is frozen by ops');
});
