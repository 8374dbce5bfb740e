import type { InstanceMetrics, MetricsReport } from '@mabeam/agents';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  foldMetrics,
  type AgentScore,
  type HeardReport,
  type LiveInstance,
  type MetricsSources,
} from './metrics.ts';

const now = 1_000_000;
const windowMs = 60_000;

const did = (agent: string, more: Partial<InstanceMetrics> = {}): InstanceMetrics => ({
  agent,
  ordinal: 0,
  incarnation: 'i1',
  handled: 0,
  failed: 0,
  inFlight: 0,
  busyMs: 0,
  sent: 0,
  acknowledged: 0,
  refused: 0,
  ...more,
});

const heard = (
  agents: readonly InstanceMetrics[],
  more: Partial<MetricsReport> = {},
  heardAt = now - 500,
): HeardReport => ({
  heardAt,
  report: {
    v: 1,
    process: 'p1',
    at: new Date(heardAt).toISOString(),
    windowMs: 1_000,
    cpu: 0.5,
    memory: 1_000,
    instances: agents.length,
    agents,
    ...more,
  },
});

const live = (agent: string, more: Partial<LiveInstance> = {}): LiveInstance => ({
  agent,
  ordinal: 0,
  incarnation: 'i1',
  ...more,
});

const score = (agent: string, value: number, more: Partial<AgentScore> = {}): AgentScore => ({
  agent,
  metric: 'quality',
  value,
  at: now - 1_000,
  ...more,
});

const fold = (sources: Partial<MetricsSources>) =>
  foldMetrics(
    { reports: [], scores: [], live: [], demands: new Map(), pool: {}, ...sources },
    { now, windowMs },
  );

describe('the metrics of a space', () => {
  it('take for performance the mean score times the success rate', () => {
    const reports = [heard([did('judge', { handled: 8, failed: 2 })])];
    const { agents } = fold({
      reports,
      live: [live('judge')],
      scores: [score('judge', 0.9), score('judge', 0.7)],
    });
    expect(agents['judge']).toMatchObject({ handled: 8, failed: 2, successRate: 0.75 });
    expect(agents['judge']?.performance).toBeCloseTo(0.6);
    expect(agents['judge']?.scores['quality']?.mean).toBeCloseTo(0.8);
  });

  it('weigh the agents of the whole by what they have handled', () => {
    const reports = [heard([did('a', { handled: 9 }), did('b', { handled: 1, failed: 1 })])];
    expect(fold({ reports }).aggregatePerformance).toBeCloseTo(0.9);
    expect(fold({ reports: [], scores: [score('a', 0.5), score('b', 1)] }).aggregatePerformance).toBeCloseTo(
      0.75,
    );
    expect(fold({}).aggregatePerformance).toBeUndefined();
  });

  it('flag who is silent as stale and keep what was known of him', () => {
    const reports = [
      heard([did('a', { handled: 5, inFlight: 1 })], { process: 'p1' }, now - 30_000),
      heard([did('b', { handled: 5 })], { process: 'p2' }, now - 1_000),
    ];
    const { agents } = fold({ reports, live: [live('a'), live('b')] });
    expect(agents['a']).toMatchObject({ isStale: true, handled: 5, inFlight: 1, memory: 1_000 });
    expect(agents['b']).toMatchObject({ isStale: false });
  });

  it('take nobody for stale whose process speaks, nor who has just begun', () => {
    const reports = [heard([did('a', { handled: 1 })], { instances: 500 })];
    const { agents } = fold({
      reports,
      live: [live('idle', { process: 'p1' }), live('new', { since: now - 3_000 }), live('lost')],
    });
    expect(agents['idle']?.isStale).toBe(false);
    expect(agents['new']?.isStale).toBe(false);
    expect(agents['lost']?.isStale).toBe(true);
  });

  it('share a process out by the times of its agents', () => {
    const reports = [heard([did('a', { busyMs: 900 }), did('b', { busyMs: 100 })], { cpu: 1, memory: 600 })];
    const demands = new Map([['a', { cpuWeight: 0.5, memory: 1_000 }]]);
    const { agents } = fold({ reports, demands, live: [live('a'), live('b')] });
    expect(agents['a']).toMatchObject({ cpu: 0.9, memory: 300, cpuUse: 1.8, memoryUse: 0.3, busy: 0.9 });
    expect(agents['b']).toMatchObject({ cpu: 0.1, cpuUse: 0.1, memoryUse: undefined });
  });

  it('take the average over the time a process told of, quiet windows included', () => {
    const reports = [
      heard([did('a', { busyMs: 1_000 })], { cpu: 1 }, now - 6_000),
      heard([], { cpu: 0, windowMs: 4_000 }, now - 1_000),
    ];
    expect(fold({ reports, live: [live('a')] }).agents['a']).toMatchObject({ cpu: 0.2, busy: 0.2 });
  });

  it('count what runs only once, and of those that are alive', () => {
    const reports = [
      heard([did('a', { inFlight: 3 })], {}, now - 2_000),
      heard([did('a', { inFlight: 2 })], {}, now - 1_000),
      heard([did('a', { inFlight: 7, incarnation: 'dead' })], { process: 'p0' }, now - 1_500),
    ];
    expect(fold({ reports, live: [live('a')] }).agents['a']?.inFlight).toBe(2);
  });

  it('relate what is used to what there is', () => {
    const reports = [heard([did('a')], { process: 'p1' }), heard([did('b')], { process: 'p2' })];
    const { resourceUtilization } = fold({ reports, pool: { memory: 8_000, cpu: 4 } });
    expect(resourceUtilization).toMatchObject({ memory: 0.25, cpu: 0.25, network: undefined });
  });

  it('have full efficiency when nothing was sent, else what arrived of it', () => {
    expect(fold({}).communicationEfficiency).toBe(1);
    const reports = [heard([did('a', { sent: 4, acknowledged: 3 })])];
    expect(fold({ reports }).communicationEfficiency).toBe(0.75);
  });

  it('rate adaptations and recoveries of the window, and of no other time', () => {
    const at = now - 1_000;
    const { adaptationSuccessRate, faultRecoveryTimeMs } = fold({
      adaptations: [
        { outcome: 'success', at },
        { outcome: 'partial-success', at },
        { outcome: 'rolled-back', at },
        { outcome: 'superseded', at },
        { outcome: 'failure', at: now - windowMs },
      ],
      recoveries: [
        { recoveryMs: 100, at },
        { recoveryMs: 300, at },
        { recoveryMs: 9_000, at: now - windowMs },
      ],
    });
    expect(adaptationSuccessRate).toBe(0.5);
    expect(faultRecoveryTimeMs).toBe(200);
    expect(fold({})).toMatchObject({ adaptationSuccessRate: undefined, faultRecoveryTimeMs: undefined });
  });
});

const anyReading = fc
  .record({
    agent: fc.constantFrom('a', 'b', 'c'),
    handled: fc.integer({ min: 0, max: 50 }),
    bad: fc.integer({ min: 0, max: 50 }),
    busyMs: fc.double({ min: 0, max: 1_000, noNaN: true }),
  })
  .map(({ agent, bad, busyMs, handled }) => did(agent, { handled, failed: Math.min(bad, handled), busyMs }));

test.prop([
  fc.array(fc.array(anyReading, { maxLength: 4 }), { maxLength: 6 }),
  fc.array(fc.double({ min: 0, max: 1, noNaN: true })),
])(
  'with scores from 0 to 1 every performance is from 0 to 1, and the processes’ cores are those of their agents',
  (reports, scores) => {
    const told = reports.map((agents, index) => heard(agents, { process: `p${index}` }));
    const metrics = fold({ reports: told, scores: scores.map((value) => score('a', value)) });
    const all = [
      metrics.aggregatePerformance,
      ...Object.values(metrics.agents).map((each) => each.performance),
    ];
    for (const performance of all.filter((each) => each !== undefined)) {
      expect(performance).toBeGreaterThanOrEqual(0);
      expect(performance).toBeLessThanOrEqual(1);
    }
    const cores = Object.values(metrics.agents).reduce((sum, { cpu }) => sum + cpu, 0);
    expect(cores).toBeCloseTo(0.5 * reports.filter((agents) => agents.length > 0).length);
  },
);
