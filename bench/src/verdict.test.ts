// Goals met, missed, and not measured.
import { expect, test } from 'vitest';
import type { Comparison, Goal } from './benchmark.ts';
import { judge } from './verdict.ts';

const comparison = (goal: Goal | undefined, ours = [200, 100, 300]): Comparison => ({
  measure: 'throughput',
  unit: '/s',
  ours,
  baseline: { name: 'by hand', figures: [100, 100, 100] },
  ...(goal === undefined ? {} : { goal }),
});

test('a ratio is the median of the rounds’ ratios, and a goal reached exactly is met', () => {
  const judged = judge(comparison({ of: 'ratio', is: 'at-least', limit: 2 }));
  expect(judged.ratio).toEqual({ median: 2, min: 1, max: 3 });
  expect(judged.verdict).toEqual({ kind: 'meets' });
});

test('a miss says which share of the limit is missing, or too much', () => {
  expect(judge(comparison({ of: 'ratio', is: 'at-least', limit: 2.5 })).verdict).toEqual({
    kind: 'misses',
    by: 0.2,
  });
  expect(judge(comparison({ of: 'figure', is: 'at-most', limit: 160 })).verdict).toEqual({
    kind: 'misses',
    by: 0.25,
  });
});

test('none at all is a goal too: met by nothing, missed beyond measure by anything', () => {
  const none = { of: 'figure', is: 'at-most', limit: 0 } as const;
  const { baseline: _, ...alone } = comparison(none);
  expect(judge({ ...alone, ours: [0] }).verdict).toEqual({ kind: 'meets' });
  expect(judge({ ...alone, ours: [3] }).verdict).toEqual({ kind: 'misses', by: Number.POSITIVE_INFINITY });
});

test('a bound is stricter than the ratio it bounds', () => {
  const ours = [104, 100, 112, 96, 108];
  const figures = [100, 100, 100, 100, 100];
  const measured = { ...comparison({ of: 'bound', is: 'at-most', limit: 1.05 }, ours) };
  const judged = judge({ ...measured, baseline: { name: 'without', figures } });
  expect(judged.ratio?.median).toBe(1.04);
  expect(judged.bound).toBeGreaterThan(1.05);
  expect(judged.verdict.kind).toBe('misses');
});

test('what was not measured neither meets nor misses its goal', () => {
  const goal = { of: 'ratio', is: 'at-most', limit: 1 } as const;
  const unmeasured = { ...comparison(goal, []), notMeasured: 'no such API yet' };
  expect(judge(unmeasured).verdict).toEqual({ kind: 'not-measured', why: 'no such API yet' });
  expect(judge(unmeasured).baseline?.median).toBe(100);
  const { baseline: _, ...alone } = comparison(goal);
  expect(judge(alone).verdict).toEqual({ kind: 'not-measured', why: 'no baseline' });
});

test('without a goal there is no verdict, and unequal rounds are refused', () => {
  expect(judge(comparison(undefined)).verdict).toEqual({ kind: 'no-goal' });
  expect(() => judge(comparison(undefined, [1, 2]))).toThrow('2 rounds against 3');
});
