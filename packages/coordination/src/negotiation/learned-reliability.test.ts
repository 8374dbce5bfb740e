import { describe, expect, test } from 'vitest';
import { learnReliabilities, reliabilityFactors, type Judgement } from './learned-reliability.ts';
import { seededRandom } from './random.ts';
import { campsOf } from './average.ts';

const classes = ['x', 'y', 'z'] as const;

interface Sample {
  readonly judgements: readonly Judgement[];
  readonly truths: ReadonlyMap<string, string>;
}

/** Items judged by parties of known accuracy, who err independently. */
function draw(seed: number, accuracies: readonly number[], items = 200): Sample {
  const random = seededRandom(seed);
  const truths = new Map(Array.from({ length: items }, (_, i) => [`i${i}`, random.pick(classes)]));
  const judgements = [...truths].flatMap(([item, truth]) =>
    accuracies.map((accuracy, i) => {
      const [first = truth, ...wrong] = classes.filter((one) => one !== truth);
      const value = random.unit() < accuracy ? truth : random.pick([first, ...wrong]);
      return { item, party: `p${i}`, value };
    }),
  );
  return { judgements, truths };
}

/** How often the weighted plurality is right. */
function accuracyWith({ judgements, truths }: Sample, factors: Readonly<Record<string, number>>): number {
  const items = Map.groupBy(judgements, ({ item }) => item);
  const right = [...items].filter(([item, said]) => {
    const wishes = said.map(({ party, value }) => ({
      party,
      value,
      priority: 0,
      weight: factors[party] ?? 1,
    }));
    return campsOf(wishes)[0]?.value === truths.get(item);
  });
  return right.length / items.size;
}

const seeds = Array.from({ length: process.env['MABEAM_LONG'] === '1' ? 200 : 20 }, (_, i) => i + 1);
const crews = [
  [0.9, 0.6, 0.55, 0.5, 0.45],
  [0.95, 0.9, 0.4, 0.4, 0.4, 0.4, 0.4],
  [0.7, 0.7, 0.7, 0.7],
] as const;

describe('of categories', () => {
  test.each(crews.map((crew) => ({ crew })))(
    'what was learned is never below the majority by more than chance: $crew',
    ({ crew }) => {
      const gains = seeds.map((seed) => {
        const sample = draw(seed, crew);
        const factors = reliabilityFactors(learnReliabilities(sample.judgements));
        return accuracyWith(sample, factors) - accuracyWith(sample, {});
      });
      const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
      const variance = gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / (gains.length - 1);
      expect(mean).toBeGreaterThanOrEqual(-3 * Math.sqrt(variance / gains.length));
    },
  );

  test('two that know among five that guess are found out', () => {
    const sample = draw(7, [0.95, 0.95, 0.35, 0.35, 0.35, 0.35, 0.35]);
    const learned = learnReliabilities(sample.judgements);
    expect(learned['p0']?.accuracy).toBeCloseTo(0.95, 1);
    expect(learned['p4']?.accuracy).toBeCloseTo(0.35, 1);
    expect(accuracyWith(sample, reliabilityFactors(learned))).toBeGreaterThan(accuracyWith(sample, {}) + 0.1);
  });

  test('the order of the judgements changes nothing', () => {
    const { judgements } = draw(3, [0.9, 0.6, 0.5]);
    expect(learnReliabilities(judgements.toReversed())).toEqual(learnReliabilities(judgements));
  });

  test('a few judgements do not say much', () => {
    const few = learnReliabilities([
      { item: 'i', party: 'a', value: 'x' },
      { item: 'i', party: 'b', value: 'x' },
      { item: 'i', party: 'c', value: 'y' },
    ]);
    expect(few['c']?.factor).toBeGreaterThan(0.3);
  });
});

test('of numbers, who errs little counts more', () => {
  const random = seededRandom(5);
  const judgements = Array.from({ length: 100 }, (_, i) =>
    [0.1, 1, 2].map((spread, p) => ({ item: `i${i}`, party: `p${p}`, value: i + spread * random.normal() })),
  ).flat();
  const factors = reliabilityFactors(learnReliabilities(judgements, { values: 'numbers' }));
  expect(factors['p0']).toBeGreaterThan(5 * (factors['p1'] ?? 0));
  expect(factors['p1']).toBeGreaterThan(2 * (factors['p2'] ?? 0));
});

test('nothing judged, nothing learned', () => {
  expect(learnReliabilities([])).toEqual({});
});
