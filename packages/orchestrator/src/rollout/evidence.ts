/** The evidence for a decision on a rollout: plain numbers that people can check, as kept in the adaptation's record. */
import { z } from 'zod';
import type { Guard } from './guard.ts';

/** What one arm gave. */
export interface ArmSummary {
  readonly samples: number;
  /** Absent without samples. */
  readonly mean?: number | undefined;
  readonly median?: number | undefined;
}

/** Everything the decision was made by. */
export interface Evidence {
  readonly metric: string;
  readonly mode: 'canary' | 'before-after';
  readonly incumbent: ArmSummary;
  readonly candidate: ArmSummary;
  /** Mean of the candidate less mean of the incumbent, turned so that more is better. Absent unless both arms have samples. */
  readonly impact?: number | undefined;
  /** `impact` over the incumbent's mean; absent also when that is 0. */
  readonly relativeImpact?: number | undefined;
  /** After each window that has been weighed (e-process.ts); "worse" is found at `threshold`, 1 / alpha. */
  readonly eValues: readonly number[];
  readonly threshold: number;
  /** Windows that have ended, of those planned. */
  readonly windows: number;
  readonly windowsPlanned: number;
  /** ISO. */
  readonly decidedAt: string;
  /** For people. */
  readonly reason: string;
}

const arm = z.object({ samples: z.int().min(0), mean: z.number().optional(), median: z.number().optional() });

/** The schema of {@link Evidence}. */
export const evidenceSchema = z.object({
  metric: z.string(),
  mode: z.enum(['canary', 'before-after']),
  incumbent: arm,
  candidate: arm,
  impact: z.number().optional(),
  relativeImpact: z.number().optional(),
  eValues: z.array(z.number()),
  threshold: z.number(),
  windows: z.int().min(0),
  windowsPlanned: z.int().min(1),
  decidedAt: z.string(),
  reason: z.string(),
});

/** Number, mean and median of some samples. */
export function summariseArm(samples: readonly number[]): ArmSummary {
  if (samples.length === 0) return { samples: 0 };
  const sorted = samples.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const middle = sorted.slice(Math.ceil(half) - 1, Math.floor(half) + 1);
  return { samples: samples.length, mean: meanOf(samples), median: meanOf(middle) };
}

/** The candidate's mean less the incumbent's, turned so that more is better, and its share of the incumbent's. */
export function impactOf(
  { candidate, incumbent }: Pick<Evidence, 'candidate' | 'incumbent'>,
  direction: Guard['direction'],
): Pick<Evidence, 'impact' | 'relativeImpact'> {
  if (candidate.mean === undefined || incumbent.mean === undefined) return {};
  const impact = (direction === 'above' ? -1 : 1) * (candidate.mean - incumbent.mean);
  return incumbent.mean === 0 ? { impact } : { impact, relativeImpact: impact / Math.abs(incumbent.mean) };
}

/**
 * Is the candidate, by its mean or by its median, worse by more than the tolerance? A difference that is certain but smaller is
 * not worth a roll-back; a mean alone would let one outlier among the incumbents hide a candidate that is worse throughout.
 */
export function isSizeable(
  { candidate, incumbent }: Pick<Evidence, 'candidate' | 'incumbent'>,
  { direction, tolerance }: Pick<Guard, 'direction' | 'tolerance'>,
): boolean {
  const sign = direction === 'above' ? 1 : -1;
  return (['mean', 'median'] as const).some((measure) => {
    const [ours, theirs] = [candidate[measure], incumbent[measure]];
    if (ours === undefined || theirs === undefined) return false;
    const loss = sign * (ours - theirs);
    return loss > 0 && loss > tolerance * Math.abs(theirs);
  });
}

function meanOf(samples: readonly number[]): number {
  return samples.reduce((total, sample) => total + sample, 0) / samples.length;
}
