/** Adaptations and rollouts as text and as JSON. Pure. */
import type { ChangeAnswer, Evidence, StoredAdaptation } from '@mabeam/orchestrator';
import { oneLine, renderFields, renderTable, shownAge, shownValue, type Paint } from './table.ts';

type Arm = Evidence['candidate'];

/** An adaptation in JSON: its record, its hash as `adaptation`, and the evidence so far. */
export function adaptationDocument(
  { hash, record, revision }: StoredAdaptation,
  evidence?: Evidence,
): Readonly<Record<string, unknown>> {
  const { rollout, ...rest } = record;
  const { changes: _changes, decision: _decision, ...judged } = rollout ?? {};
  return {
    adaptation: hash,
    ...rest,
    revision,
    ...(rollout === undefined ? {} : { rollout: judged }),
    ...(evidence === undefined ? {} : { evidence }),
  };
}

/** One line for each adaptation. */
export function renderAdaptations(list: readonly StoredAdaptation[], now: number, paint: Paint): string {
  const rows = list.map(({ hash, record }) => [
    hash.slice(0, 12),
    shownAge(Date.parse(record.at), now),
    shownOutcome(record.outcome, paint),
    oneLine(record.rule === '' ? record.source : `${record.trigger} (${record.rule})`),
    changesText(record.changes) || oneLine(record.reason ?? ''),
  ]);
  return renderTable(['adaptation', 'age', 'outcome', 'by', 'changes'], rows, paint);
}

/** All that is known of a change under guard, or of one that is not judged. */
export function renderRollout(
  { hash, record }: StoredAdaptation,
  evidence: Evidence | undefined,
  paint: Paint,
): string {
  const { rollout } = record;
  const fields: (readonly [string, string])[] = [
    ['adaptation', paint(['bold'], hash)],
    ['outcome', shownOutcome(record.outcome, paint)],
    ['changes', changesText(record.changes)],
    ['by', oneLine(`${record.source} ${record.rule}`.trim())],
  ];
  if (rollout !== undefined) {
    const { direction, metric, share, tolerance, windowMs, windows } = rollout.guard;
    const part = rollout.mode === 'canary' ? `canary of ${percent(share ?? 1)}` : 'before against after';
    const bad = `bad ${direction} by more than ${percent(tolerance)}`;
    fields.push(['guard', `${metric}, ${bad}; ${part}; ${windows} windows of ${windowMs} ms`]);
  }
  if (evidence !== undefined) {
    const { candidate, eValues, incumbent, reason, relativeImpact, threshold, windows, windowsPlanned } =
      evidence;
    fields.push(
      ['windows', `${windows} of ${windowsPlanned}`],
      ['candidate', armText(candidate)],
      ['incumbent', armText(incumbent)],
      ['impact', relativeImpact === undefined ? 'not known' : percent(relativeImpact)],
      ['evidence', `${Math.max(0, ...eValues).toPrecision(3)} of ${threshold.toPrecision(3)} that blame it`],
      ['reason', oneLine(reason)],
    );
  } else if (record.reason !== undefined) fields.push(['reason', oneLine(record.reason)]);
  return renderFields(fields, paint);
}

/** What the leader answered. */
export function renderAnswer({ adaptation, kind, mode, outcome, reason, revision }: ChangeAnswer): string {
  if (kind === 'noop') return 'nothing to do: the values are so already';
  const why = reason === undefined ? '' : `: ${oneLine(reason)}`;
  if (kind === 'duplicate') return `asked before: adaptation ${adaptation} is ${outcome}${why}`;
  const how = mode === undefined || outcome !== 'evaluating' ? '' : ` (${mode})`;
  return `adaptation ${adaptation} is ${outcome}${how} at revision ${revision}${why}`;
}

/** `pace: 1 → 3`, with commas between several. */
function changesText(changes: StoredAdaptation['record']['changes']): string {
  return changes
    .map(({ from, to, variable }) => `${variable}: ${shownValue(from, 30)} → ${shownValue(to, 30)}`)
    .join(', ');
}

function shownOutcome(outcome: StoredAdaptation['record']['outcome'], paint: Paint): string {
  if (outcome === 'success' || outcome === 'applied') return paint(['green'], outcome);
  if (outcome === 'rolled-back' || outcome === 'failure') return paint(['red'], outcome);
  return outcome === 'evaluating' || outcome === 'partial-success' ? paint(['yellow'], outcome) : outcome;
}

function armText({ mean, median, samples }: Arm): string {
  if (mean === undefined || median === undefined) return 'no scores';
  return `${samples} scores, mean ${mean.toPrecision(4)}, median ${median.toPrecision(4)}`;
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`;
}
