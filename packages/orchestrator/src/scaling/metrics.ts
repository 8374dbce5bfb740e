/**
 * The metrics of a space: what its processes say each second (`signal.metrics.<process>`), and the scores its agents are given,
 * folded into one picture of a window. Pure.
 *
 * M1 Who is silent keeps what was last known of him and is flagged `isStale`; silence is never a zero.
 * M2 An agent's performance is its mean score times its success rate. One that nobody has scored counts as scored 1, one that has
 *    handled nothing as without failure; with neither there is no performance, and it weighs nothing in the whole.
 * M3 The performance of the whole is the mean of the agents', each weighed by what it has handled; who has scores and has handled
 *    nothing weighs as one call.
 * M4 A process says what it takes as a whole. Its agents' shares of the cores are as their times in calls, of the memory the same.
 */
import type { ResourceDemand } from '@mabeam/variables';
import type { SpacePool } from '../definition/space-record.ts';
import {
  foldAgent,
  lastHeard,
  meanOf,
  sharesOf,
  sum,
  type AgentMetrics,
  type AgentScore,
  type HeardReport,
  type LiveInstance,
} from './agent-metrics.ts';

export type { AgentMetrics, AgentScore, HeardReport, LiveInstance } from './agent-metrics.ts';

/** How a space does: semantics of `performance_metrics`. */
export interface PerformanceMetrics {
  /** ms since the epoch. */
  readonly at: number;
  readonly windowMs: number;
  /** Calls and scores that the picture is made of. */
  readonly samples: { readonly calls: number; readonly scores: number };
  /** M3; undefined when nobody did anything. */
  readonly aggregatePerformance: number | undefined;
  readonly agents: Readonly<Record<string, AgentMetrics>>;
  /** Used / what the space has; what is not measured is undefined. */
  readonly resourceUtilization: {
    readonly memory: number | undefined;
    readonly cpu: number | undefined;
    readonly network: number | undefined;
    readonly storage: number | undefined;
  };
  /** Acknowledged in time / sent, along edges that are acknowledged; 1 when nothing was sent. */
  readonly communicationEfficiency: number;
  /** (success + ½ partial success) / adaptations that ended in the window; undefined when none did. */
  readonly adaptationSuccessRate: number | undefined;
  /** Mean time from the detection of a failure to its replacement, in ms; undefined when there was none. */
  readonly faultRecoveryTimeMs: number | undefined;
}

/** All that the picture is made of. */
export interface MetricsSources {
  /** Of each process those of the window that ends with its newest one. */
  readonly reports: readonly HeardReport[];
  readonly scores: readonly AgentScore[];
  readonly live: readonly LiveInstance[];
  /** What the definition of an agent gives an instance. */
  readonly demands: ReadonlyMap<string, ResourceDemand>;
  /** What the space has in all. */
  readonly pool: SpacePool;
  /** Tasks waiting, by agent. */
  readonly queues?: ReadonlyMap<string, number>;
  /** Adaptations that ended, and when. */
  readonly adaptations?: readonly { readonly outcome: string; readonly at: number }[];
  /** Recoveries from failures, and when they were complete. */
  readonly recoveries?: readonly { readonly recoveryMs: number; readonly at: number }[];
}

/** The picture of the last `windowMs` before `now` (M1–M4). */
export function foldMetrics(
  sources: MetricsSources,
  { now, windowMs }: { readonly now: number; readonly windowMs: number },
): PerformanceMetrics {
  const isRecent = ({ at }: { readonly at: number }): boolean => at > now - windowMs && at <= now;
  const scores = sources.scores.filter((score) => isRecent(score) && Number.isFinite(score.value));
  const shares = sharesOf(sources.reports);
  const sharesBy = Map.groupBy(shares, ({ metrics }) => metrics.agent);
  const scoresBy = Map.groupBy(scores, ({ agent }) => agent);
  const liveBy = Map.groupBy(sources.live, ({ agent }) => agent);
  const heard = lastHeard(sources.reports);
  const ids = [...new Set([...liveBy.keys(), ...sharesBy.keys(), ...scoresBy.keys()])].toSorted();
  const agents = ids.map((agent) =>
    foldAgent(
      {
        agent,
        shares: sharesBy.get(agent) ?? [],
        scores: scoresBy.get(agent) ?? [],
        live: liveBy.get(agent) ?? [],
        demand: sources.demands.get(agent) ?? {},
        queue: sources.queues?.get(agent),
      },
      heard,
      now,
    ),
  );
  const sent = sum(shares.map(({ metrics }) => metrics.sent));
  const arrived = sum(shares.map(({ metrics }) => metrics.acknowledged));
  return {
    at: now,
    windowMs,
    samples: { calls: sum(agents.map(({ handled }) => handled)), scores: scores.length },
    aggregatePerformance: aggregateOf(agents),
    agents: Object.fromEntries(agents.map((each) => [each.agent, each])),
    resourceUtilization: utilizationOf(sources.reports, sources.pool),
    communicationEfficiency: sent === 0 ? 1 : Math.min(1, arrived / sent),
    adaptationSuccessRate: successOf((sources.adaptations ?? []).filter(isRecent)),
    faultRecoveryTimeMs: meanOf((sources.recoveries ?? []).filter(isRecent).map((each) => each.recoveryMs)),
  };
}

/** M3. */
function aggregateOf(agents: readonly AgentMetrics[]): number | undefined {
  const weighed = agents.flatMap(({ handled, performance }) =>
    performance === undefined ? [] : [{ performance, weight: Math.max(1, handled) }],
  );
  const weights = sum(weighed.map(({ weight }) => weight));
  return weights === 0
    ? undefined
    : sum(weighed.map(({ performance, weight }) => performance * weight)) / weights;
}

/** By the newest word of each process; a message that continues another says the same of the process. */
function utilizationOf(
  reports: readonly HeardReport[],
  pool: SpacePool,
): PerformanceMetrics['resourceUtilization'] {
  const newest = new Map<string, HeardReport>();
  for (const each of reports)
    if ((newest.get(each.report.process)?.heardAt ?? 0) <= each.heardAt)
      newest.set(each.report.process, each);
  const told = [...newest.values()].map(({ report }) => report);
  const share = (used: number, total: number | undefined): number | undefined =>
    total === undefined || told.length === 0 ? undefined : used / total;
  return {
    memory: share(sum(told.map(({ memory }) => memory)), pool.memory),
    cpu: share(sum(told.map(({ cpu }) => cpu)), pool.cpu),
    network: undefined,
    storage: undefined,
  };
}

const worth: Readonly<Record<string, number>> = {
  success: 1,
  applied: 1,
  'partial-success': 0.5,
  failure: 0,
  'rolled-back': 0,
};

/** Of what ended; what was superseded, or changed nothing, neither succeeded nor failed. */
function successOf(adaptations: readonly { readonly outcome: string }[]): number | undefined {
  return meanOf(adaptations.flatMap(({ outcome }) => worth[outcome] ?? []));
}
