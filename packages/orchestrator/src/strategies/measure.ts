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
import { z } from 'zod';
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

const figure = z.number().min(0);
const share = figure.max(1);

/** What the figures of an agent must be, as far as anything is decided by them; a score may be any number. */
const agentFigures = z.looseObject({
  instances: figure,
  handled: figure,
  failed: figure,
  inFlight: figure,
  busy: figure,
  cpu: figure,
  memory: figure,
  successRate: share.optional(),
  queue: figure.optional(),
  cpuUse: figure.optional(),
  memoryUse: figure.optional(),
  latencyMs: z.looseObject({ p50: figure, p95: figure }).optional(),
  performance: z.number().optional(),
  scores: z.record(z.string(), z.looseObject({ mean: z.number(), samples: figure })),
});

/** What is used of a resource may be more than there is to be. */
const metricsFigures = z.looseObject({
  at: figure,
  aggregatePerformance: z.number().optional(),
  agents: z.record(z.string(), agentFigures),
  resourceUtilization: z.looseObject({
    memory: figure.optional(),
    cpu: figure.optional(),
    network: figure.optional(),
    storage: figure.optional(),
  }),
  communicationEfficiency: share,
  adaptationSuccessRate: share.optional(),
  faultRecoveryTimeMs: figure.optional(),
});

/** Throws `invalid-metrics`, naming the field, when a figure is missing, is not finite, or a share is not one. */
export function assertMetrics(metrics: unknown): asserts metrics is PerformanceMetrics {
  const [issue] = metricsFigures.safeParse(metrics, { reportInput: true }).error?.issues ?? [];
  if (issue === undefined) return;
  const field = issue.path.join('.') || 'metrics';
  const { input } = issue;
  const figureSaid = typeof input === 'number' ? String(input) : JSON.stringify(input);
  const said = input === undefined ? 'it is missing' : `${figureSaid} is no figure of it`;
  throw orchestratorError('invalid-metrics', `${field}: ${said}; mend what reports it`, {
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
