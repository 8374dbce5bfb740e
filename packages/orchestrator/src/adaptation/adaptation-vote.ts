/**
 * The vote on an adaptation, as its record has it. It is written before anybody is asked, so that whoever leads puts the same question
 * to the same electorate in the same round (docs/protocol.md, "Policies"). Pure; hold-vote.ts asks.
 *
 * B1 All that a ballot paper is made of is in the record or follows from it: the round from the adaptation's identity, the proposal,
 *    the electorate with its weights and keys, the threshold. The same record makes the same paper.
 * B2 The change is ratified when the weight of those who accept it is more than `threshold` of the weight of all, present or not: who
 *    stands aside, is silent or is not there has not said yes.
 * B3 What was decided is done only on the value it was decided on, in a space that was not frozen since, and not long afterwards.
 */
import { changeProposal } from '@mabeam/agents';
import type { Consensus, VotingParty } from '@mabeam/coordination';
import type { Json, VariableState } from '@mabeam/variables';
import type { AdaptationChange, AdaptationRecord } from './adaptation-record.ts';
import type { AdaptationVote } from './vote-record.ts';
import type { StoredAdaptation } from '../state/space-state.ts';

/** What more than so much of the weight must accept. */
const usualThreshold = 0.6;
/** A vote that is open for longer, because nobody led, or nobody could be asked, is called off. */
const longestMs = 60_000;

/** The vote on the change of a variable, among these, each with its weight; `hash` is that of the adaptation's identity. */
export function callVote(
  hash: string,
  variable: VariableState,
  electorate: readonly VotingParty[],
): AdaptationVote {
  return { round: `a-${hash}`, threshold: usualThreshold, electorate, base: baseOf(variable) };
}

/** The proposal that is put to the vote, the same from the same record (B1). */
export function proposalOf(
  { reason = '' }: AdaptationRecord,
  { from, to, variable }: AdaptationChange,
): Json {
  // What a policy changes comes from the view and from its validation.
  return changeProposal({ variable, from: from as Json, to: to as Json, reason });
}

/** Why nothing is to be done about an open vote any more, whatever it comes to; undefined when something is (B3). */
export function voidedBy(
  { record, revision }: Omit<StoredAdaptation, 'hash'>,
  now: {
    readonly variable: VariableState | undefined;
    readonly frozenAt: number;
    readonly at: number;
  },
): string | undefined {
  if (now.variable === undefined || baseOf(now.variable) !== record.vote?.base)
    return 'somebody has written it meanwhile';
  if (now.frozenAt > revision) return 'the space was frozen meanwhile';
  const isStale = now.at > Date.parse(record.at) + longestMs;
  return isStale ? 'the vote on it was not finished in time' : undefined;
}

/** The record with what the vote came to. */
export function withEnding(record: AdaptationRecord, consensus: Consensus): AdaptationRecord {
  const { kind, support, total, votes } = consensus;
  const said = `${support[0] ?? 0} of ${total} said yes`;
  const certificate = 'certificate' in consensus ? { certificate: consensus.certificate.hash } : {};
  const vote = record.vote && { ...record.vote, ending: kind, votes, ...certificate };
  return { ...record, vote, reason: `${record.reason ?? ''}; ${said}` };
}

function baseOf({ definitionRevision, keyRevision }: VariableState): number {
  return Math.max(definitionRevision, keyRevision);
}
