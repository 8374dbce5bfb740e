/**
 * The verdict: what the judge makes of the opinions of those selected. Each opinion becomes log-odds, cut off so that nobody can outvote
 * all others alone; their plain mean becomes the probability; at or above the threshold the mail is spam. All count the same.
 */
import type { Label } from './mail-entry.ts';
import { logOddsOf, probabilityOf, type Opinion } from './specialists/opinion.ts';

export interface Verdict {
  readonly label: Label;
  /** How likely the mail is spam in the eyes of the team. */
  readonly probability: number;
  /** All opinions that came in, by specialist, abstentions too. */
  readonly opinions: Readonly<Record<string, Opinion>>;
  /** Why there is no better founded verdict; absent when at least one opinion counted. */
  readonly reason?: string;
}

/** Probabilities nearer to 0 or 1 than this count as if they were not. */
const FLOOR = 0.01;

/**
 * Combines opinions. Without any that counts, the mail is let through: probability 0.5 and the label ham, because losing a good mail is
 * worse than reading a bad one; `reason` says so.
 */
export function combineOpinions(opinions: Readonly<Record<string, Opinion>>, threshold: number): Verdict {
  const counted = Object.values(opinions).filter(
    ({ abstains, probability }) => abstains !== true && Number.isFinite(probability),
  );
  if (counted.length === 0) {
    const reason =
      Object.keys(opinions).length === 0 ? 'no specialist answered' : 'every specialist abstained';
    return { label: 'ham', probability: 0.5, opinions, reason: `${reason}; the mail is let through` };
  }
  const sum = counted.reduce((total, { probability }) => total + logOddsOf(probability, FLOOR), 0);
  const probability = probabilityOf(sum / counted.length);
  return { label: probability >= threshold ? 'spam' : 'ham', probability, opinions };
}
