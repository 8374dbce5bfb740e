/** What the settling rules keep whatever the parties want. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { byRank, totalWeight, type BundleBid, type Order, type Position } from './position.ts';
import { strategyNamed, type StrategyName } from './strategies.ts';
import { settleGiven, type Settlement } from './strategy.ts';
import { termsOf, type TermOptions } from './terms.ts';
import { utilityOf } from './utility.ts';
import { fitValue } from './value-range.ts';

const isLong = process.env['MABEAM_LONG'] === '1';
const numRuns = isLong ? 10_000 : 200;

function settle(
  strategy: StrategyName,
  positions: readonly Position[],
  options: TermOptions = {},
): Settlement {
  return settleGiven(strategyNamed(strategy), positions, termsOf(options, totalWeight(positions)));
}

function position(party: string, stance: Partial<Position>): Position {
  return { party, weight: 1, priority: 0, credit: Infinity, ...stance };
}

const ids = ['a', 'b', 'c', 'd', 'e', 'f'] as const;

/** One to six parties, each with what `stance` draws. */
function parties(stance: fc.Arbitrary<Partial<Position>>): fc.Arbitrary<readonly Position[]> {
  return fc
    .array(stance, { minLength: 1, maxLength: ids.length })
    .map((list) => list.map((one, i) => position(ids[i] ?? 'z', one)));
}

const weighted = parties(
  fc.record({
    preferred: fc.double({ min: -1e300, max: 1e300, noNaN: true }),
    weight: fc.double({ min: 1e-6, max: 1e300, noNaN: true }),
  }),
);

describe('weighted consensus', () => {
  test.prop([weighted], { numRuns })('a mean lies among the wishes, whatever their size', (positions) => {
    const settlement = settle('weighted-consensus', positions);
    const wishes = positions.map(({ preferred }) => Number(preferred));
    if (settlement.kind !== 'agreed') return expect.unreachable();
    expect(settlement.value).toBeGreaterThanOrEqual(Math.min(...wishes));
    expect(settlement.value).toBeLessThanOrEqual(Math.max(...wishes));
  });

  const words = parties(
    fc.record({ preferred: fc.constantFrom('x', 'y', 'z'), weight: fc.integer({ min: 1, max: 9 }) }),
  );
  test.prop([words], { numRuns })('of words no other has more weight than the one taken', (positions) => {
    const settlement = settle('weighted-consensus', positions);
    if (settlement.kind !== 'agreed') return expect.unreachable();
    const weightOf = (word: unknown): number =>
      totalWeight(positions.filter(({ preferred }) => preferred === word));
    for (const word of ['x', 'y', 'z'])
      expect(weightOf(settlement.value)).toBeGreaterThanOrEqual(weightOf(word));
  });
});

const items = ['i', 'j', 'k', 'l'] as const;
const bundles = fc.array(
  fc.record({
    items: fc.subarray([...items], { minLength: 1 }),
    amount: fc.integer({ min: 0, max: 30 }),
  }),
  { minLength: 0, maxLength: 3 },
);
const bundleParties = fc
  .array(fc.record({ bundles }), { minLength: 1, maxLength: 4 })
  .map((list) => list.map((one, i) => position(ids[i] ?? 'z', one)));

/** The best sum of any award, by trying all. */
function bestSum(positions: readonly Position[], taken: ReadonlySet<string> = new Set()): number {
  const [first, ...rest] = positions;
  if (first === undefined) return 0;
  const offers = (first.bundles ?? []).filter((offer) => offer.items.every((item) => !taken.has(item)));
  return Math.max(
    bestSum(rest, taken),
    ...offers.map((offer) => offer.amount + bestSum(rest, new Set([...taken, ...offer.items]))),
  );
}

/** What a party gains: what its award is worth to it, less what it pays. */
function gain(settlement: Settlement, party: string, truth: readonly BundleBid[]): number {
  if (settlement.kind !== 'agreed') return 0;
  const won = settlement.allocation?.[party];
  if (!Array.isArray(won)) return 0;
  const worth = truth
    .filter((offer) => offer.items.every((item) => won.includes(item)))
    .map(({ amount }) => amount);
  return Math.max(0, ...worth) - (settlement.payments?.[party] ?? 0);
}

describe('bundles', () => {
  const terms = { auction: { form: 'combinatorial' } } as const;

  test.prop([bundleParties], { numRuns })(
    'up to twelve bids nothing is worth more than the award',
    (positions) => {
      const settlement = settle('auction', positions, terms);
      const welfare = settlement.kind === 'agreed' ? settlement.details?.['welfare'] : 0;
      expect(welfare).toBe(bestSum(positions));
    },
  );

  test.prop([bundleParties, bundles], { numRuns: isLong ? 10_000 : 300 })(
    'nobody gains by bidding anything but the truth',
    (positions, lie) => {
      const [liar, ...others] = positions;
      if (liar === undefined) return;
      const truth = liar.bundles ?? [];
      const honest = gain(settle('auction', positions, terms), liar.party, truth);
      const lying = gain(settle('auction', [{ ...liar, bundles: lie }, ...others], terms), liar.party, truth);
      expect(honest).toBeGreaterThanOrEqual(lying - 1e-9);
      expect(honest).toBeGreaterThanOrEqual(0);
    },
  );

  test.prop([bundleParties, bundles], { numRuns })(
    'greedily too, nobody who wants one bundle gains by a lie about it',
    (positions, lie) => {
      const greedy = { auction: { form: 'combinatorial', exactUpTo: 0 } } as const;
      const single = positions.map((one) => ({ ...one, bundles: one.bundles?.slice(0, 1) }));
      const [liar, ...others] = single;
      if (liar === undefined) return;
      const truth = liar.bundles ?? [];
      const lying = [{ ...liar, bundles: lie.slice(0, 1) }, ...others];
      expect(gain(settle('auction', single, greedy), liar.party, truth)).toBeGreaterThanOrEqual(
        gain(settle('auction', lying, greedy), liar.party, truth) - 1e-9,
      );
    },
  );

  test.prop([bundleParties], { numRuns })('no item is awarded twice, greedily or exactly', (positions) => {
    for (const exactUpTo of [0, 12]) {
      const settlement = settle('auction', positions, { auction: { form: 'combinatorial', exactUpTo } });
      const given = settlement.kind === 'agreed' ? Object.values(settlement.allocation ?? {}).flat() : [];
      expect(new Set(given).size).toBe(given.length);
    }
  });
});

const bidders = parties(
  fc.record({ preferred: fc.integer(), bid: fc.integer({ min: 0, max: 90 }).map((tens) => tens / 100) }),
);

describe('one thing', () => {
  test.prop([bidders, fc.double({ min: 0, max: 1, noNaN: true })], { numRuns })(
    'by second price nobody gains by bidding anything but what it is worth to it',
    (positions, lie) => {
      const [liar, ...others] = positions;
      if (liar === undefined) return;
      const terms = { auction: { form: 'second-price' } } as const;
      const gained = (bid: number): number => {
        const settlement = settle('auction', [{ ...liar, bid }, ...others], terms);
        if (settlement.kind !== 'agreed' || settlement.winner !== liar.party) return 0;
        return (liar.bid ?? 0) - (settlement.payments?.[liar.party] ?? 0);
      };
      expect(gained(liar.bid ?? 0)).toBeGreaterThanOrEqual(gained(lie) - 1e-12);
    },
  );

  test.prop([bidders], { numRuns })(
    'the clocks sell to one who bids most, within a tick of the price',
    (positions) => {
      const [first, second] = positions.map(({ bid = 0 }) => bid).toSorted((a, b) => b - a);
      const tick = 0.1 + 1e-9;
      for (const form of ['english', 'dutch'] as const) {
        const settlement = settle('auction', positions, { auction: { form } });
        if (settlement.kind !== 'agreed') return expect.unreachable();
        const winner = positions.find(({ party }) => party === settlement.winner);
        const paid = settlement.payments?.[winner?.party ?? ''] ?? -1;
        expect(paid).toBeLessThanOrEqual((winner?.bid ?? 0) + 1e-9);
        const low = form === 'english' ? (second ?? 0) : (first ?? 0);
        expect(paid).toBeGreaterThanOrEqual(low - tick);
      }
    },
  );
});

const orders = parties(
  fc
    .record({
      side: fc.constantFrom<Order['side']>('buy', 'sell'),
      price: fc.integer({ min: 0, max: 20 }),
      quantity: fc.integer({ min: 1, max: 9 }),
      priority: fc.integer({ min: 0, max: 1 }),
    })
    .map(({ priority, ...order }) => ({ priority, orders: [order] })),
);

function bought(settlement: Settlement, party: string): number {
  return settlement.kind === 'agreed' ? Number(settlement.allocation?.[party] ?? 0) : 0;
}

describe('market', () => {
  test.prop([orders], { numRuns })(
    'books balance, and nobody is filled beyond its order or its limit',
    (positions) => {
      const settlement = settle('market-based', positions);
      if (settlement.kind !== 'agreed') return;
      const price = Number(settlement.value);
      const sum = (book: object): number =>
        Object.values(book).reduce((total: number, one) => total + Number(one), 0);
      expect(sum(settlement.payments ?? {})).toBeCloseTo(0, 9);
      expect(sum(settlement.allocation ?? {})).toBe(0);
      for (const { party, orders: [order] = [] } of positions) {
        const amount = bought(settlement, party);
        if (order === undefined || amount === 0) continue;
        expect(Math.sign(amount)).toBe(order.side === 'buy' ? 1 : -1);
        expect(Math.abs(amount)).toBeLessThanOrEqual(order.quantity);
        expect(order.side === 'buy' ? order.price >= price : order.price <= price).toBe(true);
      }
    },
  );

  test.prop([orders], { numRuns })('who offers more than the price is filled whole', (positions) => {
    const settlement = settle('market-based', positions);
    if (settlement.kind !== 'agreed') return;
    const price = Number(settlement.value);
    for (const { party, orders: [order] = [] } of positions) {
      if (order === undefined) continue;
      const isWilling = order.side === 'buy' ? order.price > price : order.price < price;
      if (isWilling) expect(Math.abs(bought(settlement, party))).toBe(order.quantity);
    }
  });

  test.prop([orders, fc.integer({ min: 1, max: 10 })], { numRuns })(
    'a higher bid never gets less',
    (positions, rise) => {
      const buyer = positions.find(({ orders: [order] = [] }) => order?.side === 'buy');
      const [order] = buyer?.orders ?? [];
      if (buyer === undefined || order === undefined) return;
      const higher = { ...buyer, orders: [{ ...order, price: order.price + rise }] };
      const raised = positions.map((one) => (one === buyer ? higher : one));
      expect(bought(settle('market-based', raised), buyer.party)).toBeGreaterThanOrEqual(
        bought(settle('market-based', positions), buyer.party),
      );
    },
  );
});

describe('genetic', () => {
  const wishes = parties(
    fc.record({
      preferred: fc.oneof(fc.double({ min: 0, max: 10, noNaN: true }), fc.constantFrom('x', 'y')),
      weight: fc.integer({ min: 1, max: 5 }),
    }),
  );
  test.prop([wishes, fc.integer()], { numRuns: isLong ? 1_000 : 30 })(
    'what is found is worth at least as much as any single wish',
    (positions, seed) => {
      const settlement = settle('genetic', positions, { seed });
      if (settlement.kind !== 'agreed') return expect.unreachable();
      const peers = positions.flatMap(({ preferred }) => preferred ?? []);
      const worth = (value: Position['preferred']): number =>
        positions.reduce((sum, one) => sum + one.weight * utilityOf(one, value ?? null, peers), 0);
      for (const wish of peers) expect(worth(settlement.value)).toBeGreaterThanOrEqual(worth(wish) - 1e-9);
    },
  );
});

describe('consensus', () => {
  test.prop(
    [
      parties(
        fc.record({
          preferred: fc.integer({ min: 0, max: 100 }),
          stubbornness: fc.constantFrom(0, 0.3, 0.5),
          weight: fc.integer({ min: 1, max: 5 }),
        }),
      ),
    ],
    { numRuns },
  )('numbers meet among the wishes', (positions) => {
    const settlement = settle('consensus', positions, { maxRounds: 60 });
    if (settlement.kind !== 'agreed') return expect.unreachable();
    const wishes = positions.map(({ preferred }) => Number(preferred));
    expect(settlement.value).toBeGreaterThanOrEqual(Math.min(...wishes));
    expect(settlement.value).toBeLessThanOrEqual(Math.max(...wishes));
  });
});

const range = fc.record({
  min: fc.option(fc.integer({ min: -50, max: 50 }), { nil: undefined }),
  max: fc.option(fc.integer({ min: -50, max: 50 }), { nil: undefined }),
  step: fc.option(fc.constantFrom(0.1, 0.25, 1, 3), { nil: undefined }),
});

test.prop([range, fc.double({ min: -1e6, max: 1e6, noNaN: true })], { numRuns })(
  'a value that was fitted fits, and lies within the limits',
  (limits, value) => {
    const fitted = fitValue(value, limits);
    expect(fitted === undefined).toBe((limits.min ?? -Infinity) > (limits.max ?? Infinity));
    if (fitted === undefined) return;
    expect(fitValue(fitted, limits)).toBe(fitted);
    expect(fitted).toBeGreaterThanOrEqual(limits.min ?? -Infinity);
    expect(fitted).toBeLessThanOrEqual(limits.max ?? Infinity);
  },
);

test.prop([
  parties(fc.record({ priority: fc.integer({ min: 0, max: 2 }), weight: fc.integer({ min: 1, max: 2 }) })),
])('ranks are an order: whoever comes first in one order comes first in every', (positions) => {
  expect(positions.toReversed().toSorted(byRank)).toEqual(positions.toSorted(byRank));
});
