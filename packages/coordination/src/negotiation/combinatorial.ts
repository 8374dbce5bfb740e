/**
 * The combinatorial auction: bids on bundles, of each party at most one is awarded, and no item twice. Pure.
 *
 * Up to `exactUpTo` bids the award with the largest sum is found exactly. Payments are then those of Vickrey, Clarke and Groves:
 * a winner pays what the others lose by its presence – the best sum without it, less what the others get with it – so that
 * nobody gains by bidding anything but the truth. Beyond, bids are taken greedily by amount ∕ √items, and a winner pays the
 * critical value of Lehmann, O'Callaghan and Shoham ("Truth revelation in approximately efficient combinatorial auctions",
 * J. ACM 49, 2002): the first bid that is refused because of it, per √item, times the √items it has won.
 */
import { byRank, type Position } from './position.ts';
import type { Settlement } from './strategy.ts';
import type { Terms } from './terms.ts';
import { fitValue, readable } from './value-range.ts';

/** One bid on a bundle. */
interface Offer {
  readonly party: string;
  readonly items: readonly string[];
  readonly amount: number;
}

type Award = readonly Offer[];

/** Awards the bundles; the value agreed on says who gets which items. */
export function awardBundles(positions: readonly Position[], { auction, range }: Terms): Settlement {
  const offers = offersOf(positions);
  const isExact = offers.length <= auction.exactUpTo;
  const award = isExact ? bestAward(offers) : greedyAward(offers);
  if (award.length === 0) return { kind: 'no-winner', reserve: auction.reserve };
  const price = (won: Offer): number => {
    if (auction.payment === 'first-price') return won.amount;
    return isExact ? clarkePayment(won, award, offers) : criticalPayment(won, offers);
  };
  const payments = Object.fromEntries(award.map((won) => [won.party, price(won)]));
  const allocation = Object.fromEntries(award.map(({ party, items }) => [party, items]));
  if (fitValue(allocation, range) === undefined) return { kind: 'no-feasible-value' };
  const budgets = positions.flatMap(({ party, maxBid }) => {
    const paid = payments[party];
    return maxBid === undefined || paid === undefined ? [] : [[party, maxBid - paid] as const];
  });
  return {
    kind: 'agreed',
    value: allocation,
    rounds: 0,
    payments,
    allocation,
    ...(budgets.length === 0 ? {} : { budgets: Object.fromEntries(budgets) }),
    satisfaction: satisfactionIn(award, offers, positions),
    details: { exact: isExact, welfare: readable(worthOf(award)) },
  };
}

/** All bids that may be awarded, in the order in which ties are broken. A bid above its party's budget counts as much as that. */
function offersOf(positions: readonly Position[]): readonly Offer[] {
  return positions.toSorted(byRank).flatMap(({ party, bundles = [], maxBid = Infinity }) =>
    bundles
      .map(({ items, amount }) => ({
        party,
        items: items.toSorted(),
        amount: Math.min(amount, maxBid),
      }))
      .filter(({ amount }) => amount > 0)
      .toSorted((a, b) => b.amount - a.amount || (textOf(a) < textOf(b) ? -1 : 1)),
  );
}

/** The award with the largest sum; of equal ones the first that is met going by rank. */
function bestAward(offers: readonly Offer[]): Award {
  const groups = [...Map.groupBy(offers, ({ party }) => party).values()];
  const rest = groups.map((_, i) => groups.slice(i).reduce((sum, [top]) => sum + (top?.amount ?? 0), 0));
  let best: { award: Award; worth: number } = { award: [], worth: 0 };
  const visit = (i: number, award: Award, worth: number): void => {
    if (worth > best.worth + 1e-9 * Math.max(1, best.worth)) best = { award, worth };
    const group = groups[i];
    if (group === undefined || worth + (rest[i] ?? 0) <= best.worth) return;
    for (const offer of group)
      if (!award.some((won) => collide(won, offer))) visit(i + 1, [...award, offer], worth + offer.amount);
    visit(i + 1, award, worth);
  };
  visit(0, [], 0);
  return best.award;
}

function greedyAward(offers: readonly Offer[]): Award {
  // A stable sort: equals stay in the order of ties.
  const ranked = offers.toSorted((a, b) => densityOf(b) - densityOf(a));
  return ranked.reduce<Award>(
    (award, offer) => (award.some((won) => collide(won, offer)) ? award : [...award, offer]),
    [],
  );
}

function clarkePayment(won: Offer, award: Award, offers: readonly Offer[]): number {
  const without = worthOf(bestAward(offers.filter(({ party }) => party !== won.party)));
  const others = worthOf(award.filter(({ party }) => party !== won.party));
  return Math.min(won.amount, Math.max(0, readable(without - others)));
}

/** The first bid that is accepted without this party and collides with what it has won sets the price. */
function criticalPayment(won: Offer, offers: readonly Offer[]): number {
  const without = greedyAward(offers.filter(({ party }) => party !== won.party));
  const displaced = without.find((offer) => collide(offer, won));
  if (displaced === undefined) return 0;
  return Math.min(won.amount, readable(densityOf(displaced) * Math.sqrt(won.items.length)));
}

/** What one has won as a part of the most one has offered for. */
function satisfactionIn(
  award: Award,
  offers: readonly Offer[],
  positions: readonly Position[],
): Readonly<Record<string, number>> {
  const part = (party: string): number => {
    const most = Math.max(0, ...offers.filter((offer) => offer.party === party).map(({ amount }) => amount));
    const won = award.find((offer) => offer.party === party)?.amount ?? 0;
    return most === 0 ? 0 : won / most;
  };
  return Object.fromEntries(positions.map(({ party }) => [party, part(party)]));
}

function collide(a: Offer, b: Offer): boolean {
  return a.party === b.party || a.items.some((item) => b.items.includes(item));
}

function worthOf(award: Award): number {
  return award.reduce((sum, { amount }) => sum + amount, 0);
}

function densityOf({ amount, items }: Offer): number {
  return amount / Math.sqrt(items.length);
}

function textOf({ items }: Offer): string {
  return items.join('\n');
}
