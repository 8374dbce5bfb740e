/** From figures to a verdict: met, or missed by how much. Pure. */
import type { Comparison } from './benchmark.ts';
import { ratiosOf, seededRandom, summarise, upperBoundOfRatio, type Summary } from './statistics.ts';

export type Verdict =
  | { readonly kind: 'not-measured'; readonly why: string }
  /** Shown for comparison; nothing has to be reached. */
  | { readonly kind: 'no-goal' }
  | { readonly kind: 'meets' }
  /** `by`: share of the limit that is missing or too much. */
  | { readonly kind: 'misses'; readonly by: number };

/** A comparison with all that follows from its figures. */
export interface Judged {
  readonly ours: Summary | undefined;
  readonly baseline: Summary | undefined;
  readonly ratio: Summary | undefined;
  /** Upper 95 % bound of the ratio, when the goal asks for it. */
  readonly bound: number | undefined;
  readonly verdict: Verdict;
}

/** Judges a comparison. Throws `RangeError` when ours and the baseline differ in their rounds. */
export function judge(comparison: Comparison): Judged {
  const { ours, baseline, goal } = comparison;
  const isMeasured = ours.length > 0;
  const isCompared = isMeasured && baseline !== undefined && baseline.figures.length > 0;
  const judged = {
    ours: isMeasured ? summarise(ours) : undefined,
    baseline:
      baseline === undefined || baseline.figures.length === 0 ? undefined : summarise(baseline.figures),
    ratio: isCompared ? summarise(ratiosOf(ours, baseline.figures)) : undefined,
    bound:
      isCompared && goal?.of === 'bound'
        ? upperBoundOfRatio(ours, baseline.figures, { random: seededRandom(1) })
        : undefined,
  };
  return { ...judged, verdict: verdictOf(comparison, judged) };
}

function verdictOf(comparison: Comparison, judged: Omit<Judged, 'verdict'>): Verdict {
  const { goal, notMeasured } = comparison;
  if (judged.ours === undefined) return { kind: 'not-measured', why: notMeasured ?? 'no figures' };
  if (goal === undefined) return { kind: 'no-goal' };
  const figure = { ratio: judged.ratio?.median, bound: judged.bound, figure: judged.ours.median }[goal.of];
  if (figure === undefined) return { kind: 'not-measured', why: 'no baseline' };
  const missing = goal.is === 'at-least' ? goal.limit - figure : figure - goal.limit;
  return missing <= 0 ? { kind: 'meets' } : { kind: 'misses', by: missing / goal.limit };
}
