/** An adaptation as text. Pure. */
import type { TriggerOutcome } from '../adaptation.ts';
import { oneLine, shownValue, type Paint } from './table.ts';

/** What a trigger led to, a line for each change. */
export function renderOutcome({ record, isOld }: TriggerOutcome, paint: Paint): string {
  const { outcome, changes, reason, trigger, revision, triggeredAt, appliedAt } = record;
  if (isOld) return `nothing: this identity (${identityOf(record)}) has acted before, at ${triggeredAt}`;
  if (outcome === 'no-rule') return `nothing: no rule of this space answers ${trigger}`;
  if (changes.length === 0) return `nothing (${outcome}): ${oneLine(reason ?? 'without a reason')}`;
  const tookMs = appliedAt === undefined ? undefined : Date.parse(appliedAt) - Date.parse(triggeredAt);
  const place = revision === undefined ? '' : ` at revision ${revision}`;
  const head = `${paint(['green'], outcome)}${place}${tookMs === undefined ? '' : `, ${tookMs} ms after the trigger`}`;
  const lines = changes.map(
    ({ rule, variable, from, to }) => `  ${variable}: ${shownValue(from)} → ${shownValue(to)} (rule ${rule})`,
  );
  return [head, ...lines].join('\n');
}

function identityOf({ source, id }: TriggerOutcome['record']): string {
  return oneLine(source === '' ? `id ${id}` : `source ${source}, id ${id}`);
}
