/** Values on trial: which rules tried a value on a share of the mail, what both shares were scored, and what became of it. Pure. */
import type { AdaptationRecord } from '@mabeam/orchestrator';
import { text } from './texts.ts';

type Rollout = NonNullable<AdaptationRecord['rollout']>;
type Outcome = NonNullable<Rollout['decision']>['outcome'];

/** What one share of the mail was scored: how many of it, and their mean; null without any. */
export interface Arm {
  readonly count: number;
  readonly mean: number | null;
}

/** A change under guard, as its record stands when the mail has ended. */
export interface Trial {
  /** The rule, or who else began it. */
  readonly by: string;
  readonly changes: readonly { readonly variable: string; readonly from: unknown; readonly to: unknown }[];
  /** The share of the mail that saw the new value; 1 when all did and before was compared with after. */
  readonly share: number;
  readonly metric: string;
  /** Null while it is judged. */
  readonly outcome: Outcome | null;
  readonly reason: string;
  readonly tried: Arm;
  readonly former: Arm;
}

/** The trials among the adaptations of a space, in their order. */
export function trialsOf(records: readonly AdaptationRecord[]): readonly Trial[] {
  return records.toSorted((a, b) => a.at.localeCompare(b.at)).flatMap((record) => trialOf(record) ?? []);
}

/** The trial that an adaptation is; undefined when no guard judges it. */
export function trialOf({ rollout, rule, source }: AdaptationRecord): Trial | undefined {
  if (rollout === undefined) return undefined;
  const { changes, decision, guard, mode } = rollout;
  const { candidate, incumbent, reason = '' } = decision?.evidence ?? {};
  return {
    by: rule === '' ? source : rule,
    changes,
    share: mode === 'canary' ? (guard.share ?? 1) : 1,
    metric: guard.metric,
    outcome: decision?.outcome ?? null,
    reason,
    tried: armOf(candidate),
    former: armOf(incumbent),
  };
}

function armOf(arm: { readonly samples: number; readonly mean?: number | undefined } | undefined): Arm {
  return { count: arm?.samples ?? 0, mean: arm?.mean === undefined ? null : Number(arm.mean.toFixed(4)) };
}

/** A trial in one line, for people. */
export function renderTrial(trial: Trial): string {
  const { by, former, metric, tried } = trial;
  const head = `tried by ${by}: ${shareOf(trial)}`;
  const end = endOf(trial);
  if (tried.mean === null || former.mean === null) return `${head}; ${end}`;
  return `${head}; ${metric} ${armText(tried)} beside ${armText(former)}: ${end}`;
}

/** What a trial tries, and on how much of the mail. */
export function shareOf({ changes, share }: Pick<Trial, 'changes' | 'share'>): string {
  const what = changes.map(({ variable, from, to }) => `${variable} ${text(from)} → ${text(to)}`).join(', ');
  return `${what} on ${Math.round(share * 100)} % of the mail`;
}

function armText({ count, mean }: Arm): string {
  return `${mean?.toFixed(3)} (${count} scores)`;
}

/** What became of it, as the end of a sentence. */
export function endOf({ outcome, reason }: Pick<Trial, 'outcome' | 'reason'>): string {
  if (outcome === null) return 'the mail ended before it was judged';
  if (outcome === 'success') return 'kept for all';
  if (outcome === 'partial-success') return `kept for all, with a doubt (${reason})`;
  return `${outcome === 'superseded' ? 'given up' : 'taken back'} (${reason})`;
}
