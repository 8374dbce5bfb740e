import { performanceThreshold } from '@mabeam/variables';
import { describe, expect, it } from 'vitest';
import { valued } from '../../test/team.ts';
import { foldMetrics } from '../scaling/metrics.ts';
import { assertMetrics, measureOf, targetOf } from './measure.ts';

const empty = foldMetrics(
  { reports: [], scores: [], live: [], demands: new Map(), pool: {} },
  { now: 10_000, windowMs: 5_000 },
);
const scored = foldMetrics(
  {
    reports: [],
    scores: [
      { agent: 'a', metric: 'quality', value: 0.8, at: 9_000 },
      { agent: 'a', metric: 'tone', value: 0.2, at: 9_000 },
      { agent: 'b', metric: 'quality', value: 0.4, at: 9_000 },
    ],
    live: [],
    demands: new Map(),
    pool: {},
  },
  { now: 10_000, windowMs: 5_000 },
);

describe('a measure', () => {
  it.each([
    'performance',
    'success-rate',
    'failure-rate',
    'queue',
    'busy',
    'latency-p50',
    'latency-p95',
    'cpu',
    'memory',
    'tone',
    'constructor',
  ])('%s of silence is not known', (name) => {
    expect(measureOf(empty, name)).toBeUndefined();
    expect(measureOf(empty, name, ['a'])).toBeUndefined();
  });
  it('is of the agents meant, or of the whole', () => {
    expect(measureOf(scored, 'performance')).toBeCloseTo(0.6);
    expect(measureOf(scored, 'performance', ['b'])).toBeCloseTo(0.4);
  });
  it('by any other name is the mean of those scores', () => {
    expect(measureOf(scored, 'tone', ['a', 'b'])).toBeCloseTo(0.2);
  });
  it('that is no figure is invalid-metrics, naming the field', () => {
    expect(() => assertMetrics(scored)).not.toThrow();
    const broken = { ...scored, communicationEfficiency: 1.5 };
    expect(() => assertMetrics(broken)).toThrow(
      expect.objectContaining({ code: 'invalid-metrics', details: { field: 'communicationEfficiency' } }),
    );
    expect(() => assertMetrics({ ...scored, aggregatePerformance: Number.POSITIVE_INFINITY })).toThrow(
      'aggregatePerformance',
    );
  });
});

it('a target is a number, the value of a variable, or the warning of a band', () => {
  const band = { metric: 'm', warning: 0.3, critical: 0.1, direction: 'below' };
  const variables = new Map([
    ['t', valued(performanceThreshold('t', { initial: 0.5 }), 0.7)],
    ['band', valued(performanceThreshold('band', { initial: { ...band, direction: 'below' } }), band)],
  ]);
  expect([targetOf(1, variables), targetOf('t', variables), targetOf('band', variables)]).toEqual([
    1, 0.7, 0.3,
  ]);
  expect(targetOf('gone', variables)).toBeUndefined();
});
