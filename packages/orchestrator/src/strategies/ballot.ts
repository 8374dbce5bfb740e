/**
 * A ballot: the agents a change concerns vote whether it is made. Counting is pure; asking is handlers/votes.ts.
 *
 * B1 The electorate is fixed when the vote begins. Each of it has one vote; a second one replaces the first.
 * B2 The change is ratified when the weight of yes is more than `threshold` of the weight of all, present or not: who abstains, is
 *    silent or is not there has not said yes.
 * B3 The vote is over as soon as what is still missing cannot turn it.
 */
import type { ProposedChange, VoteReply } from '@mabeam/agents';

/** A change put to the vote. */
export interface Ballot extends ProposedChange {
  /** At least one; each agent once. The weights are above 0. */
  readonly electorate: readonly { readonly agent: string; readonly weight: number }[];
  /** From 0 to 1. */
  readonly threshold: number;
}

/** How a vote stands or ended. `yes`, `no` and `total` are weights. */
export interface Count {
  readonly kind: 'open' | 'ratified' | 'rejected';
  readonly yes: number;
  readonly no: number;
  readonly total: number;
}

/** The threshold of a weighted vote unless another is given. */
export const defaultThreshold = 0.6;

/** Counts the replies that are in, by agent; those of strangers do not count (B1–B3). */
export function countVotes(ballot: Ballot, replies: ReadonlyMap<string, VoteReply>): Count {
  const weigh = (isMeant: (reply: VoteReply | undefined) => boolean): number =>
    ballot.electorate.reduce((sum, { agent, weight }) => sum + (isMeant(replies.get(agent)) ? weight : 0), 0);
  const total = weigh(() => true);
  const yes = weigh((reply) => reply === 'yes');
  const missing = weigh((reply) => reply === undefined);
  const needed = ballot.threshold * total;
  const kind = yes > needed ? 'ratified' : yes + missing > needed ? 'open' : 'rejected';
  return { kind, yes, no: total - yes - missing, total };
}
