import { describe, expect, test } from 'vitest';
import { partiesOf, positionOf } from './electorate.ts';
import { strategyNamed } from './strategies.ts';
import { termsOf, type TermOptions } from './terms.ts';
import { stanceProblem } from './position.ts';

function code(expected: string): unknown {
  return expect.objectContaining({ code: expected });
}

describe('parties are refused', () => {
  test.each([
    ['no-participants', []],
    ['duplicate-participants', [{ party: 'a' }, { party: 'b' }, { party: 'a' }]],
    ['invalid-weights', [{ party: 'a', weight: 0 }]],
    ['invalid-weights', [{ party: 'a' }, { party: 'b', weight: -1 }]],
    ['invalid-weights', [{ party: 'a', weight: Number.NaN }]],
    ['invalid-id', [{ party: 'A b' }]],
    ['invalid-id', [{ party: 'all' }]],
    ['invalid-weights', [{ party: 'a', weight: 1e301 }]],
    ['invalid-preference', [{ party: 'a', min: 2, max: 1 }]],
    ['invalid-preference', [{ party: 'a', preferred: { heat: [-1e301] } }]],
    ['invalid-preference', [{ party: 'a', orders: [{ side: 'sell', price: 1e151, quantity: 1 }] }]],
    ['invalid-preference', [{ party: 'a', utility: 'unheard-of' }]],
    ['invalid-preference', [{ party: 'a', credit: 3, orders: [{ side: 'buy', price: 2, quantity: 2 }] }]],
  ] as const)('%s', (expected, parties) => {
    expect(() => partiesOf(parties, {})).toThrow(code(expected));
  });
});

test('orders of one party that would trade with each other make no sense', () => {
  const buy = { side: 'buy', price: 5, quantity: 1 } as const;
  expect(stanceProblem({ orders: [buy, { side: 'sell', price: 5, quantity: 1 }] })).toContain(
    'trade with each other',
  );
  expect(stanceProblem({ orders: [buy, { side: 'sell', price: 6, quantity: 1 }] })).toBeUndefined();
});

test('a party that is asked cannot raise the budget it was given', () => {
  expect(positionOf({ party: 'a', maxBid: 3 }, { maxBid: 9, bid: 8 }).maxBid).toBe(3);
});

test.each<TermOptions>([
  { constraints: { step: 0 } },
  { quorum: 1.5 },
  { maxRounds: 0 },
  { reliabilities: { a: 0 } },
  { reliabilities: { a: 1e301 } },
  { auction: { increment: 0 } },
  { auction: { form: 'combinatorial', payment: 'second-price' } },
  { auction: { form: 'second-price', payment: 'first-price' } },
  { auction: { form: 'dutch', start: 1e9 } },
  { hierarchy: { clusterSize: 1 } },
  { genetic: { population: 0.5 } },
])('terms without sense are refused: %j', (options) => {
  expect(() => termsOf(options, 1)).toThrow(code('invalid-negotiation'));
});

test('a strategy is found by its name, with hyphens or underscores, and by no other', () => {
  expect(strategyNamed('market_based').name).toBe('market-based');
  expect(() => strategyNamed('toString')).toThrow(code('unknown-strategy'));
});
