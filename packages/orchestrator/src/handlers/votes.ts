/**
 * Holding a vote: the proposal is sent to each of its electorate, and what comes is counted until it is decided or the time is up
 * (ballot.ts). The question and its answer are those of change-vote.ts in @mabeam/agents.
 */
import { askVote, type VoteReply } from '@mabeam/agents';
import type { Bus } from '@mabeam/bus';
import { countVotes, type Ballot, type Count } from '../strategies/ballot.ts';

/** What a vote came to, and what each of the electorate said. */
export interface VoteResult extends Count {
  readonly replies: ReadonlyMap<string, VoteReply>;
}

/** How long voters are waited for. */
export interface VoteOptions {
  /** Default 5 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Puts a ballot to its electorate and resolves when it is decided, at the deadline at the latest: then who is silent has not said yes. */
export async function holdVote(
  bus: Bus,
  space: string,
  ballot: Ballot,
  { signal, timeoutMs = 5_000 }: VoteOptions = {},
): Promise<VoteResult> {
  const replies = new Map<string, VoteReply>();
  const { electorate, threshold: _kept, ...proposal } = ballot;
  const over = new AbortController();
  const stop = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
  const asked = electorate.map(async ({ agent }) => {
    const reply = await askVote(bus, space, agent, proposal, { signal: stop, timeoutMs });
    if (over.signal.aborted) return;
    replies.set(agent, reply);
    if (countVotes(ballot, replies).kind !== 'open') over.abort();
  });
  await Promise.all(asked);
  return { ...countVotes(ballot, replies), replies };
}
