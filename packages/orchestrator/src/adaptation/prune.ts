/**
 * Pruning: records of adaptations do not grow without bound. The leader removes what is older than a trigger can be, and
 * the oldest beyond a number.
 *
 * P1 An open record (`voting`, `committed`, `evaluating`), the newest record of each rule that has acted and the changes of the last hour stay:
 *    the first has to be closed, the second says whether its rule still rests, the third how often a variable has turned round.
 * P2 A pruned record leaves a marker on its key until it is twice as old as the event stream keeps a trigger, so that no trigger
 *    that is delivered again acts again. Then the marker goes too: what is pruned takes no room for good.
 * P3 A removal is a commit like any other: fenced, so that a deposed leader removes nothing; stopped by a freeze; and expecting the
 *    revisions that were judged.
 * P4 What the history has not got yet is not removed: the record stays there.
 */
import { pause, type BatchWrite } from '@mabeam/bus';
import { freezeKey } from '@mabeam/variables';
import { adaptationKey } from './adaptation-record.ts';
import { reversalMemoryMs } from './oscillation.ts';
import type { StoredAdaptation } from '../state/space-state.ts';
import type { Term } from '../term/term.ts';

/** What is kept. */
export interface Retention {
  readonly maxAgeMs: number;
  readonly maxRecords: number;
  /** Records that changed something stay for so long, however many there are; not at all when absent. */
  readonly changesMs?: number;
}

const dayMs = 86_400_000;
/** The event stream keeps a trigger for seven days. */
const defaultRetention: Retention = { maxAgeMs: 7 * dayMs, maxRecords: 10_000, changesMs: reversalMemoryMs };
/** So long after its record an identity does not act again, and a day at the least after that was pruned. */
const rememberedMs = 14 * dayMs;

const everyMs = 60_000;
/** More are left to the next turn, a moment later, so that pruning never holds up anything. */
const largestTurn = 500;
const betweenTurnsMs = 500;
const atOnce = 50;

const openOutcomes: ReadonlySet<string> = new Set(['voting', 'committed', 'evaluating']);

/** The records to remove, oldest first (P1). Pure. */
export function recordsToPrune(
  adaptations: readonly StoredAdaptation[],
  { changesMs = 0, maxAgeMs, maxRecords }: Retention,
  now: number,
): readonly StoredAdaptation[] {
  const ordered = adaptations.toSorted((a, b) => a.revision - b.revision);
  const newest = new Map<string, string>();
  for (const { hash, record } of ordered) for (const { rule } of record.changes) newest.set(rule, hash);
  const lasting = new Set(newest.values());
  const excess = ordered.length - maxRecords;
  return ordered.filter(({ hash, record }, index) => {
    if (openOutcomes.has(record.outcome) || lasting.has(hash)) return false;
    if (record.changes.length > 0 && Date.parse(record.at) > now - changesMs) return false;
    return index < excess || Date.parse(record.at) < now - maxAgeMs;
  });
}

/** How far the history of the space reaches: the last revision it has (P4). */
export interface Recorded {
  readonly copied: number;
}

/** Prunes at the beginning of a term and each minute until it is over; a frozen space is left as it is. */
export async function runPruning(
  term: Term,
  history: Recorded,
  retention: Retention = defaultRetention,
): Promise<void> {
  const { log, signal } = term;
  while (!signal.aborted) {
    let turn: PruningTurn = { removed: 0, isMore: false };
    try {
      turn = await pruneRecords(term, history, retention);
      const { removed } = turn;
      if (removed > 0) log.info({ removed }, `pruned ${removed} records of adaptations`);
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error }, 'records of adaptations could not be pruned; tried again in a minute');
    }
    await pause(turn.isMore ? betweenTurnsMs : everyMs, signal);
  }
}

/** What a turn came to. */
export interface PruningTurn {
  readonly removed: number;
  /** More is to be removed: beyond this turn, or as soon as the history has it. */
  readonly isMore: boolean;
}

/** One turn of pruning. Throws what the bus throws. */
export async function pruneRecords(
  { leadership, mirror, signal }: Pick<Term, 'leadership' | 'mirror' | 'signal'>,
  { copied }: Recorded,
  retention: Retention,
): Promise<PruningTurn> {
  if (mirror.freeze !== undefined) return { removed: 0, isMore: false };
  const freezeRevision = mirror.revisionOf(freezeKey);
  const now = Date.now();
  const superfluous = recordsToPrune([...mirror.state.adaptations.values()], retention, now);
  const turn = superfluous.filter(({ revision }) => revision <= copied).slice(0, largestTurn);
  let removed = 0;
  for (let from = 0; from < turn.length && !signal.aborted; from += atOnce) {
    const writes = turn.slice(from, from + atOnce).map((record) => removal(record, now));
    const outcome = await leadership.commit(writes, { freezeRevision });
    if (outcome.kind === 'deposed') return { removed, isMore: false };
    if (outcome.kind === 'conflict') await mirror.refresh();
    else removed += writes.length;
  }
  return { removed, isMore: removed < superfluous.length };
}

/** Replaces all revisions of a record by one marker that expires (P2), if it is still the one that was judged (P3). Pure. */
export function removal({ hash, record, revision }: StoredAdaptation, now: number): BatchWrite {
  const leftMs = Date.parse(record.at) + rememberedMs - now;
  const lastsMs = Math.min(rememberedMs, Math.max(dayMs, Number.isNaN(leftMs) ? rememberedMs : leftMs));
  return { key: adaptationKey(hash), body: undefined, operation: 'delete', lastsMs, expect: revision };
}
