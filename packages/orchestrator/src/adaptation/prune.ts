/**
 * Pruning: records of adaptations do not grow without bound. The leader removes what is older than a trigger can be, and
 * the oldest beyond a number.
 *
 * P1 An open record (`committed`) and the newest record of each rule that has acted stay: the one has to be closed, the other says
 *    whether its rule still rests.
 * P2 A pruned record leaves a marker on its key, so that its identity never acts again, however late it comes.
 * P3 A removal expects the revision that was judged, so nothing is lost to a race; and it is no decision about the team, so two
 *    leaders in the moment of a succession may both do it; who knows that it is deposed does not.
 */
import { deleteKey, MabeamError, type Bus } from '@mabeam/bus';
import { pause } from '@mabeam/cluster';
import { adaptationKey } from './adaptation-record.ts';
import type { StoredAdaptation } from '../state/space-state.ts';
import type { Term } from '../term/term.ts';

/** What is kept. */
export interface Retention {
  readonly maxAgeMs: number;
  readonly maxRecords: number;
}

/** The event stream keeps a trigger for seven days. */
const defaultRetention: Retention = { maxAgeMs: 7 * 86_400_000, maxRecords: 10_000 };

const everyMs = 60_000;
/** More are left to the next turn, a moment later, so that pruning never holds up anything. */
const largestTurn = 500;
const betweenTurnsMs = 500;
const atOnce = 50;

/** The records to remove, oldest first (P1). Pure. */
export function recordsToPrune(
  adaptations: readonly StoredAdaptation[],
  { maxAgeMs, maxRecords }: Retention,
  now: number,
): readonly StoredAdaptation[] {
  const ordered = adaptations.toSorted((a, b) => a.revision - b.revision);
  const newest = new Map<string, string>();
  for (const { hash, record } of ordered) for (const { rule } of record.changes) newest.set(rule, hash);
  const lasting = new Set(newest.values());
  const excess = ordered.length - maxRecords;
  return ordered.filter(({ hash, record }, index) => {
    if (record.outcome === 'committed' || lasting.has(hash)) return false;
    return index < excess || Date.parse(record.at) < now - maxAgeMs;
  });
}

/** Prunes at the beginning of a term and each minute until it is over; a frozen space is left as it is. */
export async function runPruning(term: Term, retention: Retention = defaultRetention): Promise<void> {
  const { leadership, log, signal } = term;
  while (!signal.aborted) {
    let removed = 0;
    try {
      if (await leadership.confirm()) removed = await pruneRecords(term, retention);
      if (removed > 0) log.info({ removed }, `pruned ${removed} records of adaptations`);
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error }, 'records of adaptations could not be pruned; tried again in a minute');
    }
    await pause(removed === largestTurn ? betweenTurnsMs : everyMs, signal);
  }
}

/** One turn of pruning; resolves with how many records it has removed. Throws what the bus throws. */
export async function pruneRecords(
  { bus, mirror, names, signal }: Pick<Term, 'bus' | 'mirror' | 'names' | 'signal'>,
  retention: Retention,
): Promise<number> {
  if (mirror.freeze !== undefined) return 0;
  const { adaptations } = mirror.state;
  let removed = 0;
  const superfluous = recordsToPrune([...adaptations.values()], retention, Date.now());
  const turn = superfluous.slice(0, largestTurn);
  for (let from = 0; from < turn.length && !signal.aborted; from += atOnce) {
    const some = turn.slice(from, from + atOnce);
    const outcomes = await Promise.all(some.map((each) => removeRecord(bus, names.bucket, each)));
    removed += outcomes.filter(Boolean).length;
  }
  return removed;
}

/** Replaces all revisions of a record by one marker (P2); false when somebody wrote it meanwhile (P3). */
async function removeRecord(
  bus: Bus,
  bucket: string,
  { hash, revision }: StoredAdaptation,
): Promise<boolean> {
  const options = { expectLastSequence: revision, headers: { 'Nats-Rollup': 'sub' } };
  try {
    await deleteKey(bus, bucket, adaptationKey(hash), options);
    return true;
  } catch (error) {
    if (error instanceof MabeamError && error.code === 'conflict') return false;
    throw error;
  }
}
