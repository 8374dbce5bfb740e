/**
 * The auction: who offers most has its value taken, and pays. Pure.
 *
 * Sealed bids here; the clocks are in clock-auction.ts, the bundles in combinatorial.ts. A bid counts at most as much as its party's
 * budget. Bidders whose value the range excludes take no part.
 */
import { award, type Bidder } from './award.ts';
import { dutchClock, englishClock } from './clock-auction.ts';
import { awardBundles } from './combinatorial.ts';
import { byRank, inOrder, limitOf } from './position.ts';
import { endWith, hasPreference, type Settlement, type Strategy } from './strategy.ts';
import type { Terms } from './terms.ts';
import { fitValue } from './value-range.ts';

/** The strategy, in its five forms (`terms.auction.form`). */
export function auction(): Strategy {
  return {
    name: 'auction',
    opening: 'bid',
    isReady: (stance, { auction: { form } }) => {
      if (form === 'combinatorial') return stance.bundles !== undefined;
      // A clock asks at each price whoever has named no limit.
      const isClock = form === 'english' || form === 'dutch';
      return hasPreference(stance) && (isClock || limitOf(stance) !== undefined);
    },
    settle: (positions, terms) => {
      const ordered = inOrder(positions);
      if (terms.auction.form === 'combinatorial') return endWith(awardBundles(ordered, terms));
      const bidders = ordered.filter(hasPreference).flatMap((position) => {
        const value = fitValue(position.preferred, terms.range);
        return value === undefined ? [] : [{ ...position, value }];
      });
      if (bidders.length === 0) return endWith({ kind: 'no-feasible-value' });
      if (terms.auction.form === 'english') return englishClock(bidders, terms);
      if (terms.auction.form === 'dutch') return dutchClock(bidders, terms);
      return endWith(openBids(bidders, terms));
    },
  };
}

/** Opens the sealed bids: the highest wins; the next one, or the reserve, is the second price. */
function openBids(bidders: readonly Bidder[], { auction: { payment, reserve } }: Terms): Settlement {
  const bids = bidders
    .map((bidder) => ({ bidder, amount: limitOf(bidder) ?? -1 }))
    .filter(({ amount }) => amount >= reserve)
    .toSorted((a, b) => b.amount - a.amount || byRank(a.bidder, b.bidder));
  const [first, second] = bids;
  if (first === undefined) return { kind: 'no-winner', reserve };
  // For a single thing, what a winner's presence costs the others is the second price.
  const pays = payment === 'first-price' ? first.amount : (second?.amount ?? reserve);
  return award(first.bidder, pays, 0);
}
