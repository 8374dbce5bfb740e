/** The honest end of a run: what was judged, how well before and after, beside the control, and what it took. Pure. */
import type { JudgedMail } from './feed.ts';
import { countOutcomes, percentilesOf, scoresOf, type Audit, type Scores } from './scores.ts';
import { renderAgreement, type Agreement } from './rounds.ts';
import { text } from './texts.ts';
import { renderTrial, type Trial } from './trials.ts';

/** An adaptation for good, as its event told it. */
export interface Adaptation {
  readonly id: string;
  readonly trigger: string;
  readonly rule: string;
  readonly changes: readonly { readonly variable: string; readonly from: unknown; readonly to: unknown }[];
  readonly revision: number;
  readonly triggerToAppliedMs: number;
}

/** How many replicas of an agent a scaling policy, or somebody, wanted in the end. */
export interface Scaled {
  readonly agent: string;
  readonly replicas: number;
  readonly cause: string;
}

export interface RunFacts {
  readonly mails: readonly JudgedMail[];
  /** The same mails judged by the team from which the revision was withheld; none when nothing is labelled. */
  readonly control: readonly JudgedMail[];
  readonly adaptations: readonly Adaptation[];
  /** What the specialists negotiated, and whom they voted about. */
  readonly agreements: readonly Agreement[];
  /** What was tried under guard. */
  readonly trials: readonly Trial[];
  readonly scaled: readonly Scaled[];
  /** Operating-system processes of agents that took part. */
  readonly pids: readonly number[];
  readonly elapsedMs: number;
  readonly traceId: string | null;
}

/** The four windows of a run that are compared. */
export interface Windows<T> {
  /** The first kind of mail. */
  readonly before: T;
  /** The new kind of mail, until the revision was applied. */
  readonly shifted: T;
  /** The new kind of mail, afterwards. */
  readonly adapted: T;
  /** The mails of `adapted`, judged by the control. */
  readonly control: T;
}

export interface Summary {
  readonly messages: number;
  readonly verdicts: number;
  readonly failures: number;
  readonly processes: number;
  readonly pids: readonly number[];
  readonly f1: Windows<number | null>;
  readonly balancedAccuracy: Windows<number | null>;
  readonly scores: Windows<Scores>;
  readonly messagesPerSecond: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly triggerToAppliedMs: number | null;
  readonly traceId: string | null;
  readonly adaptations: readonly Adaptation[];
  readonly agreements: readonly Agreement[];
  readonly trials: readonly Trial[];
  readonly scaled: readonly Scaled[];
}

/** Computes the summary of a run. A figure that cannot be computed (no labels, an empty window) is null. */
export function summaryOf(facts: RunFacts): Summary {
  const { mails, control, adaptations, agreements, trials, scaled, pids, elapsedMs, traceId } = facts;
  // What the auditor's alarm led to; a member may have been voted out before.
  const answer = adaptations.find(({ trigger }) => !trigger.startsWith('round.'));
  const scores = mapWindows(windowsOf(mails, control, answer?.revision), (window) =>
    scoresOf(countOutcomes(auditsOf(window))),
  );
  const { p50, p95 } = percentilesOf(mails.map(({ latencyMs }) => latencyMs));
  return {
    messages: mails.length,
    verdicts: mails.filter(({ result }) => result.kind === 'ruled').length,
    failures: mails.filter(({ result }) => result.kind === 'failed').length,
    processes: pids.length,
    pids,
    f1: mapWindows(scores, ({ f1 }) => rounded(f1)),
    balancedAccuracy: mapWindows(scores, ({ balancedAccuracy }) => rounded(balancedAccuracy)),
    scores,
    messagesPerSecond: Math.round((mails.length / elapsedMs) * 1_000),
    p50Ms: rounded(p50, 1),
    p95Ms: rounded(p95, 1),
    triggerToAppliedMs: answer?.triggerToAppliedMs ?? null,
    traceId,
    adaptations,
    agreements,
    trials,
    scaled,
  };
}

/** Divides the mails of a run: by kind of mail, and by whether the judge already went by the adapted revision. */
function windowsOf(
  mails: readonly JudgedMail[],
  control: readonly JudgedMail[],
  revision: number | undefined,
): Windows<readonly JudgedMail[]> {
  const isAdapted = ({ result }: JudgedMail): boolean =>
    revision !== undefined && result.kind === 'ruled' && result.ruling.revision >= revision;
  const later = mails.filter(({ phase }) => phase > 0);
  const adapted = later.filter(isAdapted);
  const ids = new Set(adapted.map(({ id }) => id));
  return {
    before: mails.filter(({ phase }) => phase === 0),
    shifted: later.filter((mail) => !isAdapted(mail)),
    adapted,
    control: control.filter(({ id }) => ids.has(id)),
  };
}

function mapWindows<T, U>(windows: Windows<T>, map: (window: T) => U): Windows<U> {
  const { before, shifted, adapted, control } = windows;
  return { before: map(before), shifted: map(shifted), adapted: map(adapted), control: map(control) };
}

function auditsOf(mails: readonly JudgedMail[]): Audit[] {
  return mails.flatMap(({ truth, result }) =>
    truth === undefined || result.kind !== 'ruled' ? [] : [{ truth, verdict: result.ruling.label }],
  );
}

function rounded(value: number | null, digits = 4): number | null {
  return value === null ? null : Number(value.toFixed(digits));
}

/** The summary for people. */
export function renderSummary(summary: Summary): string {
  const { messages, verdicts, failures, messagesPerSecond, p50Ms, p95Ms, pids } = summary;
  const lines = [
    `${messages} mails, ${verdicts} verdicts${failures > 0 ? `, ${failures} failed` : ''}; ${messagesPerSecond} mails/s beside the control; latency p50 ${p50Ms} ms, p95 ${p95Ms} ms; ${pids.length} agent processes`,
    ...summary.scaled.map(({ agent, replicas, cause }) => `${agent}: ${replicas} replicas (${cause})`),
    ...adaptationLines(summary),
    ...summary.agreements.map(renderAgreement),
    ...summary.trials.map(renderTrial),
    ...scoreTable(summary),
  ];
  return lines.join('\n');
}

function adaptationLines({ adaptations }: Summary): string[] {
  if (adaptations.length === 0) return ['no adaptation was needed: the auditor raised no alarm'];
  return adaptations.map(
    ({ trigger, rule, changes, triggerToAppliedMs }) =>
      `adapted by ${rule} on ${trigger}: ${changes.map(({ variable, from, to }) => `${variable} ${text(from)} → ${text(to)}`).join(', ')}; applied ${triggerToAppliedMs} ms after the trigger`,
  );
}

function scoreTable({ scores }: Summary): string[] {
  const rows = Object.entries(scores).filter(([, { count }]) => count > 0);
  if (rows.length === 0) return ['no labels were given, so nothing is said about quality'];
  const head = [
    '',
    'mails',
    'balanced accuracy',
    'precision',
    'recall',
    'F1',
    'false positives',
    'spam share',
  ];
  const cells = rows.map(([name, window]: [string, Scores]) => [
    name,
    String(window.count),
    ...[
      window.balancedAccuracy,
      window.precision,
      window.recall,
      window.f1,
      window.falsePositiveRate,
      window.prevalence,
    ].map(percent),
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  return [head, ...cells].map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
}

function percent(value: number | null): string {
  return value === null ? '–' : `${(value * 100).toFixed(1)} %`;
}
