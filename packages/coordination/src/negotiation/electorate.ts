/** Who negotiates: the parties as they are handed in, checked, and the positions made of them. Pure. */
import { parseId } from '@mabeam/bus';
import { coordinationError } from '../errors.ts';
import { assertStance, type Position, type Stance, type Utility } from './position.ts';

/** A party of a negotiation. What it lacks for the strategy, it is asked. */
export interface NegotiatingParty extends Omit<Stance, 'utility'> {
  readonly party: string;
  /** Above 0. Default 1. */
  readonly weight?: number | undefined;
  /** Larger is more important: breaks ties, orders the hierarchy. Default 0. */
  readonly priority?: number | undefined;
  /** What it may spend in a market. Default: without limit. */
  readonly credit?: number | undefined;
  /** A table, a function, or the name of one of the negotiation's `utilities`. */
  readonly utility?: Utility | string | undefined;
  /** Ask it in the rounds that follow although its position is given here. */
  readonly ask?: boolean | undefined;
  /** `json` for a party without our library. Default `envelope`. */
  readonly wire?: 'envelope' | 'json' | undefined;
}

/** A party whose utility is known. */
export type KnownParty = Omit<NegotiatingParty, 'utility'> & { readonly utility?: Utility | undefined };

/**
 * Checks the parties. Throws `no-participants`, `duplicate-participants`, `invalid-id`, `invalid-weights` and
 * `invalid-preference`.
 */
export function partiesOf(
  parties: readonly NegotiatingParty[],
  utilities: Readonly<Record<string, (value: unknown) => number>>,
): readonly KnownParty[] {
  if (parties.length === 0) throw coordinationError('no-participants', 'nobody negotiates; name a party');
  const ids = parties.map(({ party }) => parseId('party', party));
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) {
    const message = `the party ${twice} is named twice; nobody has two voices`;
    throw coordinationError('duplicate-participants', message, { details: { party: twice } });
  }
  return parties.map((party) => {
    assertWeight(party);
    const known = { ...party, utility: utilityNamed(party, utilities) };
    assertStance(party.party, known, party.credit);
    return known;
  });
}

/** The position of a party, with what it has said itself; it pays no more than both of them allow. */
export function positionOf(party: KnownParty, said: Stance = {}): Position {
  const { weight = 1, priority = 0, credit = Infinity, ask: _, wire: __, ...given } = party;
  const limits = [given.maxBid, said.maxBid].filter((limit) => limit !== undefined);
  return {
    ...given,
    ...said,
    ...(limits.length === 0 ? {} : { maxBid: Math.min(...limits) }),
    utility: said.utility ?? given.utility,
    weight,
    priority,
    credit,
  };
}

/** Sums of weights stay finite. */
const largestWeight = 1e300;

function assertWeight({ party, weight = 1, priority = 0 }: NegotiatingParty): void {
  if (!(weight > 0 && weight <= largestWeight)) {
    const message = `the weight of ${party} is ${weight}; give a number above 0, or leave the party out`;
    throw coordinationError('invalid-weights', message, { details: { party, weight } });
  }
  if (Number.isFinite(priority)) return;
  throw coordinationError('invalid-preference', `the priority of ${party} is no number; give one`, {
    details: { party },
  });
}

function utilityNamed(
  { party, utility }: NegotiatingParty,
  utilities: Readonly<Record<string, (value: unknown) => number>>,
): Utility | undefined {
  if (typeof utility !== 'string') return utility;
  const known = Object.hasOwn(utilities, utility) ? utilities[utility] : undefined;
  if (known !== undefined) return known;
  const message = `${party} names the utility "${utility}", which is not registered; hand it in under utilities`;
  throw coordinationError('invalid-preference', message, { details: { party, utility } });
}
