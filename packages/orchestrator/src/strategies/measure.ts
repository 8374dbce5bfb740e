/**
 * Measures: one figure out of the metrics of a space, by its name. What a policy watches, and what it compares that with. Pure.
 *
 *   performance            weighed mean over the agents meant        queue       waiting tasks of those agents together
 *   success-rate, failure-rate                                       busy        mean time in calls
 *   latency-p50, latency-p95   ms, of the slowest                    cpu, memory used / given, of the fullest
 *   communication-efficiency, adaptation-success-rate, recovery-time of the space as a whole
 *   anything else          mean of the scores by that metric
 *
 * `undefined` is "not known": silence is neither good nor bad.
 */
import type { VariableState } from '@mabeam/variables';
import { orchestratorError } from '../errors.ts';
import type { AgentMetrics, PerformanceMetrics } from '../scaling/metrics.ts';

/** The figure of this name over these agents, over all that are known when none are given; undefined: not known. */
export function measureOf(
  metrics: PerformanceMetrics,
  name: string,
  agents: readonly string[] = [],
): number | undefined {
  const isMeant = ({ agent }: AgentMetrics): boolean => agents.length === 0 || agents.includes(agent);
  const meant = Object.values(metrics.agents).filter(isMeant);
  switch (name) {
    case 'performance':
      return agents.length === 0
        ? metrics.aggregatePerformance
        : weighedMean(meant, ({ handled, performance }) => [performance, Math.max(1, handled)]);
    case 'success-rate':
      return weighedMean(meant, ({ handled, successRate }) => [successRate, handled]);
    case 'failure-rate': {
      const rate = weighedMean(meant, ({ handled, successRate }) => [successRate, handled]);
      return rate === undefined ? undefined : 1 - rate;
    }
    case 'queue':
      return total(meant.map(({ queue }) => queue));
    case 'busy':
      return weighedMean(meant, ({ busy, instances }) => [busy, instances]);
    case 'latency-p50':
      return largest(meant.map(({ latencyMs }) => latencyMs?.p50));
    case 'latency-p95':
      return largest(meant.map(({ latencyMs }) => latencyMs?.p95));
    case 'cpu':
      return largest(agents.length === 0 ? [metrics.resourceUtilization.cpu] : meant.map((m) => m.cpuUse));
    case 'memory':
      return largest(
        agents.length === 0 ? [metrics.resourceUtilization.memory] : meant.map((m) => m.memoryUse),
      );
    case 'communication-efficiency':
      return metrics.communicationEfficiency;
    case 'adaptation-success-rate':
      return metrics.adaptationSuccessRate;
    case 'recovery-time':
      return metrics.faultRecoveryTimeMs;
    default:
      return weighedMean(meant, ({ scores }) => {
        const score = Object.hasOwn(scores, name) ? scores[name] : undefined;
        return [score?.mean, score?.samples ?? 0];
      });
  }
}

/** The number a policy compares with: itself, or what the variable of that id holds (of two limits the warning); else undefined. */
export function targetOf(
  target: string | number | undefined,
  variables: ReadonlyMap<string, Pick<VariableState, 'value'>>,
): number | undefined {
  if (typeof target !== 'string') return target;
  const value = variables.get(target)?.value;
  if (typeof value === 'number') return value;
  if (typeof value !== 'object' || value === null || !('warning' in value)) return undefined;
  return typeof value.warning === 'number' ? value.warning : undefined;
}

/** Is a figure on the bad side of the target? */
export function isBad(figure: number, target: number, direction: 'above' | 'below'): boolean {
  return direction === 'above' ? figure > target : figure < target;
}

/** Throws `invalid-metrics`, naming the field, when a figure is not finite, or a share is not one. */
export function assertMetrics(metrics: PerformanceMetrics): void {
  const figures: readonly (readonly [string, number | undefined, number])[] = [
    ['at', metrics.at, Number.POSITIVE_INFINITY],
    ['communicationEfficiency', metrics.communicationEfficiency, 1],
    ['adaptationSuccessRate', metrics.adaptationSuccessRate, 1],
    ['faultRecoveryTimeMs', metrics.faultRecoveryTimeMs, Number.POSITIVE_INFINITY],
    ...Object.values(metrics.agents).flatMap(({ agent, ...each }): [string, number | undefined, number][] => [
      [`agents.${agent}.successRate`, each.successRate, 1],
      [`agents.${agent}.handled`, each.handled, Number.POSITIVE_INFINITY],
      [`agents.${agent}.busy`, each.busy, Number.POSITIVE_INFINITY],
      [`agents.${agent}.queue`, each.queue, Number.POSITIVE_INFINITY],
      [`agents.${agent}.cpu`, each.cpu, Number.POSITIVE_INFINITY],
      [`agents.${agent}.memory`, each.memory, Number.POSITIVE_INFINITY],
    ]),
  ];
  const bad = figures.find(
    ([, figure, most]) => figure !== undefined && !(Number.isFinite(figure) && figure >= 0 && figure <= most),
  );
  const scored: readonly (readonly [string, number | undefined])[] = [
    ['aggregatePerformance', metrics.aggregatePerformance],
    ...Object.values(metrics.agents).map(
      ({ agent, performance }) => [`agents.${agent}.performance`, performance] as const,
    ),
  ];
  const [field, figure] =
    bad ?? scored.find(([, value]) => value !== undefined && !Number.isFinite(value)) ?? [];
  if (field === undefined) return;
  throw orchestratorError('invalid-metrics', `${field}: ${figure} is no figure of it; mend what reports it`, {
    details: { field },
  });
}

function weighedMean(
  agents: readonly AgentMetrics[],
  read: (agent: AgentMetrics) => readonly [number | undefined, number],
): number | undefined {
  let [sum, weights] = [0, 0];
  for (const [figure, weight] of agents.map(read)) {
    if (figure === undefined || weight <= 0) continue;
    sum += figure * weight;
    weights += weight;
  }
  return weights === 0 ? undefined : sum / weights;
}

function total(figures: readonly (number | undefined)[]): number | undefined {
  const known = figures.filter((figure) => figure !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, figure) => sum + figure, 0);
}

function largest(figures: readonly (number | undefined)[]): number | undefined {
  const known = figures.filter((figure) => figure !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
