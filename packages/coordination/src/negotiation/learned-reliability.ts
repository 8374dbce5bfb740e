/**
 * How far parties can be relied on, learned from what they said before, without anybody telling what was right. Pure.
 *
 * Of categories, the model of Dawid and Skene ("Maximum likelihood estimation of observer error-rates using the EM algorithm",
 * Applied Statistics 28, 1979) with one error rate a party: expectation–maximisation from the majority's answers, with a prior
 * of four judgements so that a few do not say much. Differences no larger than chance makes them are taken for chance: accuracies
 * shrink towards their mean as by James and Stein, by how much better the judgements fit them than one accuracy for all, and equals keep
 * equal weights, so that learning does not fall below the majority. A party's factor is the log-odds of its being right, the weight with which
 * votes of known reliability are best added up. Of numbers, the truth of an item is the mean of what was said, weighted by
 * 1 ∕ variance, and the variances follow from the truths, in turns.
 */
import type { Json } from '@mabeam/variables';
import { canonicalText } from './canonical.ts';

/** What a party said of an item once. */
export interface Judgement {
  readonly item: string;
  readonly party: string;
  readonly value: Json;
}

/** How it is learned. */
export interface LearnOptions {
  /** What the values are. Default `categories`. */
  readonly values?: 'categories' | 'numbers' | undefined;
  /** Turns at most. Default 50. */
  readonly turns?: number | undefined;
}

/** How far a party can be relied on. */
export interface Reliability {
  /** Of categories: the probability of its being right. Of numbers: 1 ∕ (1 + its variance ∕ the mean one). */
  readonly accuracy: number;
  /** What its weight is to be multiplied by; the mean over all parties is 1. */
  readonly factor: number;
}

/** The prior of an accuracy: as if a party had been right in three of four judgements. */
const prior = { right: 3, all: 4 };
/** The least factor: who is never right is hardly heard, and never counted against what it says. */
const leastFactor = 0.01;

/** Learns from judgements how far each party can be relied on. */
export function learnReliabilities(
  judgements: readonly Judgement[],
  options: LearnOptions = {},
): Readonly<Record<string, Reliability>> {
  const { values = 'categories', turns = 50 } = options;
  const ordered = judgements.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return values === 'numbers' ? learnFromNumbers(ordered, turns) : learnFromCategories(ordered, turns);
}

/** The factors alone, as a negotiation takes them. */
export function reliabilityFactors(
  reliabilities: Readonly<Record<string, Reliability>>,
): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(reliabilities).map(([party, { factor }]) => [party, factor]));
}

function learnFromCategories(
  judgements: readonly Judgement[],
  turns: number,
): Readonly<Record<string, Reliability>> {
  const said = judgements.map(({ item, party, value }) => ({ item, party, text: canonicalText(value) }));
  const items = [...Map.groupBy(said, ({ item }) => item).values()];
  const classes = Math.max(2, new Set(said.map(({ text }) => text)).size);
  const parties = [...new Set(said.map(({ party }) => party))];
  let accuracies = new Map(parties.map((party) => [party, prior.right / prior.all]));
  for (let turn = 0; turn < turns; turn++) {
    const next = maximise(items, accuracies, classes);
    const moved = Math.max(
      0,
      ...parties.map((party) => Math.abs((next.get(party) ?? 0) - (accuracies.get(party) ?? 0))),
    );
    accuracies = next;
    if (moved < 1e-9) break;
  }
  const odds = (accuracy: number): number => Math.log((accuracy * (classes - 1)) / (1 - accuracy));
  const shrunk = shrinkAccuracies(items, accuracies, classes);
  return scaled([...shrunk].map(([party, accuracy]) => ({ party, accuracy, raw: odds(accuracy) })));
}

/**
 * Moves accuracies towards their mean by the part of their fit that chance makes. Were all parties alike, twice the logarithm of the
 * likelihood ratio against one accuracy for all would be one for each party but the first (Wilks, 1938). It is counted twice: which answers
 * were right is itself only estimated, and few parties can agree on the wrong one.
 */
function shrinkAccuracies(
  items: readonly (readonly Said[])[],
  accuracies: ReadonlyMap<string, number>,
  classes: number,
): ReadonlyMap<string, number> {
  const mean = meanOf([...accuracies.values()]);
  const alike = new Map([...accuracies.keys()].map((party) => [party, mean]));
  const fit = 2 * (logLikelihood(items, accuracies, classes) - logLikelihood(items, alike, classes));
  const chance = 2 * (accuracies.size - 1);
  const kept = fit > chance ? 1 - chance / fit : 0;
  return new Map([...accuracies].map(([party, one]) => [party, mean + kept * (one - mean)]));
}

/** How well judgements fit accuracies, whichever class of each item is right. */
function logLikelihood(
  items: readonly (readonly Said[])[],
  accuracies: ReadonlyMap<string, number>,
  classes: number,
): number {
  return items.reduce((sum, said) => {
    const errors = said.reduce(
      (total, { party }) => total + Math.log((1 - (accuracies.get(party) ?? 0.5)) / (classes - 1)),
      0,
    );
    const { top, mass } = massOf(oddsOf(said, accuracies, classes), classes);
    return sum + errors + top + Math.log(mass / classes);
  }, 0);
}

/** The log-odds of each class that was named, against one that was not. */
function oddsOf(
  said: readonly Said[],
  accuracies: ReadonlyMap<string, number>,
  classes: number,
): ReadonlyMap<string, number> {
  const odds = new Map<string, number>();
  for (const { party, text } of said) {
    const accuracy = accuracies.get(party) ?? 0.5;
    odds.set(text, (odds.get(text) ?? 0) + Math.log((accuracy * (classes - 1)) / (1 - accuracy)));
  }
  return odds;
}

/** The sum over all classes of e to their log-odds, by its largest part. Classes that nobody named have the odds 0. */
function massOf(
  odds: ReadonlyMap<string, number>,
  classes: number,
): { readonly top: number; readonly mass: number } {
  const top = Math.max(0, ...odds.values());
  const unnamed = (classes - odds.size) * Math.exp(-top);
  return { top, mass: [...odds.values()].reduce((sum, one) => sum + Math.exp(one - top), unnamed) };
}

interface Said {
  readonly item: string;
  readonly party: string;
  readonly text: string;
}

/** One turn: the probability of each class of each item, then how often each party was right. */
function maximise(
  items: readonly (readonly Said[])[],
  accuracies: ReadonlyMap<string, number>,
  classes: number,
): Map<string, number> {
  const right = new Map<string, number>();
  const all = new Map<string, number>();
  for (const said of items) {
    const odds = oddsOf(said, accuracies, classes);
    const { top, mass } = massOf(odds, classes);
    for (const { party, text } of said) {
      right.set(party, (right.get(party) ?? 0) + Math.exp((odds.get(text) ?? 0) - top) / mass);
      all.set(party, (all.get(party) ?? 0) + 1);
    }
  }
  return new Map(
    [...all].map(([party, count]) => [party, ((right.get(party) ?? 0) + prior.right) / (count + prior.all)]),
  );
}

function learnFromNumbers(
  judgements: readonly Judgement[],
  turns: number,
): Readonly<Record<string, Reliability>> {
  const said = judgements.flatMap(({ item, party, value }) =>
    typeof value === 'number' ? [{ item, party, value }] : [],
  );
  const items = [...Map.groupBy(said, ({ item }) => item).values()];
  const parties = [...Map.groupBy(said, ({ party }) => party).keys()];
  let variances = new Map(parties.map((party) => [party, 1]));
  for (let turn = 0; turn < turns; turn++) {
    const squares = new Map(parties.map((party) => [party, [] as number[]]));
    for (const group of items) {
      const weight = (party: string): number => 1 / (variances.get(party) ?? 1);
      const total = group.reduce((sum, { party }) => sum + weight(party), 0);
      const truth = group.reduce((sum, { party, value }) => sum + (weight(party) / total) * value, 0);
      for (const { party, value } of group) squares.get(party)?.push((value - truth) ** 2);
    }
    const mean = meanOf([...squares.values()].flat());
    if (mean === 0) break;
    // Four judgements of the mean variance, so that nobody comes to be believed alone.
    variances = new Map(
      [...squares].map(([party, list]) => {
        const sum = list.reduce((total, square) => total + square, 0);
        return [party, (sum / mean + prior.all) / (list.length + prior.all)];
      }),
    );
  }
  return scaled(
    [...variances].map(([party, variance]) => ({ party, accuracy: 1 / (1 + variance), raw: 1 / variance })),
  );
}

function scaled(
  learned: readonly { readonly party: string; readonly accuracy: number; readonly raw: number }[],
): Readonly<Record<string, Reliability>> {
  const mean = meanOf(learned.map(({ raw }) => Math.max(0, raw)));
  return Object.fromEntries(
    learned.map(({ party, accuracy, raw }) => {
      const factor = mean === 0 ? 1 : Math.max(leastFactor, raw / mean);
      return [party, { accuracy, factor }];
    }),
  );
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function keyOf({ item, party, value }: Judgement): string {
  return JSON.stringify([item, party, canonicalText(value)]);
}
