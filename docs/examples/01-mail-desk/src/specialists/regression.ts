/**
 * Online logistic regression: a weight for each feature, moved a little with every labelled example (AdaGrad: the more often a feature
 * was moved, the smaller its steps). Examples of the rarer kind count more, so both kinds have the same say.
 */
import type { Label } from '../mail-entry.ts';
import { probabilityOf } from './opinion.ts';

/** What a regression has learned: weights, and the sum of squared gradients of each. */
export interface Regression {
  readonly weights: Float32Array;
  readonly moved: Float32Array;
  readonly examples: { ham: number; spam: number };
}

/** A mail as numbers: which features it has, and how much of each. */
export interface Features {
  readonly indexes: readonly number[];
  readonly values: readonly number[];
}

export interface RegressionSettings {
  /** How far one example moves a weight. */
  readonly rate: number;
}

/** Keeps the first steps finite. */
const EPSILON = 0.01;

/** A regression that has seen nothing, for features numbered below `size`. */
export function freshRegression(size: number): Regression {
  return { weights: new Float32Array(size), moved: new Float32Array(size), examples: { ham: 0, spam: 0 } };
}

/** Whether examples of both kinds were seen; before that an answer would mean nothing. */
export function isTrained({ examples }: Regression): boolean {
  return examples.ham > 0 && examples.spam > 0;
}

/** The log-odds of spam for a mail with these features. */
export function scoreFeatures({ weights }: Regression, { indexes, values }: Features): number {
  let sum = 0;
  for (let at = 0; at < indexes.length; at += 1) sum += (weights[indexes[at] ?? 0] ?? 0) * (values[at] ?? 0);
  return sum;
}

/** Takes over the regression, moves it by one example, and returns it. */
export function learnFeatures(
  state: Regression,
  features: Features,
  label: Label,
  { rate }: RegressionSettings,
): Regression {
  const { weights, moved, examples } = state;
  const target = label === 'spam' ? 1 : 0;
  examples[label] += 1;
  const share = examples[label] / (examples.ham + examples.spam);
  const error = (probabilityOf(scoreFeatures(state, features)) - target) * Math.min(4, 0.5 / share);
  for (const [at, index] of features.indexes.entries()) {
    const gradient = error * (features.values[at] ?? 0);
    const total = (moved[index] ?? 0) + gradient * gradient;
    moved[index] = total;
    weights[index] = (weights[index] ?? 0) - (rate * gradient) / Math.sqrt(total + EPSILON);
  }
  return state;
}
