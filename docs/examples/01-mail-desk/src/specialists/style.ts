/**
 * Style: online logistic regression on how a mail is written, not on what it says: short runs of characters (hashed, so that no
 * dictionary is kept) and the shape of its text – capitals, punctuation, line lengths, markup. It reads no header but the subject.
 */
import type { Label } from '../mail-entry.ts';
import type { ParsedMail } from '../mail.ts';
import { noFeedbackYet, probabilityOf, reasonsOf, type Learner, type Opinion } from './opinion.ts';
import {
  freshRegression,
  isTrained,
  learnFeatures,
  scoreFeatures,
  type Features,
  type Regression,
  type RegressionSettings,
} from './regression.ts';

export interface StyleSettings extends RegressionSettings {
  /** How many characters of the text are looked at. */
  readonly reach: number;
}

/** Hash buckets for runs of characters; the shape features follow behind them. */
const BUCKETS = 1 << 15;

/** Length of a run of characters. */
const RUN = 4;

interface Shape {
  readonly name: string;
  readonly amount: number;
}

/** The style specialist. */
export function styleSpecialist(): Learner<Regression, StyleSettings> {
  return {
    id: 'style',
    settings: { rate: 1, reach: 3_000 },
    fresh: () => freshRegression(BUCKETS + shapesOf('', '', 0).length),
    opinion: styleOpinion,
    learn: learnStyle,
  };
}

/** The features of a mail: runs of characters scaled to length 1, then the shapes. */
export function styleFeatures(mail: ParsedMail, reach: number): Features {
  const text = mail.text.slice(0, reach);
  const runs = characterRuns(`${mail.subject}\n${text}`);
  const scale = 1 / Math.sqrt(Math.max(1, runs.length));
  const shapes = shapesOf(text, mail.subject, mail.htmlFacts.tags);
  return {
    indexes: [...runs, ...shapes.map((_, at) => BUCKETS + at)],
    values: [...runs.map(() => scale), ...shapes.map(({ amount }) => amount)],
  };
}

function styleOpinion(state: Regression, mail: ParsedMail, { reach }: StyleSettings): Opinion {
  if (!isTrained(state)) return noFeedbackYet();
  const features = styleFeatures(mail, reach);
  const whole = scoreFeatures(state, features);
  const shapes = shapesOf(mail.text.slice(0, reach), mail.subject, mail.htmlFacts.tags);
  const clues = shapes.map(({ name, amount }, at) => ({
    name,
    weight: amount * (state.weights[BUCKETS + at] ?? 0),
  }));
  const spelling = whole - clues.reduce((sum, { weight }) => sum + weight, 0);
  return {
    probability: probabilityOf(whole),
    reasons: reasonsOf([...clues, { name: 'turns of phrase', weight: spelling }]),
  };
}

function learnStyle(state: Regression, mail: ParsedMail, label: Label, settings: StyleSettings): Regression {
  return learnFeatures(state, styleFeatures(mail, settings.reach), label, settings);
}

/** The hash buckets of the different runs of characters in a text: digits count as one character, letters without case. */
function characterRuns(text: string): number[] {
  const plain = text.toLowerCase().replace(/\d/g, '0').replace(/\s+/g, ' ');
  const buckets = new Set<number>();
  for (let at = 0; at + RUN <= plain.length; at += 1) buckets.add(bucketOf(plain, at));
  return [...buckets];
}

/** FNV-1a over the characters of the run. */
function bucketOf(text: string, at: number): number {
  let hash = 0x811c9dc5;
  for (let next = at; next < at + RUN; next += 1) hash = Math.imul(hash ^ text.charCodeAt(next), 0x01000193);
  return (hash ^ (hash >>> 15)) & (BUCKETS - 1);
}

function shapesOf(text: string, subject: string, tags: number): Shape[] {
  const length = Math.max(1, text.length);
  const lines = text === '' ? [] : text.split('\n');
  const countOf = (pattern: RegExp, of: string) => of.match(pattern)?.length ?? 0;
  return [
    { name: 'capitals', amount: Math.min(1, (5 * countOf(/\p{Lu}/gu, text)) / length) },
    { name: 'exclamation marks', amount: Math.min(1, (100 * countOf(/!/g, text)) / length) },
    { name: 'money signs', amount: Math.min(1, (100 * countOf(/[$£€%]/g, text)) / length) },
    { name: 'digits', amount: Math.min(1, (10 * countOf(/\d/g, text)) / length) },
    {
      name: 'quoted lines',
      amount: lines.filter((line) => line.startsWith('>')).length / Math.max(1, lines.length),
    },
    {
      name: 'lines that are long',
      amount: lines.filter((line) => line.length > 80).length / Math.max(1, lines.length),
    },
    { name: 'short text', amount: 1 / (1 + length / 300) },
    { name: 'markup', amount: Math.min(1, Math.log2(1 + tags) / 8) },
    { name: 'capitals in the subject', amount: countOf(/\p{Lu}/gu, subject) / Math.max(8, subject.length) },
    { name: 'loud subject', amount: /[!$%*]/.test(subject) ? 1 : 0 },
    { name: 'foreign characters', amount: Math.min(1, (10 * countOf(/[^\p{ASCII}]/gu, text)) / length) },
    { name: 'always', amount: 1 },
  ];
}
