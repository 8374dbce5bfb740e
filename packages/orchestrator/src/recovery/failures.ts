/**
 * Failures, recognised by state: which lives of an agent have failed that its record does not name yet. Pure.
 *
 * A1 The identity of a failure is the incarnation that failed: told twice, it is one failure.
 * A2 Hosts start again what ends, often before anybody looks. The runs under one lease are counted by their incarnations, so a run that
 *    nobody saw end is a failure all the same once its successor is seen.
 * A3 A life that is up has failed when somebody says so: then it is to end as well (decide-failure.ts).
 * A4 A life is lost when its lease is gone and its host has not said how it ended, for as long as `isLost` wants.
 */
import { observedKey, type ObservedInstance } from '@mabeam/cluster';
import type { InstanceLease } from '../instances/reconcile.ts';
import type { AgentFailure, RecoveryRecord } from './recovery-record.ts';

/** A failure about which nothing is decided yet. */
export type SeenFailure = Pick<AgentFailure, 'ordinal' | 'incarnation' | 'node' | 'at' | 'kind' | 'reason'>;

/** So many unseen runs of one instance are told apart at most; an older one changes no decision. */
const mostUnseen = 32;

/** The failures of one agent that its record does not name, in the order of its instances and their runs (A1–A4). */
export function unrecordedFailures(
  observed: readonly ObservedInstance[],
  record: RecoveryRecord,
  {
    isLost,
    now,
    reported,
  }: {
    readonly isLost: (instance: ObservedInstance) => boolean;
    readonly now: number;
    /** By incarnation: why somebody says that it has failed. */
    readonly reported?: ReadonlyMap<string, string> | undefined;
  },
): readonly SeenFailure[] {
  return observed.flatMap((instance) => {
    const { incarnation, node, ordinal, reason, since, status } = instance;
    const { lineage, run } = lifeOf(incarnation, instance.restarts);
    const known = lastRun(record, ordinal, lineage);
    const lost = isLost(instance);
    const report = status === 'failed' || lost ? undefined : reported?.get(incarnation);
    const isFailed = status === 'failed' || lost || report !== undefined;
    const about = { ordinal, node, kind: 'ended' as const };
    const first = Math.max(known + 1, run - mostUnseen);
    const unseen = Array.from({ length: Math.max(0, run - first) }, (_, place) => ({
      ...about,
      incarnation: `${lineage}-${first + place}`,
      at: new Date(now).toISOString(),
      reason: 'its host has started it again',
    }));
    if (!isFailed || run <= known) return unseen;
    const seen: SeenFailure = {
      ...about,
      incarnation,
      // What the host saw is dated by the host, but never in the future of whoever reads it.
      at: new Date(lost || report !== undefined ? now : Math.min(now, Date.parse(since))).toISOString(),
      ...(lost
        ? { kind: 'lost', reason: 'its host is gone' }
        : { reason: report ?? reason ?? 'it failed without a reason' }),
    };
    return [...unseen, seen];
  });
}

/** Instances that look lost, and since when a term of office has seen it: what passes by itself is no failure. */
export class LostInstances {
  readonly #since = new Map<string, number>();

  /** Looks again; the instances that have looked lost for `patienceMs` by now, by their incarnations. `now` in ms, monotonic. */
  look(
    observed: readonly ObservedInstance[],
    leases: readonly InstanceLease[],
    { now, patienceMs }: { readonly now: number; readonly patienceMs: number },
  ): ReadonlySet<string> {
    const held = new Set(leases.map(observedKey));
    const looking = observed.filter(
      (instance) =>
        // Under a lease for another life its host has not written yet what it has started.
        (instance.status === 'starting' || instance.status === 'active') && !held.has(observedKey(instance)),
    );
    const present = new Set(looking.map(({ incarnation }) => incarnation));
    for (const incarnation of this.#since.keys())
      if (!present.has(incarnation)) this.#since.delete(incarnation);
    for (const incarnation of present) this.#since.set(incarnation, this.#since.get(incarnation) ?? now);
    return new Set([...this.#since].filter(([, since]) => now - since >= patienceMs).map(([life]) => life));
  }

  /** Is any instance being watched? */
  get isWaiting(): boolean {
    return this.#since.size > 0;
  }
}

/** The lease under which an incarnation lives, and the how-manieth run it is: `<lineage>-<run>`. */
function lifeOf(incarnation: string, restarts: number): { readonly lineage: string; readonly run: number } {
  const suffix = `-${restarts}`;
  return incarnation.endsWith(suffix)
    ? { lineage: incarnation.slice(0, -suffix.length), run: restarts }
    : { lineage: incarnation, run: 0 };
}

/** The last run of a lineage that is recorded as failed; -1: none. */
function lastRun({ failures }: RecoveryRecord, ordinal: number, lineage: string): number {
  const runs = failures
    .filter((failure) => failure.ordinal === ordinal)
    .map(({ incarnation }) => {
      if (incarnation === lineage) return 0;
      const run = incarnation.startsWith(`${lineage}-`) ? incarnation.slice(lineage.length + 1) : '';
      return /^\d+$/.test(run) ? Number(run) : -1;
    });
  return Math.max(-1, ...runs);
}
