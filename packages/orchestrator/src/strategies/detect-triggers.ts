/**
 * Triggers found in the metrics of a space. Pure: what has to be remembered from window to window goes in and comes out.
 *
 *   performance-degradation    the whole is 10 % below its usual level for two windows, or below a threshold
 *   resource-constraint        more than 0.8 of something is used
 *   fault-detected             an agent has failed, or its lease is lost
 *   load-increase              more than 10 tasks wait, or a queue grows in two windows running
 *
 * The other two of the design, `optimization-opportunity` and `external-signal`, are not found here: whoever has measured a gain, or
 * wants something, publishes them. An idle team is no opportunity.
 *
 * D1 The usual level is an exponentially weighted mean of the windows before (a fifth each); a window that is bad does not draw it
 *    down, or a slow decay would never be found.
 * D2 A trigger is found when its condition begins to hold, and again only after it has ceased to hold.
 */
import { measureOf } from './measure.ts';
import type { PerformanceMetrics } from '../scaling/metrics.ts';

/** The triggers that are found in metrics. */
export const detectedTriggers = [
  'performance-degradation',
  'resource-constraint',
  'fault-detected',
  'load-increase',
] as const;

/** The name of a trigger that is found. */
export type DetectedTrigger = (typeof detectedTriggers)[number];

/** A trigger that has been found; `subject` is the agent or the resource it is about. */
export interface Finding {
  readonly trigger: DetectedTrigger;
  readonly subject?: string | undefined;
  readonly reason: string;
}

/** What is remembered from window to window. JSON. */
export interface DetectionBaseline {
  /** The usual level; absent: not known yet. */
  readonly performance?: number | undefined;
  /** Windows in a row in which it was degraded. */
  readonly degradedFor: number;
  /** Waiting tasks in the last window, and for how many windows they have grown. */
  readonly queue?: number | undefined;
  readonly growingFor: number;
  /** Conditions that hold and have been told, `<trigger>` or `<trigger> <subject>`. */
  readonly told: readonly string[];
}

/** What is known beside the metrics. */
export interface DetectionEvidence {
  /** The level below which the whole is too bad in any case. */
  readonly threshold?: number | undefined;
  /** Agents that have failed or lost their lease. */
  readonly failures?: readonly string[] | undefined;
}

/** The baseline of a space that nothing is known of. */
export const firstBaseline: DetectionBaseline = { degradedFor: 0, growingFor: 0, told: [] };

const degradation = 0.1;
const windowsDegraded = 2;
const memory = 0.2;
const fullAbove = 0.8;
const queueAbove = 10;
const windowsGrowing = 2;

/** The triggers of a window, and the baseline for the next one (D1, D2). */
export function detectTriggers(
  metrics: PerformanceMetrics,
  baseline: DetectionBaseline,
  evidence: DetectionEvidence = {},
): { readonly findings: readonly Finding[]; readonly baseline: DetectionBaseline } {
  const performance = judgePerformance(metrics, baseline, evidence);
  const load = judgeLoad(metrics, baseline);
  const holding: readonly Finding[] = [
    ...performance.findings,
    ...fullResources(metrics),
    ...(evidence.failures ?? []).map((agent): Finding => {
      return { trigger: 'fault-detected', subject: agent, reason: `${agent} has failed` };
    }),
    ...load.findings,
  ];
  return {
    findings: holding.filter((finding) => !baseline.told.includes(keyOf(finding))),
    baseline: { ...performance.next, ...load.next, told: holding.map(keyOf) },
  };
}

function judgePerformance(
  { aggregatePerformance: now }: PerformanceMetrics,
  { degradedFor, performance: usual }: DetectionBaseline,
  { threshold }: DetectionEvidence,
): {
  readonly findings: readonly Finding[];
  readonly next: Pick<DetectionBaseline, 'performance' | 'degradedFor'>;
} {
  if (now === undefined) return { findings: [], next: { performance: usual, degradedFor } };
  const isDegraded = usual !== undefined && now < usual * (1 - degradation);
  const inARow = isDegraded ? degradedFor + 1 : 0;
  const level = usual === undefined ? now : usual + memory * (now - usual);
  const next = { performance: isDegraded ? usual : level, degradedFor: inARow };
  const why =
    threshold !== undefined && now < threshold
      ? `performance ${readable(now)} is below the threshold ${threshold}`
      : inARow >= windowsDegraded
        ? `performance ${readable(now)} is more than 10 % below its usual ${readable(usual ?? 0)}`
        : undefined;
  return { findings: why === undefined ? [] : [{ trigger: 'performance-degradation', reason: why }], next };
}

function fullResources({ resourceUtilization }: PerformanceMetrics): readonly Finding[] {
  return Object.entries(resourceUtilization).flatMap(([resource, used]): readonly Finding[] => {
    if (used === undefined || used <= fullAbove) return [];
    const reason = `${readable(used)} of ${resource} is used`;
    return [{ trigger: 'resource-constraint', subject: resource, reason }];
  });
}

function judgeLoad(
  metrics: PerformanceMetrics,
  { growingFor, queue: before }: DetectionBaseline,
): { readonly findings: readonly Finding[]; readonly next: Pick<DetectionBaseline, 'queue' | 'growingFor'> } {
  const queue = measureOf(metrics, 'queue');
  if (queue === undefined) return { findings: [], next: { queue: before, growingFor } };
  const inARow = before !== undefined && queue > before ? growingFor + 1 : 0;
  const why =
    queue > queueAbove
      ? `${queue} tasks wait`
      : inARow >= windowsGrowing
        ? `more come than are done: ${queue} tasks wait, and more in each window`
        : undefined;
  const findings = why === undefined ? [] : [{ trigger: 'load-increase', reason: why } as const];
  return { findings, next: { queue, growingFor: inARow } };
}

function keyOf({ subject, trigger }: Finding): string {
  return subject === undefined ? trigger : `${trigger} ${subject}`;
}

function readable(value: number): number {
  return Number(value.toPrecision(4));
}
