/**
 * What a party stands for: its wish, its weight, what it would pay. Pure data, checked once.
 *
 * Ties between parties are broken in one way everywhere: the larger priority, then the larger weight, then the id that comes
 * first in the alphabet.
 */
import type { Json } from '@mabeam/variables';
import { coordinationError } from '../errors.ts';
import { isMeasurable } from './value-range.ts';

/** An offer for several items together. Of the bundles of one party at most one is awarded. */
export interface BundleBid {
  readonly items: readonly string[];
  readonly amount: number;
}

/** A limit order: at most `quantity` at `price` or better. */
export interface Order {
  readonly side: 'buy' | 'sell';
  readonly price: number;
  readonly quantity: number;
}

/** What listed values are worth; between two listed numbers the worth runs straight, everything else is worth 0. */
export interface UtilityTable {
  readonly points: readonly { readonly value: Json; readonly utility: number }[];
}

/** A table, or a function that the negotiating process knows. */
export type Utility = UtilityTable | ((value: Json) => number);

/** What a party says for itself. Which fields are needed is the strategy's affair. */
export interface Stance {
  /** The value it would like best. */
  readonly preferred?: Json | undefined;
  /** Numbers outside are worth nothing to it. */
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** How little it moves in rounds: 0 follows the others, 1 never moves. Default 0.5. */
  readonly stubbornness?: number | undefined;
  /** What values are worth to it, from 0 to 1; default: the nearer to `preferred`, the better. */
  readonly utility?: Utility | undefined;
  /** What it offers in a sealed auction. */
  readonly bid?: number | undefined;
  /** The most it would pay, and its budget. */
  readonly maxBid?: number | undefined;
  readonly bundles?: readonly BundleBid[] | undefined;
  readonly orders?: readonly Order[] | undefined;
  readonly reason?: string | undefined;
}

/** A party with its stance, as a strategy sees it. */
export interface Position extends Stance {
  readonly party: string;
  /** Above 0. */
  readonly weight: number;
  /** Larger is more important. */
  readonly priority: number;
  /** What it may spend in a market. */
  readonly credit: number;
}

/** How two parties rank where nothing else tells them apart: negative when the first comes first. */
export function byRank(
  a: Pick<Position, 'party' | 'priority' | 'weight'>,
  b: Pick<Position, 'party' | 'priority' | 'weight'>,
): number {
  return b.priority - a.priority || b.weight - a.weight || (a.party < b.party ? -1 : 1);
}

/** The positions in the order of their ids, so that the order in which they came changes nothing. */
export function inOrder(positions: readonly Position[]): readonly Position[] {
  return positions.toSorted((a, b) => (a.party < b.party ? -1 : 1));
}

/** What all of them weigh together. */
export function totalWeight(positions: readonly { readonly weight: number }[]): number {
  return positions.reduce((sum, { weight }) => sum + weight, 0);
}

/** The most a party would pay, if it said so. */
export function limitOf({ bid, maxBid }: Stance): number | undefined {
  if (bid === undefined) return maxBid;
  return maxBid === undefined ? bid : Math.min(bid, maxBid);
}

/** What is wrong with a stance, first problem only; undefined when it is sound. */
export function stanceProblem(stance: Stance, credit: number = Infinity): string | undefined {
  if (stance.preferred !== undefined && !isMeasurable(stance.preferred)) return 'its value is beyond 1e300';
  const { min, max, stubbornness = 0, bid = 0, maxBid = 0, bundles = [], orders = [] } = stance;
  if ([min, max].some((limit) => limit !== undefined && !Number.isFinite(limit)))
    return 'min and max are finite numbers';
  if (min !== undefined && max !== undefined && min > max) return `min ${min} is above max ${max}`;
  if (!(stubbornness >= 0 && stubbornness <= 1)) return 'stubbornness lies between 0 and 1';
  if (!isAmount(bid) || !isAmount(maxBid)) return 'a bid is a number from 0 up';
  return bundleProblem(bundles) ?? orderProblem(orders, credit);
}

/** Throws `invalid-preference` for a stance that is not sound. */
export function assertStance(party: string, stance: Stance, credit?: number): void {
  const problem = stanceProblem(stance, credit);
  if (problem === undefined) return;
  throw coordinationError('invalid-preference', `${party}: ${problem}; correct its entry`, {
    details: { party },
  });
}

function bundleProblem(bundles: readonly BundleBid[]): string | undefined {
  for (const { items, amount } of bundles) {
    if (items.length === 0 || new Set(items).size !== items.length)
      return 'a bundle names its items, each once';
    if (!isAmount(amount)) return 'the amount for a bundle is a number from 0 up';
  }
  return undefined;
}

/** One party never trades with itself, and never spends what it does not have. */
function orderProblem(orders: readonly Order[], credit: number): string | undefined {
  if (!orders.every(({ price, quantity }) => isAmount(price) && isAmount(quantity) && quantity > 0))
    return 'an order has a price from 0 up and a quantity above 0';
  const buys = orders.filter(({ side }) => side === 'buy');
  const sells = orders.filter(({ side }) => side === 'sell');
  const dearest = Math.max(-Infinity, ...buys.map(({ price }) => price));
  if (sells.some(({ price }) => price <= dearest))
    return 'its orders would trade with each other: it buys where it sells';
  const cost = buys.reduce((sum, { price, quantity }) => sum + price * quantity, 0);
  return cost > credit ? `its orders may cost ${cost}, its credit is ${credit}` : undefined;
}

/** A price times a quantity stays finite. */
const largestAmount = 1e150;

function isAmount(value: number): boolean {
  return value >= 0 && value <= largestAmount;
}
