/** What an auction ends in when somebody wins. Pure. */
import type { Json } from '@mabeam/variables';
import type { Position } from './position.ts';
import type { Agreed } from './strategy.ts';

/** A position with a value that may win. */
export type Bidder = Position & { readonly value: Json };

/** The award: the winner's value, its payment, and what is left of its budget. */
export function award(winner: Bidder, pays: number, rounds: number): Agreed {
  const { party, maxBid, value } = winner;
  return {
    kind: 'agreed',
    value,
    rounds,
    winner: party,
    payments: { [party]: pays },
    ...(maxBid === undefined ? {} : { budgets: { [party]: maxBid - pays } }),
  };
}
