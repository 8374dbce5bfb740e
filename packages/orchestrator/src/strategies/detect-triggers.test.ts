import { describe, expect, it } from 'vitest';
import { windowsOf } from './conformance.ts';
import { detectTriggers, firstBaseline, type DetectionEvidence } from './detect-triggers.ts';
import type { PerformanceMetrics } from '../scaling/metrics.ts';

/** What is found in each of these windows. */
function found(
  windows: readonly PerformanceMetrics[],
  evidence: readonly DetectionEvidence[] = [],
): readonly string[][] {
  let baseline = firstBaseline;
  return windows.map((metrics, index) => {
    const seen = detectTriggers(metrics, baseline, evidence[index]);
    ({ baseline } = seen);
    return seen.findings.map(({ subject, trigger }) =>
      subject === undefined ? trigger : `${trigger} ${subject}`,
    );
  });
}

const idle = (n: number): PerformanceMetrics[] => [...windowsOf(Array.from({ length: n }, () => 0.9))];
const queues = (sizes: readonly number[]): PerformanceMetrics[] =>
  idle(sizes.length).map((metrics, index) => {
    const queue = sizes[index];
    const agent = {
      agent: 'a',
      instances: 1,
      isStale: false,
      performance: 1,
      scores: {},
      handled: 1,
      failed: 0,
      successRate: 1,
    };
    const rest = {
      inFlight: 0,
      busy: 0,
      latencyMs: undefined,
      slots: undefined,
      cpu: 0,
      memory: 0,
      cpuUse: 0,
      memoryUse: undefined,
    };
    return { ...metrics, agents: { a: { ...agent, ...rest, queue } } };
  });

describe('a degraded performance', () => {
  it('is found in the second window below, once, and again after it was better', () => {
    expect(found(windowsOf([0.9, 0.9, 0.7, 0.7, 0.7, 0.9, 0.7, 0.7]))).toEqual([
      [],
      [],
      [],
      ['performance-degradation'],
      [],
      [],
      [],
      ['performance-degradation'],
    ]);
  });
  it('of less than 10 %, or for one window, is none', () => {
    expect(found(windowsOf([0.9, 0.9, 0.82, 0.82, 0.9, 0.5, 0.9])).flat()).toEqual([]);
  });
  it('of more than 10 % is one', () => {
    expect(found(windowsOf([0.9, 0.9, 0.805, 0.805])).flat()).toEqual(['performance-degradation']);
  });
  it('is measured by a usual level that follows a good window by a fifth, and a bad one not at all', () => {
    expect(found(windowsOf([0.5, 1, 0.55, 0.55])).flat()).toEqual([]);
    const long = [0.9, ...Array.from({ length: 10 }, () => 0.7), 0.85, 0.7, 0.7];
    expect(found(windowsOf(long)).flatMap((each, index) => each.map(() => index))).toEqual([2, 13]);
  });
  it('below the threshold is found at once', () => {
    expect(found(windowsOf([0.6]), [{ threshold: 0.7 }])).toEqual([['performance-degradation']]);
  });
  it('that is not known is not found', () => {
    expect(found(windowsOf([0.9, undefined, undefined, undefined])).flat()).toEqual([]);
  });
});

describe('the other triggers', () => {
  it('a resource that is nearly used up, by its name', () => {
    const full = idle(1).map((metrics) => ({
      ...metrics,
      resourceUtilization: { ...metrics.resourceUtilization, memory: 0.81, cpu: 0.8 },
    }));
    expect(found(full)).toEqual([['resource-constraint memory']]);
  });
  it('a load that is large, or grows and grows', () => {
    expect(found(queues([11, 12, 3, 0]))).toEqual([['load-increase'], [], [], []]);
    expect(found(queues([1, 2, 3, 3]))).toEqual([[], [], ['load-increase'], []]);
    expect(found(queues([1, 2, 1, 2])).flat()).toEqual([]);
  });
  it('a fault, once for each agent', () => {
    const failures = [{ failures: ['a'] }, { failures: ['a', 'b'] }, {}, { failures: ['a'] }];
    expect(found(idle(4), failures)).toEqual([
      ['fault-detected a'],
      ['fault-detected b'],
      [],
      ['fault-detected a'],
    ]);
  });
  it('no opportunity in a team that is idle', () => {
    expect(found(queues([0])).flat()).toEqual([]);
  });
});
