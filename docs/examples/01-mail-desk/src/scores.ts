/** How good verdicts are: counts of the four outcomes, the usual scores made of them, and percentiles. What is undefined is null, never NaN. */
import { quantile } from 'simple-statistics';
import type { Label } from './mail-entry.ts';

/** How often each of the four outcomes occurred; spam is the positive. */
export interface Confusion {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly trueNegatives: number;
  readonly falseNegatives: number;
}

/** A verdict beside the truth. */
export interface Audit {
  readonly truth: Label;
  readonly verdict: Label;
}

/** Scores of a set of verdicts; null where a denominator is 0. */
export interface Scores {
  readonly count: number;
  /** Of the mails called spam, the share that is. */
  readonly precision: number | null;
  /** Of the spam, the share that was called so. */
  readonly recall: number | null;
  readonly f1: number | null;
  /** Mean of the shares of spam and of ham that were recognised: independent of how much spam there is. */
  readonly balancedAccuracy: number | null;
  /** Of the ham, the share called spam. */
  readonly falsePositiveRate: number | null;
  /** Share of spam in the mail. */
  readonly prevalence: number | null;
}

/** Counts the outcomes of audits. */
export function countOutcomes(audits: Iterable<Audit>): Confusion {
  const counts = { truePositives: 0, falsePositives: 0, trueNegatives: 0, falseNegatives: 0 };
  for (const audit of audits) counts[outcomeOf(audit)] += 1;
  return counts;
}

/** Scores counted outcomes. */
export function scoresOf({
  truePositives,
  falsePositives,
  trueNegatives,
  falseNegatives,
}: Confusion): Scores {
  const spam = truePositives + falseNegatives;
  const ham = trueNegatives + falsePositives;
  const recall = ratio(truePositives, spam);
  const specificity = ratio(trueNegatives, ham);
  return {
    count: spam + ham,
    precision: ratio(truePositives, truePositives + falsePositives),
    recall,
    f1: ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives),
    balancedAccuracy: recall === null || specificity === null ? null : (recall + specificity) / 2,
    falsePositiveRate: ratio(falsePositives, ham),
    prevalence: ratio(spam, spam + ham),
  };
}

/** The median and the 95th percentile of measurements, in their unit; null without any. */
export function percentilesOf(values: readonly number[]): {
  readonly p50: number | null;
  readonly p95: number | null;
} {
  if (values.length === 0) return { p50: null, p95: null };
  const [p50, p95] = quantile([...values], [0.5, 0.95]);
  return { p50: p50 ?? null, p95: p95 ?? null };
}

function outcomeOf({ truth, verdict }: Audit): keyof Confusion {
  if (verdict === 'spam') return truth === 'spam' ? 'truePositives' : 'falsePositives';
  return truth === 'ham' ? 'trueNegatives' : 'falseNegatives';
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
