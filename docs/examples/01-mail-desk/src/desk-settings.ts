/**
 * The settings with which the mail desk runs unless told otherwise. They were chosen by replaying runs offline
 * (experiments/adaptation-gain.ts shows the figures): the smallest number of mails at which the alarm rang in the second phase, not
 * before, in every one of the twenty runs with seeds 1 to 20.
 */
import { defaultQualitySettings, type QualitySettings } from './quality.ts';

export interface DeskSettings {
  /** How many mails a run takes from the built-in corpus. */
  readonly limit: number;
  /** The specialists at the beginning: two that look at the outside of a mail. */
  readonly team: readonly string[];
  /** Those that join when quality is low: who sent it, and what it says. */
  readonly joining: readonly string[];
  /** A mail is called spam at or above this probability. */
  readonly threshold: number;
  /** Share of the mails whose labels the auditor knows. */
  readonly feedbackShare: number;
  readonly quality: QualitySettings;
}

/** The default settings. */
export function defaultDeskSettings(): DeskSettings {
  return {
    limit: 2_500,
    team: ['links', 'style'],
    joining: ['headers', 'words'],
    threshold: 0.5,
    feedbackShare: 0.3,
    quality: defaultQualitySettings(),
  };
}
