/**
 * What is heard of a space's performance: the reports of its processes and the scores its agents are given, as they come. Of each
 * process the reports of one window are kept, the last it told of; so who has fallen silent is still known (metrics.ts, M1).
 */
import { parseMetrics, parseScore } from '@mabeam/agents';
import { subjects, type Bus, type BusMessage } from '@mabeam/bus';
import { observedKey } from '@mabeam/cluster';
import { poolTotal } from '../instances/pool.ts';
import type { SpaceMirror } from '../state/space-mirror.ts';
import { spaceRecordOf } from '../state/space-state.ts';
import {
  foldMetrics,
  type AgentScore,
  type HeardReport,
  type LiveInstance,
  type MetricsSources,
  type PerformanceMetrics,
} from './metrics.ts';

/** The window of the metrics, unless somebody asks for another. */
const usualWindowMs = 60_000;

/** The longest window that can be asked for. */
const longestWindowMs = 60_000;

/** A process that has been silent for so long is forgotten. */
const forgottenAfterMs = 600_000;

/** So many processes, and scores, are kept at most: the newest. */
const maxProcesses = 10_000;
const maxScores = 100_000;

/** Begins to listen; what was said before is not known. The server knows the subscriptions after the next `bus.flush()`. */
export function openSpaceMetrics(bus: Bus, space: string): SpaceMetrics {
  return new SpaceMetrics(bus, space);
}

/** What is heard of one space; open it with {@link openSpaceMetrics}. */
export class SpaceMetrics implements AsyncDisposable {
  /** By process; who spoke last is last. */
  readonly #reports = new Map<string, HeardReport[]>();
  #scores: AgentScore[] = [];
  readonly #subscriptions: readonly AsyncDisposable[];

  /** @internal Use {@link openSpaceMetrics}. */
  constructor(bus: Bus, space: string) {
    const { at } = subjects(space);
    this.#subscriptions = [
      bus.subscribe(at('signal.metrics.*'), (message) => this.#hearReport(message, Date.now())),
      bus.subscribe(at('event.score.*.given'), (message) => this.#hearScore(message, Date.now())),
    ];
  }

  /** The picture of the last `windowMs`, at most a minute; `queues` are the tasks waiting for an agent, by agent. */
  metrics(
    mirror: SpaceMirror,
    now: number,
    {
      queues,
      windowMs = usualWindowMs,
    }: { readonly queues?: ReadonlyMap<string, number>; readonly windowMs?: number } = {},
  ): PerformanceMetrics {
    this.#forget(now);
    const heard = [...this.#reports.values()].flatMap((reports) => lastWindow(reports, windowMs));
    const sources = { ...sourcesOf(mirror), reports: heard, scores: this.#scores };
    return foldMetrics(queues === undefined ? sources : { ...sources, queues }, { now, windowMs });
  }

  /** Ends listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const subscription of this.#subscriptions) await subscription[Symbol.asyncDispose]();
  }

  #hearReport(message: BusMessage, heardAt: number): void {
    const report = parseMetrics(readable(message));
    if (report === undefined) return;
    const kept = lastWindow(this.#reports.get(report.process) ?? [], longestWindowMs, heardAt);
    this.#reports.delete(report.process);
    this.#reports.set(report.process, [...kept, { heardAt, report }]);
  }

  #hearScore(message: BusMessage, at: number): void {
    const score = parseScore(readable(message));
    const agent = message.subject.split('.')[4];
    if (score !== undefined && agent !== undefined) this.#scores.push({ ...score, agent, at });
  }

  #forget(now: number): void {
    for (const [name, reports] of this.#reports) {
      const isForgotten = (reports.at(-1)?.heardAt ?? 0) < now - forgottenAfterMs;
      if (!isForgotten && this.#reports.size <= maxProcesses) break;
      this.#reports.delete(name);
    }
    const isOld = (this.#scores[0]?.at ?? now) <= now - longestWindowMs;
    if (!isOld && this.#scores.length <= maxScores) return;
    this.#scores = this.#scores.filter(({ at }) => at > now - longestWindowMs).slice(-maxScores);
  }
}

/** What the mirror says: who lives, what each is given, what there is, what became of adaptations. */
function sourcesOf(mirror: SpaceMirror): Omit<MetricsSources, 'reports' | 'scores' | 'queues'> {
  const { nodes, state } = mirror;
  const agents = [...state.agents.values()];
  return {
    live: activeInstances(mirror),
    demands: new Map(
      agents.flatMap(({ spec }) => (spec.resources === undefined ? [] : [[spec.id, spec.resources]])),
    ),
    pool: poolTotal(spaceRecordOf(state)?.pool, nodes),
    adaptations: [...state.adaptations.values()].map(({ record }) => ({
      outcome: record.outcome,
      at: Date.parse(record.appliedAt ?? record.committedAt ?? record.at),
    })),
    recoveries: [...state.recoveries.values()].flatMap(({ record: { last } }) =>
      last === undefined ? [] : [{ recoveryMs: last.recoveryMs, at: Date.parse(last.at) }],
    ),
  };
}

/** The instances that are active under a live lease. */
export function activeInstances({ leases, observed }: SpaceMirror): readonly LiveInstance[] {
  const seen = new Map(observed.map((each) => [observedKey(each), each]));
  return leases.flatMap(({ agent, incarnation, ordinal }) => {
    const known = seen.get(observedKey({ agent, ordinal }));
    if (known === undefined || known.incarnation !== incarnation || known.status !== 'active') return [];
    const { process, since } = known;
    return [{ agent, ordinal, incarnation, process, since: Date.parse(since) }];
  });
}

/** Those of the window that ends with the newest, or at `until`. */
function lastWindow(
  reports: readonly HeardReport[],
  windowMs: number,
  until = reports.at(-1)?.heardAt ?? 0,
): readonly HeardReport[] {
  return reports.filter(({ heardAt }) => heardAt > until - windowMs);
}

/** A stranger may publish anything there: what is not JSON counts as nothing. */
function readable(message: BusMessage): unknown {
  try {
    return message.json();
  } catch {
    return undefined;
  }
}
