/** Whoever is named first, and whoever is named twice: it makes no difference, and is not possible. */
import { createIdentity, digestOf } from '@mabeam/bus';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { paperDigest, voteAlgorithms, writePaper } from '../consensus/paper.ts';
import { committeeOfPaper, writePbftPaper } from '../consensus/pbft/paper.ts';
import { partiesOf } from './electorate.ts';
import { totalWeight, type Position } from './position.ts';
import { strategyNamed, strategyNames, type StrategyName } from './strategies.ts';
import { settleGiven } from './strategy.ts';
import { termsOf, type TermOptions } from './terms.ts';

const isLong = process.env['MABEAM_LONG'] === '1';

const names = ['ada', 'bob', 'cyd', 'dan', 'eve'] as const;
const keys = new Map(names.map((party) => [party, createIdentity().publicKey]));
const keyOf = (party: (typeof names)[number]): string => keys.get(party) ?? '';
const shuffled = fc.shuffledSubarray([...names], { minLength: names.length });

test.prop([shuffled], { numRuns: 30 })(
  'the order of an electorate makes no other ballot paper, and no other committee',
  (order) => {
    const parts = { space: 's', round: 'r', alternatives: [1, 2] };
    const electorate = (all: readonly (typeof names)[number][]): { party: string; key: string }[] =>
      all.map((party) => ({ party, key: keyOf(party) }));
    for (const algorithm of voteAlgorithms) {
      const paper = (all: readonly (typeof names)[number][]): string =>
        paperDigest(writePaper({ ...parts, algorithm, electorate: electorate(all) }));
      expect(paper(order)).toBe(paper(names));
    }
    const pbft = (all: readonly (typeof names)[number][]): ReturnType<typeof writePbftPaper> =>
      writePbftPaper({ ...parts, faults: 1, viewMs: 100, electorate: electorate(all) });
    expect(digestOf(pbft(order))).toBe(digestOf(pbft(names)));
    expect(committeeOfPaper(pbft(order)).members).toEqual(names);
  },
);

it('nobody is named twice, in any protocol: neither a name nor, where there are keys, a key', () => {
  const twice = expect.objectContaining({ code: 'duplicate-participants' });
  const [ada, bob, cyd, dan] = names.map((party) => ({ party, key: keyOf(party) }));
  if (ada === undefined || bob === undefined || cyd === undefined || dan === undefined)
    throw new Error('four');
  const parts = { space: 's', round: 'r', alternatives: [1] };
  for (const electorate of [
    [ada, bob, cyd, dan, ada],
    [ada, bob, cyd, { ...dan, key: ada.key }],
  ]) {
    for (const algorithm of voteAlgorithms)
      expect(() => writePaper({ ...parts, algorithm, electorate })).toThrow(twice);
    expect(() => writePbftPaper({ ...parts, faults: 1, viewMs: 100, electorate })).toThrow(twice);
  }
  expect(() => partiesOf([{ party: 'ada' }, { party: 'bob' }, { party: 'ada' }], {})).toThrow(twice);
});

const forms: readonly (readonly [StrategyName, TermOptions])[] = [
  ...strategyNames.map((name) => [name, {}] as const),
  ...(['second-price', 'english', 'dutch', 'combinatorial'] as const).map(
    (form) => ['auction', { auction: { form } }] as const,
  ),
  ['auction', { auction: { form: 'combinatorial', exactUpTo: 0 } }],
];
const stance = fc.record({
  preferred: fc.oneof(
    fc.integer({ min: 0, max: 40 }).map((n) => n / 4),
    fc.constantFrom('red', 'blue'),
  ),
  weight: fc.constantFrom(0.5, 1, 1, 2),
  priority: fc.constantFrom(0, 0, 1),
  stubbornness: fc.constantFrom(0, 0.5, 1),
  bid: fc.integer({ min: 0, max: 9 }).map((n) => n / 10),
  bundles: fc.array(
    fc.record({
      items: fc.subarray(['i', 'j', 'k'], { minLength: 1 }),
      amount: fc.integer({ min: 0, max: 9 }),
    }),
    { maxLength: 3 },
  ),
  orders: fc
    .record({
      side: fc.constantFrom('buy' as const, 'sell' as const),
      price: fc.integer({ min: 0, max: 9 }),
      quantity: fc.integer({ min: 1, max: 5 }),
    })
    .map((order) => [order]),
});
const positions = fc
  .array(stance, { minLength: 1, maxLength: 7 })
  .map((all) => all.map((one, i): Position => ({ party: `p${i}`, credit: Infinity, ...one })));

describe.each(forms)('%s %j', (name, terms) => {
  const numRuns = isLong ? (name === 'genetic' ? 1_000 : 10_000) : name === 'genetic' ? 10 : 60;
  test.prop(
    [
      positions.chain((all) =>
        fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
      ),
    ],
    { numRuns },
  )('settles the same whoever is named first', ([all, order]) => {
    const settle = (those: readonly Position[]): unknown =>
      settleGiven(strategyNamed(name), those, termsOf(terms, totalWeight(those)));
    expect(settle(order)).toEqual(settle(all));
  });
});
