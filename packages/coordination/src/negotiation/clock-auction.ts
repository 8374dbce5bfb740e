/**
 * Auctions by the clock: a price is called, and bidders stay in or not. Pure: the calls are questions.
 *
 * E1  The rising price stops as soon as at most one bidder is left: nobody is bidden out by the clock alone.
 * E2  Who has left stays out; who does not answer has left.
 * E3  The falling price is taken by the first who accepts it, who pays what the clock shows; the reserve is called last.
 */
import { award, type Bidder } from './award.ts';
import { byRank, limitOf } from './position.ts';
import type { Answers, Asked, Proceeding } from './strategy.ts';
import type { Terms } from './terms.ts';
import { readable } from './value-range.ts';

/** The English form: the price rises; the last one in takes it, of several at the end the first by rank. */
export function* englishClock(bidders: readonly Bidder[], { auction }: Terms): Proceeding {
  const { reserve, increment, rounds } = auction;
  const start = Math.max(reserve, auction.start ?? 0);
  let price = start;
  let calls = 1;
  let active = staying(bidders, yield call(bidders, { price, number: calls, direction: 'rising' }));
  if (active.length === 0) return { kind: 'no-winner', reserve };
  for (let rise = 1; rise <= rounds && active.length > 1; rise++) {
    const next = readable(start + rise * increment);
    calls++;
    const left = staying(active, yield call(active, { price: next, number: calls, direction: 'rising' }));
    if (left.length === 0) break;
    active = left;
    price = next;
  }
  const [winner] = active.toSorted(byRank);
  return winner === undefined ? { kind: 'no-winner', reserve } : award(winner, price, calls);
}

/** The Dutch form: the price falls to the reserve; of several who take it at once, the first by rank has it. */
export function* dutchClock(bidders: readonly Bidder[], { auction }: Terms): Proceeding {
  const { reserve, increment } = auction;
  const known = bidders.map((bidder) => limitOf(bidder) ?? 0);
  const start = Math.max(reserve, auction.start ?? Math.max(1, ...known));
  const steps = Math.ceil(readable((start - reserve) / increment));
  for (let step = 0; step <= steps; step++) {
    const price = Math.max(reserve, readable(start - step * increment));
    const asked = call(bidders, { price, number: step + 1, direction: 'falling' });
    const [winner] = staying(bidders, yield asked).toSorted(byRank);
    if (winner !== undefined) return award(winner, price, step + 1);
  }
  return { kind: 'no-winner', reserve };
}

interface Call {
  readonly price: number;
  readonly number: number;
  readonly direction: 'rising' | 'falling';
}

/** Who has named a limit accepts up to it; the others are asked. */
function call(bidders: readonly Bidder[], { price, number, direction }: Call): readonly Asked[] {
  return bidders.map((bidder) => {
    const limit = limitOf(bidder);
    const question = { phase: 'price', number, price, direction } as const;
    if (limit === undefined) return { to: bidder.party, question };
    return { to: bidder.party, question, usual: { kind: price <= limit ? 'accept' : 'decline' } };
  });
}

function staying(bidders: readonly Bidder[], answers: Answers): readonly Bidder[] {
  return bidders.filter(({ party }) => answers.get(party)?.kind === 'accept');
}
