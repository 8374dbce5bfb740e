/**
 * The conformance suite of negotiation strategies: what each of ours keeps, and a strategy of one's own should.
 *
 *   for (const { name, run } of negotiationConformance(myStrategy())) test(name, run);
 *
 * Cases are pure and seeded; a case throws when the strategy breaks it, with the positions on which it does.
 */
import { deepStrictEqual, notStrictEqual, ok } from 'node:assert/strict';
import { isJson, type Json } from '@mabeam/variables';
import { totalWeight, type Position, type Stance } from '../negotiation/position.ts';
import { seededRandom, type Random } from '../negotiation/random.ts';
import {
  settleGiven,
  usualAnswers,
  type Answer,
  type Answers,
  type Asked,
  type Settlement,
  type Strategy,
} from '../negotiation/strategy.ts';
import { termsOf, type TermOptions } from '../negotiation/terms.ts';
import { fitValue, type ValueRange } from '../negotiation/value-range.ts';

/** One thing that is true of a strategy, or `run` throws. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: () => void;
}

/** How the suite is run. */
export interface NegotiationConformanceOptions {
  /** Terms beside the range and the seed. */
  readonly terms?: TermOptions;
  /** Random profiles a case. Default 40. */
  readonly runs?: number;
  /** Seed of the profiles. Default 1. */
  readonly seed?: number;
  /** What a party of a profile says; by default enough for each of our strategies. */
  readonly stance?: (random: Random, wish: Json) => Stance;
}

/** More questions than any proceeding needs; one that asks on does not end. */
const mostSteps = 20_000;

const ranges: readonly [ValueRange, ...ValueRange[]] = [
  {},
  { min: 2, max: 8 },
  { min: 0, max: 10, step: 0.5 },
  { enum: [1, 4, 9, 'red', 'blue'] },
];

interface Profile {
  readonly positions: readonly Position[];
  readonly terms: TermOptions;
}

/** The cases a strategy must pass. */
export function negotiationConformance(
  strategy: Strategy,
  options: NegotiationConformanceOptions = {},
): readonly ConformanceCase[] {
  const each = (check: (profile: Profile, random: Random) => void) => (): void => {
    const random = seededRandom(options.seed ?? 1);
    for (let i = 0; i < (options.runs ?? 40); i++) check(profileOf(random, options), random);
  };
  const settle = ({ positions, terms }: Profile): Settlement =>
    settleGiven(strategy, positions, termsOf(terms, totalWeight(positions)));
  const cases: Readonly<Record<string, (profile: Profile, random: Random) => void>> = {
    'the order of the positions changes nothing': (profile, random) => {
      const positions = shuffled(profile.positions, random);
      deepStrictEqual(settle({ ...profile, positions }), settle(profile), show(profile));
    },
    'what is agreed on lies in the range, and is JSON': (profile) => {
      const settlement = settle(profile);
      if (settlement.kind !== 'agreed') return;
      ok(isJson(settlement.value), show(profile));
      const fitted = fitValue(settlement.value, profile.terms.constraints ?? {});
      deepStrictEqual(fitted, settlement.value, show(profile));
    },
    'nothing is agreed on where no value is allowed': (profile) => {
      const terms = { ...profile.terms, constraints: { min: 1, max: 0 } };
      notStrictEqual(settle({ ...profile, terms }).kind, 'agreed', show(profile));
    },
    'the same seed gives the same settlement': (profile) =>
      deepStrictEqual(settle(profile), settle(profile), show(profile)),
    'the positions handed in stay as they are': (profile) => {
      const before = structuredClone(profile.positions);
      settle(profile);
      deepStrictEqual(profile.positions, before);
    },
    'payments and shares are finite numbers of parties': (profile) => assertBooks(settle(profile), profile),
    'a party that never answers does not stop it': (profile, random) => {
      const [first, ...rest] = profile.positions;
      if (first === undefined) return;
      const silent = random.pick([first, ...rest]).party;
      converse(strategy, profile, (to, answer) => (to === silent ? undefined : answer));
    },
    'it ends although nobody ever answers': (profile) => {
      converse(strategy, profile, () => undefined);
    },
    'it ends whatever is answered': (profile, random) => {
      converse(strategy, profile, () => anyAnswer(random));
    },
  };
  return Object.entries(cases).map(([name, check]) => ({
    name: `${strategy.name}: ${name}`,
    run: each(check),
  }));
}

/** Runs a proceeding whose parties answer what `reply` makes of the usual answer. */
function converse(
  strategy: Strategy,
  { positions, terms }: Profile,
  reply: (to: string, usual: Answer | undefined) => Answer | undefined,
): Settlement {
  const proceeding = strategy.settle(positions, termsOf(terms, totalWeight(positions)));
  let step = proceeding.next();
  for (let steps = 0; step.done !== true; steps++) {
    ok(steps < mostSteps, `it asked ${mostSteps} times and has not ended`);
    step = proceeding.next(answersTo(step.value, reply));
  }
  const settlement = step.value;
  if (settlement.kind === 'agreed') ok(isJson(settlement.value), show({ positions, terms }));
  return settlement;
}

function answersTo(
  asked: readonly Asked[],
  reply: (to: string, usual: Answer | undefined) => Answer | undefined,
): Answers {
  const usual = usualAnswers(asked);
  return new Map(
    asked.flatMap(({ to }) => {
      const answer = reply(to, usual.get(to));
      return answer === undefined ? [] : [[to, answer] as const];
    }),
  );
}

function assertBooks(settlement: Settlement, profile: Profile): void {
  if (settlement.kind !== 'agreed') return;
  const parties = new Set(profile.positions.map(({ party }) => party));
  const { payments = {}, budgets = {}, satisfaction = {}, allocation = {}, winner } = settlement;
  for (const [party, amount] of [payments, budgets, satisfaction].flatMap((book) => Object.entries(book)))
    ok(parties.has(party) && Number.isFinite(amount), show(profile));
  ok(
    Object.keys(allocation).every((party) => parties.has(party)),
    show(profile),
  );
  ok(winner === undefined || parties.has(winner), show(profile));
  ok(
    Object.values(satisfaction).every((part) => part >= 0 && part <= 1),
    show(profile),
  );
}

function profileOf(random: Random, options: NegotiationConformanceOptions): Profile {
  const count = 1 + Math.floor(random.unit() * 9);
  const kind = random.pick(['numbers', 'words', 'both'] as const);
  const wish = (): Json => {
    const isWord = kind === 'words' || (kind === 'both' && random.unit() < 0.5);
    return isWord ? random.pick(['red', 'blue', 'green'] as const) : Math.floor(random.unit() * 41) / 4;
  };
  const positions = Array.from({ length: count }, (_, i): Position => {
    const party = `p${String.fromCodePoint(97 + ((i * 5) % 26))}`;
    const [weight, priority] = [random.pick([1, 1, 2, 0.3] as const), random.pick([0, 0, 1] as const)];
    const stance = (options.stance ?? usualStance)(random, wish());
    return { party, weight, priority, credit: Infinity, ...stance };
  });
  const constraints = random.pick(ranges);
  const seed = Math.floor(random.unit() * 1_000);
  return { positions, terms: { ...options.terms, seed, constraints } };
}

/** Enough for each of our strategies. */
function usualStance(random: Random, preferred: Json): Stance {
  const amount = (): number => Math.floor(random.unit() * 20);
  const items = ['a', 'b', 'c'].filter(() => random.unit() < 0.6);
  const side = random.pick(['buy', 'sell'] as const);
  return {
    preferred,
    bid: amount() / 10,
    stubbornness: random.pick([0, 0.5, 1] as const),
    bundles: items.length === 0 ? [] : [{ items, amount: amount() }],
    orders: [{ side, price: amount(), quantity: 1 + amount() }],
  };
}

function anyAnswer(random: Random): Answer | undefined {
  const value = random.pick<Json>([3, 7.25, 'red', null, -1]);
  return random.pick<Answer | undefined>([
    undefined,
    { kind: 'accept' },
    { kind: 'decline' },
    { kind: 'counter', value },
    { kind: 'decision', value },
    { kind: 'object', value },
  ]);
}

/** The same items in an order by chance. */
export function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  return items
    .map((item) => ({ item, place: random.unit() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

function show(profile: Profile): string {
  return `with ${JSON.stringify(profile)}`;
}
