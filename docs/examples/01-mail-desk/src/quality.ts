/**
 * When quality is low: a sliding window over audited verdicts, and the rule that raises the alarm. The score is balanced accuracy over the
 * last so many audited mails of EACH label, so neither the score nor its noise changes only because there is more spam in the mail.
 *
 * Q1 The alarm is armed only after quality was good once (at least `threshold + margin`): learners that have just begun are no drop.
 * Q2 It fires when quality falls below `threshold` while armed, and is then disarmed: once per drop.
 * Q3 With fewer than `minimumPerLabel` audited mails of either label in the window it neither arms nor fires.
 */
import type { Label } from './mail-entry.ts';
import { countOutcomes, scoresOf, type Audit, type Scores } from './scores.ts';

export interface QualitySettings {
  /** How many audited verdicts of each label the window holds. */
  readonly windowPerLabel: number;
  /** Balanced accuracy below this is low. */
  readonly threshold: number;
  /** How far above the threshold quality must have been before the alarm can fire (again). */
  readonly margin: number;
  readonly minimumPerLabel: number;
}

/** The watch over quality between two audits. */
export interface QualityWatch {
  readonly audits: readonly Audit[];
  readonly armed: boolean;
}

/** What one more audit brought about. */
export interface QualityStep {
  readonly watch: QualityWatch;
  readonly scores: Scores;
  /** True at the one audit at which quality became low. */
  readonly fired: boolean;
}

/** The settings with which the mail desk runs unless told otherwise. */
export function defaultQualitySettings(): QualitySettings {
  return { windowPerLabel: 40, threshold: 0.9, margin: 0.03, minimumPerLabel: 40 };
}

/** A watch that has seen nothing; it is not armed. */
export function newQualityWatch(): QualityWatch {
  return { audits: [], armed: false };
}

/** Takes one more audited verdict into the window and applies Q1 to Q3. */
export function watchQuality(watch: QualityWatch, audit: Audit, settings: QualitySettings): QualityStep {
  const audits = lastOfEach([...watch.audits, audit], audit.truth, settings.windowPerLabel);
  const scores = scoresOf(countOutcomes(audits));
  const quality = scores.balancedAccuracy;
  const enough = Math.min(countOf(audits, 'ham'), countOf(audits, 'spam')) >= settings.minimumPerLabel;
  if (quality === null || !enough) return { watch: { audits, armed: watch.armed }, scores, fired: false };
  const fired = watch.armed && quality < settings.threshold;
  const armed = !fired && (watch.armed || quality >= settings.threshold + settings.margin);
  return { watch: { audits, armed }, scores, fired };
}

/** Drops the oldest audit of the label that has just grown, when there are more than `most` of it. */
function lastOfEach(audits: readonly Audit[], label: Label, most: number): readonly Audit[] {
  if (countOf(audits, label) <= most) return audits;
  const oldest = audits.findIndex(({ truth }) => truth === label);
  return audits.filter((_, at) => at !== oldest);
}

function countOf(audits: readonly Audit[], label: Label): number {
  return audits.filter(({ truth }) => truth === label).length;
}
