/**
 * The voter's end: answers with a signed vote, and hears of what was decided.
 *
 * Invariants
 *  J1  One vote a round: who is asked again gives the same vote again, and who is asked something else in the same round refuses.
 *  J2  It signs nothing in a round it is no member of, or where the paper names another key for it.
 *  J3  `decided` is told only what verifies, and of each round it voted in what became of the paper it voted on, for as long as the round
 *      is kept (decision-watch.ts).
 */
import { busErrors, errorsOf, type Bus, type Identity, type ServedRequest } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import { coordinationError } from '../errors.ts';
import type { Occasion, Participation } from '../negotiation/participate.ts';
import { forgetOldest } from '../session/forget-oldest.ts';
import { roundFilter } from '../session/round.ts';
import type { Certificate } from './certificate.ts';
import { DecisionWatch } from './decision-watch.ts';
import { paperDigest, type BallotPaper, type CountingRule } from './paper.ts';
import { consensusProtocol, readPaper, signVote } from './vote.ts';

/** What is put to the vote. */
export interface VoteQuestion {
  readonly proposal: Json;
  /** The proposal and the further ones; a voter accepts one of them or none. */
  readonly alternatives: readonly Json[];
  readonly paper: BallotPaper;
}

/** `true` accepts the proposal, a number that alternative, `false` none; `undefined` stands aside. */
export type Vote = boolean | number | undefined;

/** What a voter has to say. */
export interface VoterVoice {
  readonly identity: Identity;
  readonly vote: (question: VoteQuestion, occasion: Omit<Occasion, 'variable'>) => Vote | Promise<Vote>;
  /** A vote in this space was decided, provably; its certificate says how. Of rounds it did not vote in, it may be lost. */
  readonly decided?: ((certificate: Certificate) => void) | undefined;
  /** Rules by which `decided` can be told of votes that none of ours counts. */
  readonly rules?: readonly CountingRule[] | undefined;
}

/** Rounds that a voter remembers; who is asked again after so many others votes anew. */
const rememberedRounds = 4_096;

const busError = errorsOf(busErrors);

/**
 * Votes for a party in a space until it is disposed of. One process speaks for a party: what it voted is in its memory. Throws
 * `invalid-id`.
 */
export function joinConsensus(bus: Bus, space: string, party: string, voice: VoterVoice): Participation {
  const { decided, rules } = voice;
  const watch = decided === undefined ? undefined : new DecisionWatch(bus, space, decided, rules);
  const given = new Map<string, { readonly digest: string; readonly answer: Promise<unknown> }>();
  const answerOnce = async (request: ServedRequest): Promise<unknown> => {
    const question = readPaper(request.body);
    if (question === undefined || question.paper.space !== space) throw malformed(party);
    const { paper, withinMs } = question;
    const digest = paperDigest(paper);
    const earlier = given.get(paper.round);
    if (earlier?.digest === digest) return await earlier.answer;
    if (earlier !== undefined) throw reused(paper.round, party);
    assertMember(paper, party, voice.identity);
    watch?.expect(paper.round, digest, withinMs);
    const answer = castVote(voice, party, { paper, digest, signal: request.signal });
    given.set(paper.round, { digest, answer });
    forgetOldest(given, rememberedRounds);
    // A vote that failed or was called off is no vote: the same question may be put again.
    answer.catch(() => given.delete(paper.round));
    return await answer;
  };
  const service = bus.serve(roundFilter(space, party, consensusProtocol), answerOnce, { queue: party });
  return {
    party,
    ready: () => bus.flush(),
    [Symbol.asyncDispose]: async () => {
      await watch?.[Symbol.asyncDispose]();
      await service.close();
    },
  };
}

async function castVote(
  voice: VoterVoice,
  party: string,
  {
    paper,
    digest,
    signal,
  }: { readonly paper: BallotPaper; readonly digest: string; readonly signal: AbortSignal },
): Promise<unknown> {
  const { alternatives, round } = paper;
  const [proposal = null] = alternatives;
  const vote = await voice.vote({ proposal, alternatives, paper }, { round, signal });
  if (vote === undefined) return { kind: 'abstain' };
  const accepts = typeof vote === 'number' ? vote : vote ? 0 : null;
  if (accepts !== null && !(Number.isInteger(accepts) && accepts >= 0 && accepts < alternatives.length)) {
    const message = `${party} votes for alternative ${accepts}, and there are ${alternatives.length}`;
    throw busError('handler-failed', message, { details: { party, round, accepts } });
  }
  const { key, signature } = signVote(voice.identity, digest, party, accepts);
  return { kind: 'vote', accepts, key, signature };
}

function assertMember(paper: BallotPaper, party: string, { publicKey }: Identity): void {
  const voter = paper.electorate.find((member) => member.party === party);
  if (voter !== undefined && (voter.key === undefined || voter.key === publicKey)) return;
  const why =
    voter === undefined ? 'is not in the electorate' : 'is named with another key than the one it has';
  throw coordinationError('invalid-proposal', `${party} ${why} (round ${paper.round})`, {
    details: { party, round: paper.round },
  });
}

function malformed(party: string): Error {
  const message = `a question to ${party} has no ballot paper of this space; see the protocol, "Votes"`;
  return busError('malformed-message', message, { details: { party } });
}

function reused(round: string, party: string): Error {
  const message = `${party} has voted in the round ${round} on another paper; take a new round`;
  return coordinationError('round-reused', message, { details: { round, party } });
}
