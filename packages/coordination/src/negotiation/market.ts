/**
 * The market: limit orders on both sides, one price at which everything trades that trades. Pure.
 *
 * M1  Of all prices, one at which most changes hands: every buy above it and every sell below it is filled.
 * M2  What is paid is received: of each trade the same number is taken here and given there.
 * M3  Nobody trades with itself, for the orders of one party that would are refused before (position.ts).
 * M4  The better order goes first, of equal ones the higher-ranking party's; so a higher bid never gets less.
 * M5  Nobody pays more than its limit, nor gets less than its limit.
 */
import type { Json } from '@mabeam/variables';
import { byRank, inOrder, type Order, type Position } from './position.ts';
import { endWith, type Settlement, type Strategy } from './strategy.ts';
import type { Terms } from './terms.ts';
import { fitValue, readable } from './value-range.ts';

/** Some of an order that was filled from another. */
interface Trade {
  readonly buyer: string;
  readonly seller: string;
  readonly quantity: number;
}

interface Book {
  readonly trades: readonly Trade[];
  /** The clearing prices: at each of them these trades, and no others, are what both sides want. */
  readonly low: number;
  readonly high: number;
}

/** The strategy; what is agreed on is the clearing price. */
export function marketBased(): Strategy {
  return {
    name: 'market-based',
    opening: 'orders',
    isReady: ({ orders }) => orders !== undefined,
    settle: (positions, terms) => endWith(clear(inOrder(positions), terms)),
  };
}

function clear(positions: readonly Position[], { range, market: { priceShare } }: Terms): Settlement {
  const { trades, low, high } = matchOrders(positions);
  if (trades.length === 0) return { kind: 'no-trade' };
  const middle = Math.min(high, Math.max(low, readable(low + priceShare * (high - low))));
  const price = fitValue(middle, range);
  if (typeof price !== 'number' || price < low || price > high) return { kind: 'no-feasible-value' };
  const quantities = netOf(trades, ({ quantity }) => quantity);
  const payments = netOf(trades, ({ quantity }) => quantity * price);
  const budgets = positions
    .filter(({ credit }) => Number.isFinite(credit))
    .map(({ party, credit }) => [party, credit - (payments[party] ?? 0)]);
  return {
    kind: 'agreed',
    value: price,
    rounds: 0,
    payments,
    allocation: quantities satisfies Readonly<Record<string, Json>>,
    budgets: Object.fromEntries(budgets),
    satisfaction: Object.fromEntries(positions.map((position) => [position.party, filled(position, trades)])),
    details: { volume: readable(trades.reduce((sum, { quantity }) => sum + quantity, 0)), low, high },
  };
}

type Entry = Order & { readonly position: Position; left: number };

/** Fills the best buy from the best sell for as long as they meet. */
function matchOrders(positions: readonly Position[]): Book {
  const buys = queueOf(positions, 'buy');
  const sells = queueOf(positions, 'sell');
  const trades: Trade[] = [];
  let [lastBuy, lastSell] = [Infinity, 0];
  let [buy, sell] = [buys.shift(), sells.shift()];
  while (buy !== undefined && sell !== undefined && buy.price >= sell.price) {
    const quantity = Math.min(buy.left, sell.left);
    trades.push({ buyer: buy.position.party, seller: sell.position.party, quantity });
    [lastBuy, lastSell] = [buy.price, sell.price];
    buy.left -= quantity;
    sell.left -= quantity;
    if (buy.left <= 0) buy = buys.shift();
    if (sell.left <= 0) sell = sells.shift();
  }
  // Those left over must not want to trade at the price: it lies at or above their buys and at or below their sells.
  return {
    trades,
    low: Math.max(lastSell, buy?.price ?? 0),
    high: Math.min(lastBuy, sell?.price ?? Infinity),
  };
}

function queueOf(positions: readonly Position[], side: Order['side']): Entry[] {
  const direction = side === 'buy' ? -1 : 1;
  return positions
    .flatMap((position) =>
      (position.orders ?? [])
        .filter((order) => order.side === side)
        .map((order) => ({ ...order, position, left: order.quantity })),
    )
    .toSorted((a, b) => direction * (a.price - b.price) || byRank(a.position, b.position));
}

/** What flows to the buyers (above 0) and from the sellers (below), by party. */
function netOf(trades: readonly Trade[], amount: (trade: Trade) => number): Readonly<Record<string, number>> {
  const net: Record<string, number> = {};
  for (const trade of trades) {
    const flow = amount(trade);
    net[trade.buyer] = (net[trade.buyer] ?? 0) + flow;
    net[trade.seller] = (net[trade.seller] ?? 0) - flow;
  }
  return net;
}

/** The part of its orders that was filled. */
function filled({ party, orders = [] }: Position, trades: readonly Trade[]): number {
  const wanted = orders.reduce((sum, { quantity }) => sum + quantity, 0);
  const got = trades
    .filter(({ buyer, seller }) => buyer === party || seller === party)
    .reduce((sum, { quantity }) => sum + quantity, 0);
  return wanted === 0 ? 0 : Math.min(1, got / wanted);
}
