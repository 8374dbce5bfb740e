/** Variables and their history as text. Pure. */
import type { HistoryRecord, VariableState } from '@mabeam/variables';
import { shownCause } from './cause.ts';
import { oneLine, renderFields, renderTable, shownTime, shownValue, type Paint } from './table.ts';

/** What is said of a variable in JSON. */
export function variableDocument(state: VariableState): Readonly<Record<string, unknown>> {
  const { id, definition, value, revision, definitionRevision, entry } = state;
  const { kind, scope } = definition;
  const written = entry === undefined ? {} : { by: entry.by, at: entry.at, cause: entry.cause };
  return { id, kind, scope, value, revision, definitionRevision, ...written, definition };
}

/** All variables, a line each. */
export function renderVariables(states: readonly VariableState[], paint: Paint): string {
  if (states.length === 0) return 'no variables; define some in the space.yaml of this space';
  const rows = states.map(({ id, definition, value, revision, entry }) => [
    id,
    definition.kind,
    shownValue(value),
    revision === 0 ? 'initial' : String(revision),
    entry === undefined ? undefined : oneLine(entry.by),
  ]);
  return renderTable(['variable', 'kind', 'value', 'revision', 'by'], rows, paint);
}

/** One variable with what it may be. */
export function renderVariable(state: VariableState, paint: Paint): string {
  const { definition, entry } = state;
  const fields: (readonly [string, string])[] = [
    ['variable', paint(['bold'], state.id)],
    ['value', shownValue(state.value, 2_000)],
    ['revision', state.revision === 0 ? '0 (initial value)' : String(state.revision)],
    ['kind', `${definition.kind}, ${definition.scope}`],
  ];
  if (entry !== undefined)
    fields.push(['written', `${oneLine(entry.by)} at ${entry.at}: ${shownCause(entry.cause)}`]);
  if (definition.agents.length > 0) fields.push(['agents', definition.agents.join(', ')]);
  if (Object.keys(definition.domain).length > 0) fields.push(['domain', shownValue(definition.domain, 500)]);
  if (Object.keys(definition.constraints).length > 0)
    fields.push(['constraints', shownValue(definition.constraints, 500)]);
  return renderFields(fields, paint);
}

/** What is said of a revision, or of a gap between revisions, in JSON. */
export function historyDocument(record: HistoryRecord): Readonly<Record<string, unknown>> {
  const { kind, revision, at } = record;
  if (record.kind === 'value') {
    const { by, cause } = record.entry;
    return { kind, revision, at: at.toISOString(), value: record.value, by, cause };
  }
  if (record.kind === 'gap') return { kind, from: record.from, to: revision, at: at.toISOString() };
  return {
    kind,
    revision,
    at: at.toISOString(),
    ...(record.kind === 'rejected' ? { problem: record.problem } : {}),
  };
}

/** Revisions, newest first, and where some may be missing. */
export function renderHistory(records: readonly HistoryRecord[], paint: Paint): string {
  if (records.length === 0) return 'never written: the initial value holds';
  const rows = records.map((record) => {
    const { revision, at } = record;
    if (record.kind === 'gap') {
      const lost = paint(['yellow'], 'lost before they were copied (history-gap)');
      return [`${record.from} to ${revision}`, shownTime(at), lost];
    }
    const what =
      record.kind === 'value'
        ? shownValue(record.value)
        : record.kind === 'deleted'
          ? paint(['dim'], 'deleted: the initial value')
          : paint(['red'], `rejected: ${oneLine(record.problem.message)}`);
    const by = record.kind === 'value' ? oneLine(record.entry.by) : undefined;
    const cause = record.kind === 'value' ? shownCause(record.entry.cause) : undefined;
    return [String(revision), shownTime(at), what, by, cause];
  });
  return renderTable(['revision', 'at', 'value', 'by', 'cause'], rows, paint);
}
