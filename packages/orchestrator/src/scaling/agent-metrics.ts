/**
 * How one agent does: what is known of its instances and the scores it was given, folded into the figures of one window (metrics.ts:
 * M1, M2, M4). Pure.
 */
import { qualityMetric, type InstanceMetrics, type MetricsReport } from '@mabeam/agents';
import { observedKey, type InstanceId } from '@mabeam/cluster';
import type { ResourceDemand } from '@mabeam/variables';
import type { Score } from '../rollout/samples.ts';

/** How one agent did in the window, over all its instances. `undefined`: not known. */
export interface AgentMetrics {
  readonly agent: string;
  /** Live instances that were heard of; of them the figures are. */
  readonly instances: number;
  /** M1: at least one live instance has not been heard of for `staleAfterMs`. */
  readonly isStale: boolean;
  /** M2. */
  readonly performance: number | undefined;
  /** Mean of its scores by metric, and how many there were. */
  readonly scores: Readonly<Record<string, { readonly mean: number; readonly samples: number }>>;
  readonly handled: number;
  readonly failed: number;
  /** 0..1; undefined when nothing was handled. */
  readonly successRate: number | undefined;
  readonly inFlight: number;
  /** Time in calls, by time and instance; above 1 when calls overlap. */
  readonly busy: number;
  /** Of the instance that was slowest. */
  readonly latencyMs: { readonly p50: number; readonly p95: number } | undefined;
  /** Tasks that one instance works on at once; undefined: none. */
  readonly slots: number | undefined;
  /** Cores and bytes, of all its instances (M4). */
  readonly cpu: number;
  readonly memory: number;
  /** Cores used / what its definition gives an instance, one core when it does not say; undefined when none was heard of. */
  readonly cpuUse: number | undefined;
  /** Bytes used / what its definition gives an instance; undefined when it gives none. */
  readonly memoryUse: number | undefined;
  /** Tasks of its group that nobody has taken yet; undefined: not known, or it has no group. */
  readonly queue: number | undefined;
}

/** A report, and when it was heard, in ms since the epoch by the listener's clock. */
export interface HeardReport {
  readonly heardAt: number;
  readonly report: MetricsReport;
}

/** A score, and whose. */
export interface AgentScore extends Score {
  readonly agent: string;
}

/** A live instance; `process` is the one that speaks for it, when it shares one. */
export interface LiveInstance extends InstanceId {
  readonly incarnation: string;
  readonly process?: string | undefined;
  /** Since when it is live, in ms since the epoch; absent: for ever. */
  readonly since?: number;
}

/** Who has not been heard of for so long is silent: twice what a process keeps silent at most. */
const staleAfterMs = 10_000;

/** What one instance did in one report, and its part of what the process took. */
export interface Share {
  readonly process: string;
  readonly heardAt: number;
  readonly windowMs: number;
  readonly metrics: InstanceMetrics;
  readonly cpu: number;
  readonly memory: number;
}

/** Each instance's part in each report (M4). */
export function sharesOf(reports: readonly HeardReport[]): readonly Share[] {
  return reports.flatMap(({ heardAt, report }) => {
    const { agents, cpu, instances, memory, windowMs } = report;
    const busy = sum(agents.map(({ busyMs }) => busyMs));
    return agents.map((metrics) => ({
      process: report.process,
      heardAt,
      windowMs,
      metrics,
      cpu: cpu * (busy > 0 ? metrics.busyMs / busy : 1 / Math.max(1, agents.length)),
      memory: memory / Math.max(1, instances, agents.length),
    }));
  });
}

/** Who was heard of, and when. */
export interface Heard {
  readonly instances: ReadonlyMap<string, number>;
  readonly processes: ReadonlyMap<string, number>;
  /** Of how much time, in ms, each process has told. */
  readonly spans: ReadonlyMap<string, number>;
}

/** When each incarnation, and each process, was last heard of. */
export function lastHeard(reports: readonly HeardReport[]): Heard {
  const instances = new Map<string, number>();
  const processes = new Map<string, number>();
  const later = (map: Map<string, number>, key: string, at: number): void => {
    map.set(key, Math.max(at, map.get(key) ?? at));
  };
  const windows = new Map<string, Map<string, number>>();
  for (const { heardAt, report } of reports) {
    later(processes, report.process, heardAt);
    for (const metrics of report.agents) later(instances, lifeOf(metrics), heardAt);
    const told = windows.get(report.process) ?? new Map<string, number>();
    windows.set(report.process, told.set(report.at, report.windowMs));
  }
  const spans = new Map([...windows].map(([name, told]) => [name, Math.max(1, sum([...told.values()]))]));
  return { instances, processes, spans };
}

function lifeOf(instance: InstanceId & { readonly incarnation: string }): string {
  return `${observedKey(instance)} ${instance.incarnation}`;
}

/** All that is known of one agent. */
export interface AgentSources {
  readonly agent: string;
  readonly shares: readonly Share[];
  readonly scores: readonly AgentScore[];
  readonly live: readonly LiveInstance[];
  readonly demand: ResourceDemand;
  readonly queue: number | undefined;
}

/** The figures of one agent; `now` in ms since the epoch. */
export function foldAgent(sources: AgentSources, heard: Heard, now: number): AgentMetrics {
  const { agent, demand, live, queue, scores, shares } = sources;
  const alive = new Set(live.map(lifeOf));
  const newest = newestOf(shares.filter(({ metrics }) => alive.has(lifeOf(metrics))));
  const handled = sum(shares.map(({ metrics }) => metrics.handled));
  const failed = sum(shares.map(({ metrics }) => metrics.failed));
  const successRate = handled === 0 ? undefined : 1 - failed / handled;
  const byMetric = meansByMetric(scores);
  const heardOf = live.filter((each) => heardAt(each, heard) !== undefined);
  const use = usageOf(shares, heard.spans);
  const memory = sum(newest.map((share) => share.memory));
  return {
    agent,
    instances: heardOf.length,
    isStale: live.some((each) => (heardAt(each, heard) ?? each.since ?? 0) < now - staleAfterMs),
    performance: performanceOf(scores, successRate),
    scores: byMetric,
    handled,
    failed,
    successRate,
    inFlight: sum(newest.map(({ metrics }) => metrics.inFlight)),
    busy: use.busy / Math.max(1, heardOf.length),
    latencyMs: slowest(shares),
    slots: newest.map(({ metrics }) => metrics.slots).find((slots) => slots !== undefined),
    cpu: use.cpu,
    memory,
    cpuUse: useOf(use.cpu, demand.cpuWeight ?? 1, heardOf.length),
    memoryUse: useOf(memory, demand.memory, newest.length),
    queue,
  };
}

/** Its own word, or for one that was idle in a large process that process's. */
function heardAt(instance: LiveInstance, { instances, processes }: Heard): number | undefined {
  const times = [instances.get(lifeOf(instance)), processes.get(instance.process ?? '')];
  const known = times.filter((at) => at !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function newestOf(shares: readonly Share[]): readonly Share[] {
  const newest = new Map<string, Share>();
  for (const share of shares) {
    const key = lifeOf(share.metrics);
    if ((newest.get(key)?.heardAt ?? 0) <= share.heardAt) newest.set(key, share);
  }
  return [...newest.values()];
}

/** Cores and calls at a time of all instances together, on average over the time their processes told of. */
function usageOf(
  shares: readonly Share[],
  spans: Heard['spans'],
): { readonly cpu: number; readonly busy: number } {
  const spanOf = (share: Share): number => spans.get(share.process) ?? share.windowMs;
  return {
    cpu: sum(shares.map((share) => (share.cpu * share.windowMs) / spanOf(share))),
    busy: sum(shares.map((share) => share.metrics.busyMs / spanOf(share))),
  };
}

function useOf(used: number, given: number | undefined, instances: number): number | undefined {
  return given === undefined || instances === 0 ? undefined : used / (given * instances);
}

function slowest(shares: readonly Share[]): AgentMetrics['latencyMs'] {
  const told = shares.flatMap(({ metrics }) => metrics.latencyMs ?? []);
  if (told.length === 0) return undefined;
  return { p50: Math.max(...told.map(({ p50 }) => p50)), p95: Math.max(...told.map(({ p95 }) => p95)) };
}

/** M2; scores by different metrics are one mean only when there is no `quality` among them. */
function performanceOf(scores: readonly AgentScore[], successRate: number | undefined): number | undefined {
  const quality = scores.filter(({ metric }) => metric === qualityMetric);
  const mean = meanOf((quality.length > 0 ? quality : scores).map(({ value }) => value));
  return mean === undefined && successRate === undefined ? undefined : (mean ?? 1) * (successRate ?? 1);
}

function meansByMetric(scores: readonly AgentScore[]): AgentMetrics['scores'] {
  const by = Map.groupBy(scores, ({ metric }) => metric);
  return Object.fromEntries(
    [...by].map(([metric, given]) => [
      metric,
      { mean: sum(given.map(({ value }) => value)) / given.length, samples: given.length },
    ]),
  );
}

/** The mean; undefined of nothing. */
export function meanOf(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : sum(values) / values.length;
}

/** The sum; 0 of nothing. */
export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
