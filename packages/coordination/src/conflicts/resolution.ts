/** What becomes of a conflict: one resolution, or the reason why there is none. */
import type { Json } from '@mabeam/variables';
import { canonicalText } from '../negotiation/canonical.ts';
import type { Conflict, FullClaim } from './conflict.ts';
import type { Schedule } from './schedule.ts';

/** What kind of an answer it is. */
export type CompromiseType =
  | 'weighted-average'
  | 'time-sharing'
  | 'priority-override'
  | 'alternative-solution';

/** A party that does not get what it wanted, and why. */
export interface Overridden {
  readonly party: string;
  readonly wanted: Json;
  readonly reason: string;
}

/** One conflict resolved. */
export interface Resolution {
  readonly conflict: string;
  readonly target: string;
  /** The one value; of time sharing the schedule's first, of a shared resource each party's amount. */
  readonly value: Json;
  readonly compromise: CompromiseType;
  /** How it was found: `median`, `plurality`, `proportional`, … */
  readonly method: string;
  /** All parties of the conflict, by id. */
  readonly affected: readonly string[];
  readonly overridden: readonly Overridden[];
  /** 0 to 1: how much of what they wanted the worst-off (categories) or all of them (amounts) get. */
  readonly score?: number;
  /** Whose decision it is, where a leader decides. */
  readonly leader?: string;
  readonly schedule?: Schedule;
  readonly shares?: Readonly<Record<string, number>>;
}

/** A strategy's answer to one conflict. */
export type Attempt =
  | { readonly kind: 'resolved'; readonly resolution: Resolution }
  | { readonly kind: 'unresolved'; readonly reason: string };

/** The one that a party wins: everybody who wanted something else is overridden. */
export function overrideBy(
  conflict: Conflict,
  winner: FullClaim,
  told: { readonly method: string; readonly because: string; readonly leader?: string },
): Resolution {
  const { because, leader, method } = told;
  return settle(conflict, winner.value, {
    compromise: 'priority-override',
    method,
    reason: `${winner.party} has it: ${because}`,
    ...(leader === undefined ? {} : { leader }),
  });
}

/** A resolution by one value. */
export function settle(
  conflict: Conflict,
  value: Json,
  told: Pick<Resolution, 'compromise' | 'method' | 'score' | 'leader' | 'schedule' | 'shares'> & {
    readonly reason: string;
  },
): Resolution {
  const { reason, ...rest } = told;
  const chosen = canonicalText(value);
  const losers = conflict.claims.filter((claim) => canonicalText(claim.value) !== chosen);
  return {
    conflict: conflict.id,
    target: conflict.target,
    value,
    ...rest,
    affected: partiesOf(conflict),
    overridden: losers
      .map(({ party, value: wanted }) => ({ party, wanted, reason }))
      .toSorted((a, b) => (a.party < b.party ? -1 : 1)),
  };
}

/** The parties of a conflict, by id. */
function partiesOf(conflict: Conflict): string[] {
  return conflict.claims.map(({ party }) => party).toSorted();
}
