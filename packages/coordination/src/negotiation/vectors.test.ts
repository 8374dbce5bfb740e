/** Cases with known answers: of the design of negotiation, and of textbooks, retyped with their source. */
import type { Json } from '@mabeam/variables';
import { describe, expect, test } from 'vitest';
import { totalWeight, type Position, type Stance } from './position.ts';
import { strategyNamed, type StrategyName } from './strategies.ts';
import { settleGiven, type Settlement } from './strategy.ts';
import { termsOf, type TermOptions } from './terms.ts';

type Given = Stance & { readonly weight?: number; readonly priority?: number; readonly credit?: number };

function settle(
  strategy: StrategyName,
  parties: Readonly<Record<string, Given>>,
  options: TermOptions = {},
): Settlement {
  const positions = Object.entries(parties).map(([party, given]): Position => ({
    party,
    weight: 1,
    priority: 0,
    credit: Infinity,
    ...given,
  }));
  return settleGiven(strategyNamed(strategy), positions, termsOf(options, totalWeight(positions)));
}

const temperatures = {
  coder: { preferred: 0.1, weight: 0.4 },
  creative: { preferred: 1.2, weight: 0.3 },
  reviewer: { preferred: 0.3, weight: 0.3 },
};

describe('weighted consensus', () => {
  test('0.1 · 0.4 + 1.2 · 0.3 + 0.3 · 0.3 is 0.49, to the digit', () => {
    const constraints = { min: 0, max: 2 };
    expect(settle('weighted-consensus', temperatures, { constraints })).toMatchObject({ value: 0.49 });
  });

  test('a minimum of 0.6 lifts 0.49 to 0.6, a step of 0.2 moves it to 0.4', () => {
    expect(settle('weighted-consensus', temperatures, { constraints: { min: 0.6 } })).toMatchObject({
      value: 0.6,
    });
    expect(settle('weighted-consensus', temperatures, { constraints: { step: 0.2 } })).toMatchObject({
      value: 0.4,
    });
  });

  test.each([
    [1e300, 1e300],
    [5e-324, 0.4],
    [1e-320, 1e-10],
    [5e-324, 1e300],
  ])('weights of %d and reliabilities of %d count as equal ones', (weight, factor) => {
    const names = ['a', 'b', 'c'];
    const reliabilities = Object.fromEntries(names.map((party) => [party, factor]));
    const of = (values: readonly Json[]): Settlement => {
      const parties = names.map((party, i) => [party, { weight, preferred: values[i] ?? null }]);
      return settle('weighted-consensus', Object.fromEntries(parties), { reliabilities });
    };
    expect(of([1, 2, 6])).toMatchObject({ value: 3 });
    expect(of(['x', 'y', 'y'])).toMatchObject({ value: 'y' });
  });

  test('words are not averaged: most of the weight has its word taken', () => {
    const parties = { a: { preferred: 'red' }, b: { preferred: 'blue', weight: 3 }, c: { preferred: 'red' } };
    expect(settle('weighted-consensus', parties)).toMatchObject({ value: 'blue' });
  });

  test('words that weigh the same: the larger priority, then the heavier party, then the first id', () => {
    const even = { b: { preferred: 'blue' }, a: { preferred: 'red' } };
    expect(settle('weighted-consensus', even)).toMatchObject({ value: 'red' });
    const ranked = { ...even, b: { preferred: 'blue', priority: 1 } };
    expect(settle('weighted-consensus', ranked)).toMatchObject({ value: 'blue' });
    const heavy = { b: { preferred: 'blue', weight: 2 }, a: { preferred: 'red' }, c: { preferred: 'red' } };
    expect(settle('weighted-consensus', heavy)).toMatchObject({ value: 'blue' });
  });
});

describe('auction', () => {
  const three = {
    coder: { preferred: 0.1, bid: 5 },
    creative: { preferred: 1.2, bid: 8, maxBid: 10 },
    reviewer: { preferred: 0.3, bid: 3 },
  };
  const numbered = {
    agent1: { preferred: 0.3, bid: 10 },
    agent2: { preferred: 0.9, bid: 15 },
    agent3: { preferred: 0.5, bid: 12 },
  };

  test('bids 5, 8, 3 by second price: creative has 1.2 for 5, of its budget of 10 five are left', () => {
    expect(settle('auction', three, { auction: { payment: 'second-price' } })).toEqual({
      kind: 'agreed',
      value: 1.2,
      rounds: 0,
      winner: 'creative',
      payments: { creative: 5 },
      budgets: { creative: 5 },
    });
  });

  test('bids 10, 15, 12: agent2 has 0.9, for 15 by first price and for 12 by second', () => {
    expect(settle('auction', numbered)).toMatchObject({ value: 0.9, payments: { agent2: 15 } });
    expect(settle('auction', numbered, { auction: { form: 'second-price' } })).toMatchObject({
      value: 0.9,
      payments: { agent2: 12 },
    });
  });

  test('a single bidder pays the reserve by second price, and nobody wins below it', () => {
    const lone = { a: { preferred: 1, bid: 5 } };
    const at = (reserve: number): Settlement =>
      settle('auction', lone, { auction: { form: 'second-price', reserve } });
    expect(at(2)).toMatchObject({ payments: { a: 2 } });
    expect(at(6)).toEqual({ kind: 'no-winner', reserve: 6 });
  });

  test('a bid counts no more than the budget', () => {
    const parties = { a: { preferred: 1, bid: 9, maxBid: 3 }, b: { preferred: 2, bid: 4 } };
    expect(settle('auction', parties)).toMatchObject({ winner: 'b' });
  });

  test('the English clock stops when one is left, which pays what the other would not', () => {
    const parties = { a: { preferred: 1, bid: 0.75 }, b: { preferred: 2, bid: 0.32 } };
    expect(settle('auction', parties, { auction: { form: 'english' } })).toMatchObject({
      winner: 'a',
      payments: { a: 0.4 },
    });
  });

  test('the English clock does not rise for a single bidder', () => {
    const parties = { a: { preferred: 1, bid: 0.75 } };
    expect(settle('auction', parties, { auction: { form: 'english' } })).toMatchObject({
      payments: { a: 0 },
    });
  });

  test('who outlasts the ten rises of the English clock together: the first id has it at the last price', () => {
    const parties = { b: { preferred: 1, bid: 9 }, a: { preferred: 2, bid: 9 } };
    expect(settle('auction', parties, { auction: { form: 'english' } })).toMatchObject({
      winner: 'a',
      payments: { a: 1 },
    });
  });

  test('the Dutch clock falls to the first limit, and ends at the reserve', () => {
    const parties = { a: { preferred: 1, bid: 0.75 }, b: { preferred: 2, bid: 0.32 } };
    expect(settle('auction', parties, { auction: { form: 'dutch' } })).toMatchObject({
      winner: 'a',
      payments: { a: 0.7 },
      rounds: 4,
    });
    const high = { form: 'dutch', reserve: 0.8 } as const;
    expect(settle('auction', parties, { auction: high })).toEqual({ kind: 'no-winner', reserve: 0.8 });
  });
});

/** github clu8/CombinatorialAuctions, test_auctions.py: values only; of the bids of one bidder at most one wins. */
const bundleCases = [
  {
    bids: [
      [
        [[1], 3],
        [[2], 3],
      ],
      [
        [[1], 4],
        [[2], 4],
      ],
      [[[1, 2, 3, 4], 100]],
    ],
    expected: [
      [[], 0],
      [[], 0],
      [[1, 2, 3, 4], 7],
    ],
  },
  {
    bids: [
      [
        [[1], 6],
        [[1, 2], 6],
      ],
      [[[1, 2], 8]],
      [
        [[1, 2], 5],
        [[2], 5],
      ],
    ],
    expected: [
      [[1], 3],
      [[], 0],
      [[2], 2],
    ],
  },
  {
    bids: [
      [
        [[1], 4],
        [[1, 2], 7],
        [[2], 3],
      ],
      [[[1, 2], 8]],
    ],
    expected: [
      [[], 0],
      [[1, 2], 7],
    ],
  },
] as const;

describe('bundles', () => {
  test.each(bundleCases)(
    'the award and the payments of Vickrey, Clarke and Groves: $bids',
    ({ bids, expected }) => {
      const parties = Object.fromEntries(
        bids.map((of, i) => [
          `p${i}`,
          { bundles: of.map(([items, amount]) => ({ items: items.map(String), amount })) },
        ]),
      );
      const won = expected.flatMap(([items, pays], i) =>
        items.length === 0 ? [] : [{ party: `p${i}`, items, pays }],
      );
      expect(settle('auction', parties, { auction: { form: 'combinatorial' } })).toMatchObject({
        value: Object.fromEntries(won.map(({ party, items }) => [party, items.map(String)])),
        payments: Object.fromEntries(won.map(({ party, pays }) => [party, pays])),
        details: { exact: true },
      });
    },
  );

  test('more than twelve bids are awarded greedily, and the winner pays what the first displaced one sets', () => {
    const single = (amount: number): Given => ({ bundles: [{ items: ['x'], amount }] });
    const parties = Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`p${i + 10}`, single(i + 1)]));
    expect(settle('auction', parties, { auction: { form: 'combinatorial' } })).toMatchObject({
      payments: { p22: 12 },
      details: { exact: false },
    });
  });
});

describe('consensus', () => {
  test('two that never move are deadlocked after five rounds', () => {
    const parties = { a: { preferred: 0, stubbornness: 1 }, b: { preferred: 1, stubbornness: 1 } };
    const deadlock = { kind: 'deadlocked', rounds: 5 };
    expect(settle('consensus', parties, { maxRounds: 5 })).toMatchObject(deadlock);
    const words = { a: { preferred: 'x', stubbornness: 1 }, b: { preferred: 'y', stubbornness: 1 } };
    expect(settle('consensus', words, { maxRounds: 5 })).toMatchObject(deadlock);
  });

  test('two that move halfway meet in the middle: a hundredth apart after seven rounds', () => {
    const parties = { a: { preferred: 0 }, b: { preferred: 1 } };
    expect(settle('consensus', parties)).toEqual({ kind: 'agreed', value: 0.5, rounds: 7 });
  });

  test('one that never moves is met where it stands', () => {
    const parties = { a: { preferred: 4, stubbornness: 1 }, b: { preferred: 8 }, c: { preferred: 6 } };
    const settlement = settle('consensus', parties, { maxRounds: 30 });
    expect(settlement).toMatchObject({ kind: 'agreed', value: expect.closeTo(4, 1) });
    const open = { a: { preferred: 0, stubbornness: 0 }, b: { preferred: 1, stubbornness: 0 } };
    expect(settle('consensus', open)).toEqual({ kind: 'agreed', value: 0.5, rounds: 1 });
  });

  test('nobody is moved further than it accepts', () => {
    const parties = { a: { preferred: 0, max: 0.2 }, b: { preferred: 1, stubbornness: 1 } };
    expect(settle('consensus', parties)).toMatchObject({ kind: 'deadlocked', values: { a: 0.2, b: 1 } });
  });

  test('the least wanted word is out, and its camp decides between the others', () => {
    const parties = {
      a: { preferred: 'x', weight: 4 },
      b: { preferred: 'y', weight: 3.5 },
      c: {
        preferred: 'z',
        weight: 2,
        utility: {
          points: [
            { value: 'z', utility: 1 },
            { value: 'y', utility: 0.5 },
          ],
        },
      },
    };
    expect(settle('consensus', parties)).toEqual({ kind: 'agreed', value: 'y', rounds: 1 });
  });
});

describe('hierarchy', () => {
  test('by itself the coordinator takes the weighted mean of all, through however many levels', () => {
    const parties = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`p${i + 10}`, { preferred: i, weight: 1 + (i % 3) }]),
    );
    const mean = settle('weighted-consensus', parties);
    const value: unknown = expect.closeTo(mean.kind === 'agreed' ? Number(mean.value) : Number.NaN, 9);
    expect(settle('hierarchical', parties)).toMatchObject({ value, details: { levels: 3 } });
  });

  test('the levels are no more than allowed', () => {
    const parties = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`p${i + 10}`, { preferred: i }]),
    );
    const flat = settle('hierarchical', parties, { hierarchy: { maxLevels: 1 } });
    expect(flat).toMatchObject({ details: { levels: 1 } });
  });

  test('the larger priority coordinates', () => {
    const parties = { a: { preferred: 1 }, b: { preferred: 2, priority: 3 } };
    expect(settle('hierarchical', parties)).toMatchObject({ details: { decidedBy: 'b' } });
  });
});

describe('market', () => {
  const buy = (price: number, quantity = 1): Given => ({ orders: [{ side: 'buy', price, quantity }] });
  const sell = (price: number, quantity = 1): Given => ({ orders: [{ side: 'sell', price, quantity }] });

  test('all trade at one price where supply and demand cross', () => {
    const parties = { a: buy(10), b: buy(8), c: buy(4), d: sell(3), e: sell(5), f: sell(9) };
    expect(settle('market-based', parties)).toMatchObject({
      value: 6.5,
      allocation: { a: 1, b: 1, d: -1, e: -1 },
      payments: { a: 6.5, b: 6.5, d: -6.5, e: -6.5 },
      satisfaction: { a: 1, c: 0 },
    });
  });

  test('who is left with some of an order must not wish to trade on: the price is its limit', () => {
    expect(settle('market-based', { a: buy(5, 10), b: sell(3, 4) })).toMatchObject({
      value: 5,
      allocation: { a: 4 },
    });
    expect(settle('market-based', { a: buy(5, 4), b: sell(3, 10) })).toMatchObject({
      value: 3,
      allocation: { a: 4 },
    });
  });

  test('without a crossing there is no trade', () => {
    expect(settle('market-based', { a: buy(2), b: sell(3) })).toEqual({ kind: 'no-trade' });
  });

  test('a price outside of the range clears nothing', () => {
    const parties = { a: buy(5), b: sell(3) };
    expect(settle('market-based', parties, { constraints: { min: 6 } })).toEqual({
      kind: 'no-feasible-value',
    });
  });
});

describe('genetic', () => {
  test('the seed alone decides what is drawn', () => {
    const near = (wish: number) => (value: Json) => 1 - ((Number(value) - wish) / 2) ** 2;
    const parties = {
      a: { preferred: 0.1, utility: near(0.1) },
      b: { preferred: 1.2, utility: near(1.2) },
    };
    const run = (seed: number): Settlement =>
      settle('genetic', parties, { seed, constraints: { min: 0, max: 2 } });
    expect(run(1)).toEqual(run(1));
    expect(new Set(Array.from({ length: 8 }, (_, seed) => JSON.stringify(run(seed)))).size).toBeGreaterThan(
      1,
    );
  });

  test('it finds what nobody prefers, when that is worth more to all', () => {
    const points = [
      { value: 0, utility: 0.2 },
      { value: 5, utility: 1 },
      { value: 10, utility: 0.2 },
    ];
    const parties = {
      a: { preferred: 0, utility: { points } },
      b: { preferred: 10, utility: { points } },
    };
    const settlement = settle('genetic', parties, { constraints: { min: 0, max: 10 } });
    expect(settlement).toMatchObject({ value: expect.closeTo(5, 0) });
  });

  test('of records each key finds its own value', () => {
    const parties = {
      a: { preferred: { model: 'small', heat: 0.2 } },
      b: { preferred: { model: 'small', heat: 0.6 } },
      c: { preferred: { model: 'large', heat: 0.4 } },
    };
    const settlement = settle('genetic', parties);
    expect(settlement).toMatchObject({ value: { model: 'small', heat: expect.closeTo(0.4, 1) } });
  });
});
