/**
 * Weighted consensus beside the majority vote: what holds for certain, and what on the whole.
 *
 * For certain: parties err independently, each names the right one of K classes with its own probability of at least 1 ∕ K and else one of
 * the others at random, all classes equally often right (the model of Dawid and Skene with one error rate a party). Weighted by the
 * log-odds ln(p(K−1) ∕ (1−p)) of their probabilities, the weighted plurality is right as often as any rule can be (Nitzan and Paroush,
 * "Optimal decision rules in uncertain dichotomous choice situations", 1982): so never less often than the majority. This is
 * computed to the last answer, not sampled.
 *
 * On the whole: weights that are learned are estimates. They gain where parties differ, and cost next to nothing where they do not.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it, vi } from 'vitest';
import { campsOf } from './average.ts';
import { learnReliabilities, reliabilityFactors, type Judgement } from './learned-reliability.ts';
import { totalWeight, type Position } from './position.ts';
import { seededRandom } from './random.ts';
import { strategyNamed } from './strategies.ts';
import { settleGiven } from './strategy.ts';
import { termsOf } from './terms.ts';

// Learning takes its time on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

const isLong = process.env['MABEAM_LONG'] === '1';
const classes = ['x', 'y', 'z'] as const;
type Class = (typeof classes)[number];

/** All ways in which so many parties can answer. */
function answersOf(parties: number, among: readonly Class[]): readonly (readonly Class[])[] {
  return Array.from({ length: parties }).reduce<readonly (readonly Class[])[]>(
    (all) => all.flatMap((answers) => among.map((one) => [...answers, one])),
    [[]],
  );
}

/** What weighted consensus takes of these answers. */
function taken(answers: readonly Class[], reliabilities: Readonly<Record<string, number>>): unknown {
  const positions = answers.map((preferred, i): Position => ({
    party: `p${i}`,
    weight: 1,
    priority: 0,
    credit: Infinity,
    preferred,
  }));
  const terms = termsOf({ reliabilities }, totalWeight(positions));
  const settlement = settleGiven(strategyNamed('weighted-consensus'), positions, terms);
  return settlement.kind === 'agreed' ? settlement.value : undefined;
}

/** How likely a crew gives these answers, and the class is this one. */
function likelihood(
  answers: readonly Class[],
  truth: Class,
  crew: readonly number[],
  among: readonly Class[],
): number {
  return answers.reduce((product, answer, i) => {
    const p = crew[i] ?? 0;
    return product * (answer === truth ? p : (1 - p) / (among.length - 1));
  }, 1 / among.length);
}

const crews = fc
  .constantFrom(2, 3)
  .chain((k) =>
    fc.tuple(
      fc.constant(classes.slice(0, k)),
      fc.array(fc.double({ min: 1.02 / k, max: 0.99, noNaN: true }), { minLength: 1, maxLength: 4 }),
    ),
  );

test.prop([crews], { numRuns: isLong ? 5_000 : 200 })(
  'weighted by the log-odds of being right it is right as often as any rule can be, so never less often than the majority',
  ([among, crew]) => {
    const odds = crew.map((p, i) => [`p${i}`, Math.log((p * (among.length - 1)) / (1 - p))] as const);
    const reliabilities = Object.fromEntries(odds);
    let [weighted, majority, best] = [0, 0, 0];
    for (const answers of answersOf(crew.length, among)) {
      const chances = new Map<unknown, number>(
        among.map((truth) => [truth, likelihood(answers, truth, crew, among)]),
      );
      weighted += chances.get(taken(answers, reliabilities)) ?? 0;
      majority += chances.get(taken(answers, {})) ?? 0;
      best += Math.max(...chances.values());
    }
    expect(weighted).toBeCloseTo(best, 12);
    expect(weighted).toBeGreaterThanOrEqual(majority - 1e-12);
  },
);

interface Sample {
  readonly items: readonly (readonly [truth: string, said: readonly Judgement[]])[];
  readonly judgements: readonly Judgement[];
}

/** 200 items judged by a crew. */
function draw(seed: number, crew: readonly number[]): Sample {
  const random = seededRandom(seed);
  const items = Array.from({ length: 200 }, (_, i) => {
    const truth = random.pick(classes);
    const said = crew.map((accuracy, p): Judgement => {
      const [first = truth, ...wrong] = classes.filter((one) => one !== truth);
      const value = random.unit() < accuracy ? truth : random.pick([first, ...wrong]);
      return { item: `i${i}`, party: `p${p}`, value };
    });
    return [truth, said] as const;
  });
  return { items, judgements: items.flatMap(([, said]) => said) };
}

/** How often the plurality with these factors is right. */
function accuracyWith({ items }: Sample, factors: Readonly<Record<string, number>>): number {
  const right = items.filter(([truth, said]) => {
    const wishes = said.map(({ party, value }) => ({
      party,
      value,
      priority: 0,
      weight: factors[party] ?? 1,
    }));
    return campsOf(wishes)[0]?.value === truth;
  });
  return right.length / items.length;
}

const learnedFrom = ({ judgements }: Sample): Readonly<Record<string, number>> =>
  reliabilityFactors(learnReliabilities(judgements));

/** How often the whole model of Dawid and Skene is right: a matrix of confusions a party, expectation–maximisation from the majority's shares. */
function dawidSkene({ items }: Sample): number {
  const size = classes.length;
  // What was said of an item: for each party the row of its matrix and the class, as one number.
  const parties = [...new Set(items.flatMap(([, said]) => said.map(({ party }) => party)))];
  const cells = items.map(([, said]) =>
    said.map(
      ({ party, value }) => [parties.indexOf(party), classes.findIndex((one) => one === value)] as const,
    ),
  );
  let beliefs = cells.map((said) =>
    classes.map((_, k) => said.filter(([, c]) => c === k).length / said.length),
  );
  for (let turn = 0; turn < 30; turn++) {
    const prior = classes.map((_, k) => 1 + beliefs.reduce((sum, belief) => sum + (belief[k] ?? 0), 0));
    const counts = new Float64Array(parties.length * size * size).fill(0.5);
    const rows = new Float64Array(parties.length * size).fill(0.5 * size);
    for (const [i, said] of cells.entries()) {
      for (const [k, belief] of (beliefs[i] ?? []).entries()) {
        for (const [party, c] of said) {
          const row = party * size + k;
          counts[row * size + c] = (counts[row * size + c] ?? 0) + belief;
          rows[row] = (rows[row] ?? 0) + belief;
        }
      }
    }
    beliefs = cells.map((said) => {
      const masses = prior.map((weight, k) =>
        said.reduce((product, [party, c]) => {
          const row = party * size + k;
          return (product * (counts[row * size + c] ?? 0)) / (rows[row] ?? 1);
        }, weight),
      );
      const sum = masses.reduce((total, one) => total + one, 0);
      return masses.map((mass) => mass / sum);
    });
  }
  const right = items.filter(([truth], i) => {
    const belief = beliefs[i] ?? [];
    return classes[belief.indexOf(Math.max(...belief))] === truth;
  });
  return right.length / items.length;
}

interface Spread {
  readonly mean: number;
  /** Of the mean. */
  readonly error: number;
}

function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  const variance = values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (values.length - 1);
  return { mean, error: Math.sqrt(variance / values.length) };
}

/** Three standard errors: a one-sided bound that chance breaks once in 741 times; the seeds are fixed, so it is always or never. */
const errors = 3;

/** Crews drawn by chance: three to eight parties that are right in 40 to 95 of 100 cases. */
const drawn = Array.from({ length: isLong ? 100 : 12 }, (_, i) => {
  const random = seededRandom(1_000 + i);
  return Array.from({ length: 3 + Math.floor(random.unit() * 6) }, () => 0.4 + 0.55 * random.unit());
});

describe('learned weights', () => {
  const samples = drawn.flatMap((crew, c) =>
    Array.from({ length: isLong ? 20 : 4 }, (_, s) => draw(1_000 * c + s, crew)),
  );

  it('are better than the majority on the whole of many data sets: so is even the lower bound of the mean gain', () => {
    const { mean, error } = spreadOf(
      samples.map((sample) => accuracyWith(sample, learnedFrom(sample)) - accuracyWith(sample, {})),
    );
    expect(mean - errors * error).toBeGreaterThan(0);
  });

  it('come within two points of the whole model of Dawid and Skene, which may learn a table for each party', () => {
    const few = samples.filter((_, i) => i % (isLong ? 5 : 2) === 0);
    const { mean, error } = spreadOf(
      few.map((sample) => accuracyWith(sample, learnedFrom(sample)) - dawidSkene(sample)),
    );
    expect(mean - errors * error).toBeGreaterThan(-0.02);
  });

  it.each([
    [3, 0.5],
    [3, 0.6],
    [5, 0.5],
    [7, 0.6],
    [3, 0.8],
    [5, 0.7],
  ])('of %i parties that are all right in %d of the cases cost next to nothing', (size, accuracy) => {
    const crew = Array.from({ length: size }, () => accuracy);
    const gains = Array.from({ length: isLong ? 150 : 8 }, (_, s) => {
      const sample = draw(7_000 + s, crew);
      return accuracyWith(sample, learnedFrom(sample)) - accuracyWith(sample, {});
    });
    const { mean } = spreadOf(gains);
    expect(mean).toBeGreaterThan(-0.005);
  });
});
