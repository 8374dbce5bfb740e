/**
 * The genetic strategy: a search for the value whose worth to all, Σ w · utility, is greatest. Pure, by its seed.
 *
 * A population of the preferences and of samples from the range; the next generation keeps the best one, and fills up with children of
 * parents picked by tournaments of three: of numbers a blend, of records each key from one of them, of anything else one of the
 * two; a mutation moves a number by a tenth of its span (normal), or takes another value that somebody wants.
 *
 * G1  The result is worth at least as much as the best preference: all are in the first population, and the best is kept.
 */
import type { Json } from '@mabeam/variables';
import { canonicalText, isRecord } from './canonical.ts';
import { inOrder, totalWeight, type Position } from './position.ts';
import { seededRandom, type Random } from './random.ts';
import { endWith, hasPreference, type Settlement, type Strategy } from './strategy.ts';
import type { Terms } from './terms.ts';
import { fieldsOf, spanOf, utilityOf } from './utility.ts';
import { fitValue, readable, type ValueRange } from './value-range.ts';

/** The strategy. */
export function genetic(): Strategy {
  return {
    name: 'genetic',
    opening: 'prefer',
    isReady: hasPreference,
    settle: (positions, terms) => endWith(search(inOrder(positions), terms)),
  };
}

/** Someone of the population: a value that fits, with its worth. */
interface Creature {
  readonly value: Json;
  readonly text: string;
  readonly fitness: number;
}

/** What the search knows of the ground it searches. */
interface Ground {
  readonly range: ValueRange;
  /** The preferences, and the values listed in the range. */
  readonly wanted: readonly Json[];
  readonly random: Random;
  readonly terms: Terms;
  readonly born: (value: Json) => Creature | undefined;
}

function search(positions: readonly Position[], terms: Terms): Settlement {
  const ground = groundOf(positions.filter(hasPreference), terms);
  let population = firstPopulation(ground);
  let [best] = population;
  if (best === undefined) return { kind: 'no-feasible-value' };
  const { generations, stagnation } = terms.genetic;
  let [generation, idle] = [0, 0];
  for (; generation < generations && idle < stagnation; generation++) {
    population = nextGeneration([best, ...population.slice(1)], ground);
    const next: Creature = population[0] ?? best;
    idle = next.fitness > best.fitness ? 0 : idle + 1;
    best = next;
  }
  return {
    kind: 'agreed',
    value: best.value,
    rounds: 0,
    details: { fitness: best.fitness, generations: generation },
  };
}

function groundOf(positions: readonly (Position & { readonly preferred: Json })[], terms: Terms): Ground {
  const { range } = terms;
  const peers = positions.map(({ preferred }) => preferred);
  const total = totalWeight(positions);
  const known = new Map<string, Creature>();
  const born = (value: Json): Creature | undefined => {
    const fitted = fitValue(value, range);
    if (fitted === undefined) return undefined;
    const text = canonicalText(fitted);
    const worth = (position: Position): number =>
      (position.weight / total) * utilityOf(position, fitted, peers, range);
    const creature = known.get(text) ?? {
      value: fitted,
      text,
      fitness: positions.reduce((sum, position) => sum + worth(position), 0),
    };
    known.set(text, creature);
    return creature;
  };
  return { range, wanted: [...peers, ...(range.enum ?? [])], random: seededRandom(terms.seed), terms, born };
}

/** All preferences and listed values that fit, and samples up to the size of the population; the best first. */
function firstPopulation(ground: Ground): readonly Creature[] {
  const { wanted, terms } = ground;
  const texts = new Map(wanted.flatMap((value) => ground.born(value) ?? []).map((one) => [one.text, one]));
  const first = [...texts.values()];
  const [seed, ...others] = first;
  if (seed === undefined) return [];
  const samples = Array.from({ length: Math.max(0, terms.genetic.population - first.length) }, () =>
    ground.born(sample(ground.random.pick([seed, ...others]).value, wanted, ground)),
  );
  return [...first, ...samples.filter((one) => one !== undefined)].toSorted(byFitness);
}

type Population = readonly [Creature, ...Creature[]];

function nextGeneration(population: Population, ground: Ground): readonly Creature[] {
  const { random, wanted, terms } = ground;
  const size = Math.max(terms.genetic.population, population.length);
  const children = Array.from({ length: size - 1 }, () => {
    const [mother, father] = [tournament(population, random), tournament(population, random)];
    const child = cross(mother.value, father.value, random);
    return ground.born(mutate(child, wanted, ground)) ?? mother;
  });
  return [population[0], ...children].toSorted(byFitness);
}

/** The best of three. */
function tournament(population: Population, random: Random): Creature {
  const three = [random.pick(population), random.pick(population), random.pick(population)] as const;
  return three.reduce((best, one) => (byFitness(one, best) < 0 ? one : best));
}

/** A child of two values; a blend may lie a quarter beyond either. */
function cross(mother: Json, father: Json, random: Random): Json {
  if (typeof mother === 'number' && typeof father === 'number')
    return readable(mother + (1.5 * random.unit() - 0.25) * (father - mother));
  if (!isRecord(mother) || !isRecord(father)) return random.unit() < 0.5 ? mother : father;
  const keys = [...new Set([...Object.keys(mother), ...Object.keys(father)])].toSorted();
  const genes = keys.flatMap((key) => {
    const [left, right] = [mother[key], father[key]];
    const gene = left === undefined || right === undefined ? (left ?? right) : cross(left, right, random);
    return gene === undefined ? [] : [[key, gene] as const];
  });
  return Object.fromEntries(genes);
}

function mutate(value: Json, peers: readonly Json[], ground: Ground, range: ValueRange = ground.range): Json {
  const { random, terms } = ground;
  if (isRecord(value)) {
    const genes = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(
      genes.map(([key, gene]) => [key, mutate(gene, fieldsOf(peers, key), ground, {})]),
    );
  }
  if (random.unit() >= terms.genetic.mutationRate) return value;
  if (typeof value !== 'number') return sample(value, peers, ground, range);
  const [low, high] = spanOf([...peers, value], range);
  return readable(value + 0.1 * (high - low) * random.normal());
}

/** Another value of the same kind: a number from the span, anything else from what is wanted. */
function sample(value: Json, peers: readonly Json[], ground: Ground, range: ValueRange = ground.range): Json {
  const { random } = ground;
  if (isRecord(value)) {
    const genes = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(
      genes.map(([key, gene]) => [key, sample(gene, fieldsOf(peers, key), ground, {})]),
    );
  }
  if (typeof value !== 'number') return random.pick([value, ...peers]);
  const [low, high] = spanOf([...peers, value], range);
  return readable(low + random.unit() * (high - low));
}

/** The fitter first, of equals the one whose text comes first: whatever the order they were born in. */
function byFitness(a: Creature, b: Creature): number {
  return b.fitness - a.fitness || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0);
}
