/** History: what a variable was, newest first, from the revisions its bucket keeps (64 a key). */
import type { BucketEntry } from '@mabeam/bus';
import { decodeEntry, type ValueEntry } from './entry.ts';
import { variableError } from './errors.ts';
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
  | { readonly kind: 'rejected'; readonly revision: number; readonly at: Date; readonly problem: Problem };

/** The records of kept revisions, newest first. `at` is the server's time. */
export function historyOf(definition: VariableDefinition, kept: readonly BucketEntry[]): HistoryRecord[] {
  return kept.map((entry) => recordOf(definition, entry)).toReversed();
}

/** The value a variable had at a revision (0: its initial one); throws `unknown-revision`, or `out-of-domain` when it is not allowed any more. */
export function valueAt(state: VariableState, records: readonly HistoryRecord[], revision: number): Json {
  if (revision === 0) return state.definition.initial;
  const record = records.find((each) => each.revision === revision);
  const details = { id: state.id, revision };
  if (record?.kind === 'value') return record.value;
  if (record?.kind === 'deleted') return state.definition.initial;
  if (record?.kind === 'rejected') {
    const message = `${state.id}: revision ${revision} cannot come back: ${record.problem.message}`;
    throw variableError('out-of-domain', message, { details });
  }
  const known = listNames(records.map((each) => String(each.revision)));
  const message = `${state.id} has no kept revision ${revision}; kept are: ${known}`;
  throw variableError('unknown-revision', message, { details });
}

function recordOf(definition: VariableDefinition, kept: BucketEntry): HistoryRecord {
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
