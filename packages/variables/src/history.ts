/**
 * History: what a variable was, newest first: from the revisions its bucket keeps (64 a key), and beyond them from the history of
 * the space. What neither has is said, as a gap.
 */
import type { BucketEntry } from '@mabeam/bus';
import { decodeEntry, type ValueEntry } from './entry.ts';
import { variableError } from './errors.ts';
import type { RecordedGap, RecordedRevision } from './history-event.ts';
import type { RecordedHistory } from './history-stream.ts';
import type { Json } from './json.ts';
import { listNames, type Problem } from './problem.ts';
import { validateValue } from './value.ts';
import type { VariableDefinition } from './variable.ts';
import type { VariableState } from './view.ts';

/** One revision of a variable, judged by its present definition. */
export type HistoryRecord =
  | {
      readonly kind: 'value';
      readonly revision: number;
      readonly at: Date;
      readonly value: Json;
      readonly entry: ValueEntry;
    }
  /** The key was deleted: the initial value held from here. */
  | { readonly kind: 'deleted'; readonly revision: number; readonly at: Date }
  /** Not an entry, or a value that is not allowed (any more). */
  | { readonly kind: 'rejected'; readonly revision: number; readonly at: Date; readonly problem: Problem }
  /** Revisions of the space from `from` to `revision` are lost, this variable's perhaps among them. `at`: when that was found. */
  | { readonly kind: 'gap'; readonly revision: number; readonly from: number; readonly at: Date };

/** A revision of a key, or a place where one may be missing. */
export type KnownRevision = BucketEntry | RecordedRevision | RecordedGap;

/** How many revisions of a key the bucket keeps. */
const keptRevisions = 64;

/**
 * What is known of a key after revision `born`, oldest first: what the bucket keeps, what only the history has, and where something
 * may be missing. A key has lost a revision only when the bucket keeps as many as it can of it.
 */
export function joinHistory(
  key: string,
  kept: readonly BucketEntry[],
  { copied, gaps, revisions }: RecordedHistory,
  born = 0,
): readonly KnownRevision[] {
  const has = new Set(kept.map(({ revision }) => revision));
  const older = revisions.filter(({ revision }) => !has.has(revision));
  const entries = [...older, ...kept].filter(({ revision }) => revision > born);
  const concerning = gaps.filter(({ keys, to }) => to > born && (keys === undefined || keys.includes(key)));
  const [oldest] = kept;
  const isFull = kept.length >= keptRevisions;
  const awaited: readonly RecordedGap[] =
    isFull && oldest !== undefined && oldest.revision > copied + 1
      ? [{ kind: 'gap', from: copied + 1, to: oldest.revision - 1, at: oldest.at }]
      : [];
  const missing = [...concerning, ...awaited]
    .filter(({ to }) => to > born)
    .map((gap) => ({ ...gap, from: Math.max(gap.from, born + 1) }));
  return [...entries, ...missing].toSorted((a, b) => placeOf(a) - placeOf(b));
}

function placeOf(known: KnownRevision): number {
  return 'key' in known ? known.revision : known.to;
}

/** The records of what is known, newest first. `at` is the server's time. */
export function historyOf(definition: VariableDefinition, known: readonly KnownRevision[]): HistoryRecord[] {
  return known.map((each) => recordOf(definition, each)).toReversed();
}

/**
 * The value a variable had at a revision (0: its initial one). Throws `unknown-revision`, `history-gap` when it may be among those
 * that are lost, `out-of-domain` when it is not allowed any more.
 */
export function valueAt(state: VariableState, records: readonly HistoryRecord[], revision: number): Json {
  if (revision === 0) return state.definition.initial;
  const record = records.find((each) => each.kind !== 'gap' && each.revision === revision);
  const details = { id: state.id, revision };
  if (record?.kind === 'value') return record.value;
  if (record?.kind === 'deleted') return state.definition.initial;
  if (record?.kind === 'rejected') {
    const message = `${state.id}: revision ${revision} cannot come back: ${record.problem.message}`;
    throw variableError('out-of-domain', message, { details });
  }
  const gap = records.find(
    (each) => each.kind === 'gap' && each.from <= revision && revision <= each.revision,
  );
  if (gap?.kind === 'gap') {
    const lost = `${state.id}: revisions ${gap.from} to ${gap.revision} of the space were overwritten before they were copied`;
    throw variableError('history-gap', `${lost}; choose another revision than ${revision}`, { details });
  }
  const own = records.filter((each) => each.kind !== 'gap');
  const known = listNames(own.map((each) => String(each.revision)));
  const message = `${state.id} has no kept revision ${revision}; kept are: ${known}`;
  throw variableError('unknown-revision', message, { details });
}

function recordOf(definition: VariableDefinition, kept: KnownRevision): HistoryRecord {
  if (!('key' in kept)) return { kind: 'gap', revision: kept.to, from: kept.from, at: kept.at };
  const { revision, at } = kept;
  if (kept.operation === 'delete') return { kind: 'deleted', revision, at };
  const read = decodeEntry(kept.data);
  if (read.kind === 'malformed') return { kind: 'rejected', revision, at, problem: read.problem };
  const verdict = validateValue(definition, read.entry.value);
  if (verdict.kind === 'valid')
    return { kind: 'value', revision, at, value: verdict.value, entry: read.entry };
  const { code, field, message } = verdict;
  return { kind: 'rejected', revision, at, problem: { code, field, message } };
}
