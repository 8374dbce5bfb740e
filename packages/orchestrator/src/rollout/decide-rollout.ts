/**
 * A verdict as one commit: the record with its decision, and the writes. Pure.
 *
 * D1 What the space does not allow any more – a value that has come to break a bond, a domain that has changed meanwhile – is not
 *    written: a promotion becomes a roll-back, and a roll-back that is not allowed leaves the value as it is. Both are a `failure`
 *    that says why, or the rollout would never end.
 */
import { MabeamError, type BatchWrite } from '@mabeam/bus';
import { planChanges, type SpaceView } from '@mabeam/variables';
import type { AdaptationRecord } from '../adaptation/adaptation-record.ts';
import { orchestratorAuthor } from '../term/repair.ts';
import { settleRollout, type RolloutVerdict } from './judge.ts';
import { wishesOf } from './plan-rollout.ts';
import type { Rollout, RolloutOutcome, RolloutWrite } from './rollout.ts';

/** A verdict that decides. */
export type DecidedVerdict = Exclude<RolloutVerdict, { readonly kind: 'continue' }>;

/** A record under evaluation. */
export type EvaluatedRecord = AdaptationRecord & { readonly rollout: Rollout };

/** What is to be committed. */
export interface PlannedDecision {
  readonly record: AdaptationRecord;
  readonly writes: readonly BatchWrite[];
}

/** The commit of a verdict (D1); `by` writes it. Throws only what may go better at another time. */
export function planDecision(
  view: SpaceView,
  record: EvaluatedRecord,
  verdict: DecidedVerdict,
  { by = orchestratorAuthor, now }: { readonly by?: string; readonly now: Date },
): PlannedDecision {
  const authorship = { by, cause: record.rollout.cause, at: now };
  const decide = (final: DecidedVerdict): PlannedDecision => ({
    record: decided(record, final),
    writes: planChanges(view, wishesOf(final.writes), authorship).writes,
  });
  try {
    return decide(verdict);
  } catch (error) {
    const why = notAllowed(error);
    const failed = failure(verdict, why);
    if (verdict.kind !== 'promote') return decide({ ...failed, writes: [] });
    try {
      return decide({ ...failed, kind: 'roll-back', writes: formerOf(record.rollout, verdict.writes) });
    } catch (second) {
      return decide({ ...failure(verdict, notAllowed(second)), writes: [] });
    }
  }
}

/** The record with its decision; it has yet to be announced. */
function decided(record: EvaluatedRecord, verdict: DecidedVerdict): AdaptationRecord {
  const { evidence, outcome } = verdict;
  return { ...record, outcome, reason: evidence.reason, rollout: settleRollout(record.rollout, verdict) };
}

/** Why the space refuses; throws what is no refusal. */
function notAllowed(error: unknown): string {
  if (!(error instanceof MabeamError) || error.retryable) throw error;
  return `${error.message} (${error.code})`;
}

function failure(verdict: DecidedVerdict, why: string): DecidedVerdict {
  const reason = `${verdict.evidence.reason}; not written: ${why}`;
  const outcome: RolloutOutcome = 'failure';
  return { ...verdict, outcome, evidence: { ...verdict.evidence, reason } };
}

/** The same writes with the former values. */
function formerOf({ changes }: Rollout, writes: readonly RolloutWrite[]): readonly RolloutWrite[] {
  return writes.flatMap((write) => {
    const change = changes.find(({ variable }) => variable === write.variable);
    return change === undefined
      ? []
      : [{ variable: write.variable, value: change.from, expect: write.expect }];
  });
}
