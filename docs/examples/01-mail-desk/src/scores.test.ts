import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Label } from './mail-entry.ts';
import { countOutcomes, percentilesOf, scoresOf, type Audit } from './scores.ts';

const label = fc.constantFrom<Label>('ham', 'spam');
const audits = fc.array(fc.record<Audit>({ truth: label, verdict: label }));

describe('scoresOf', () => {
  it('scores a confusion by hand', () => {
    const scores = scoresOf({ truePositives: 8, falsePositives: 2, trueNegatives: 88, falseNegatives: 2 });
    expect(scores).toEqual({
      count: 100,
      precision: 0.8,
      recall: 0.8,
      f1: 0.8,
      balancedAccuracy: (0.8 + 88 / 90) / 2,
      falsePositiveRate: 2 / 90,
      prevalence: 0.1,
    });
  });

  it('says null where a score is not defined', () => {
    const nothing = scoresOf(countOutcomes([]));
    expect(Object.values(nothing)).toEqual([0, null, null, null, null, null, null]);
    expect(scoresOf(countOutcomes([{ truth: 'ham', verdict: 'ham' }]))).toMatchObject({
      recall: null,
      balancedAccuracy: null,
      f1: null,
      falsePositiveRate: 0,
      prevalence: 0,
    });
  });

  test.prop([audits])('is never NaN and never outside [0, 1]', (list) => {
    const { count, ...scores } = scoresOf(countOutcomes(list));
    expect(count).toBe(list.length);
    for (const score of Object.values(scores))
      expect(score === null || (score >= 0 && score <= 1)).toBe(true);
  });

  test.prop([audits, fc.integer({ min: 2, max: 5 })])(
    'gives the same balanced accuracy when there is more of the same spam',
    (list, times) => {
      const more = [
        ...list,
        ...Array.from({ length: times }, () => list.filter(({ truth }) => truth === 'spam')).flat(),
      ];
      const [before, after] = [list, more].map((some) => scoresOf(countOutcomes(some)).balancedAccuracy);
      if (before === null || before === undefined) expect(after).toBeNull();
      else expect(after).toBeCloseTo(before, 10);
    },
  );
});

describe('percentilesOf', () => {
  it('finds the median and the 95th percentile, between measurements if need be, without touching the list', () => {
    const values = [5, 1, 4, 2, 3];
    expect(percentilesOf(values)).toEqual({ p50: 3, p95: 4.8 });
    expect(values).toEqual([5, 1, 4, 2, 3]);
  });

  it('says null without measurements', () => {
    expect(percentilesOf([])).toEqual({ p50: null, p95: null });
  });
});
