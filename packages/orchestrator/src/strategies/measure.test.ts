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
  it('that is no figure, or that is missing, is invalid-metrics, naming the field', () => {
    expect(() => assertMetrics(scored)).not.toThrow();
    const { a } = scored.agents;
    const { agents: _agents, ...headless } = scored;
    const broken: readonly (readonly [unknown, string])[] = [
      [{ ...scored, communicationEfficiency: 1.5 }, 'communicationEfficiency'],
      [{ ...scored, communicationEfficiency: undefined }, 'communicationEfficiency'],
      [{ ...scored, aggregatePerformance: Number.POSITIVE_INFINITY }, 'aggregatePerformance'],
      [{ ...scored, aggregatePerformance: null }, 'aggregatePerformance'],
      [{ ...scored, resourceUtilization: { cpu: Number.NaN } }, 'resourceUtilization.cpu'],
      [{ ...scored, agents: { a: { ...a, successRate: 1.1 } } }, 'agents.a.successRate'],
      [{ ...scored, agents: { a: { ...a, cpuUse: -1 } } }, 'agents.a.cpuUse'],
      [
        { ...scored, agents: { a: { ...a, latencyMs: { p50: 1, p95: Number.NaN } } } },
        'agents.a.latencyMs.p95',
      ],
      [
        { ...scored, agents: { a: { ...a, scores: { tone: { mean: Number.NaN, samples: 1 } } } } },
        'agents.a.scores.tone.mean',
      ],
      [{ ...scored, agents: { a: undefined } }, 'agents.a'],
      [headless, 'agents'],
      [{}, 'at'],
      [undefined, 'metrics'],
    ];
    for (const [metrics, field] of broken)
      expect(() => assertMetrics(metrics), field).toThrow(
        expect.objectContaining({ code: 'invalid-metrics', details: { field } }),
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
