/**
 * Words: naive Bayes on the words of subject and text. It counts in how many ham and spam mails each word occurred, and weighs the most
 * telling words of a mail against each other. Both kinds count the same, however many there were of each.
 */
import type { Label } from '../mail-entry.ts';
import type { ParsedMail } from '../mail.ts';
import { noFeedbackYet, probabilityOf, reasonsOf, type Clue, type Learner, type Opinion } from './opinion.ts';

/** In how many mails of each kind a word occurred. */
interface WordCount {
  ham: number;
  spam: number;
}

/** What words has learned. */
export interface WordsState {
  readonly mails: WordCount;
  readonly counts: Map<string, WordCount>;
}

export interface WordsSettings {
  /** How many of the most telling words decide. */
  readonly telling: number;
  /** How many imagined mails of each kind, in which a word is as frequent as in all mail, are counted beforehand: rare words say little. */
  readonly smoothing: number;
  /** Divides the sum of the words' log-odds, because words come in company and are not independent. */
  readonly caution: number;
}

const WORD = /[\p{L}\p{N}$!'-]{3,24}/gu;

/** The words specialist. */
export function wordsSpecialist(): Learner<WordsState, WordsSettings> {
  return {
    id: 'words',
    settings: { telling: 150, smoothing: 20, caution: 6 },
    fresh: () => ({ mails: { ham: 0, spam: 0 }, counts: new Map() }),
    opinion: wordsOpinion,
    learn: learnWords,
  };
}

/** Returns the different words of a mail in lower case; those of the subject carry the mark `subject:`. */
export function wordsOf(mail: ParsedMail): Set<string> {
  const words = new Set<string>();
  for (const [word] of mail.text.toLowerCase().matchAll(WORD)) words.add(word);
  for (const [word] of mail.subject.toLowerCase().matchAll(WORD)) words.add(`subject:${word}`);
  return words;
}

function wordsOpinion(state: WordsState, mail: ParsedMail, settings: WordsSettings): Opinion {
  if (state.mails.ham === 0 || state.mails.spam === 0) return noFeedbackYet();
  const clues = wordClues(state, mail, settings);
  if (clues.length === 0) return { probability: 0.5, reasons: ['no known word'], abstains: true };
  const sum = clues.reduce((total, { weight }) => total + weight, 0);
  return { probability: probabilityOf(sum / settings.caution), reasons: reasonsOf(clues) };
}

/** The most telling words, the weightiest first. */
function wordClues(
  { mails, counts }: WordsState,
  mail: ParsedMail,
  { telling, smoothing }: WordsSettings,
): Clue[] {
  const clues: Clue[] = [];
  for (const word of wordsOf(mail)) {
    const count = counts.get(word);
    if (count === undefined) continue;
    const expected = (smoothing * (count.ham + count.spam)) / (mails.ham + mails.spam);
    const inSpam = (count.spam + expected) / (mails.spam + smoothing);
    const inHam = (count.ham + expected) / (mails.ham + smoothing);
    clues.push({ weight: Math.log(inSpam / inHam), name: word });
  }
  return clues.sort((left, right) => Math.abs(right.weight) - Math.abs(left.weight)).slice(0, telling);
}

function learnWords(state: WordsState, mail: ParsedMail, label: Label): WordsState {
  const { mails, counts } = state;
  mails[label] += 1;
  for (const word of wordsOf(mail)) {
    const count = counts.get(word) ?? { ham: 0, spam: 0 };
    count[label] += 1;
    counts.set(word, count);
  }
  return state;
}
