/**
 * The signed voice of an agent: its vote, its place in committees that decide among liars, in groups that keep a log, in gossip rounds,
 * and among those who sign a ledger.
 *
 * S1  One instance of an agent speaks here, that of the ordinal 0, whose key is the published one: it remembers what it has said.
 * S2  All it says is signed with the agent's one identity.
 */
import type {
  Certificate,
  DraftOccasion,
  GossipPaper,
  GossipVoice,
  LedgerVoice,
  MemberVoice,
  OperationPlace,
  Participation,
  PbftPaper,
  RaftAttendance,
  Vote,
  VoteQuestion,
  VoterVoice,
} from '@mabeam/coordination';
import type { Json } from '@mabeam/variables';
import { readChange, type ProposedChange } from './change-vote.ts';
import { contextOf, type AgentContext, type Speaker } from './context.ts';
import { speakingOrdinal } from './key-directory.ts';

/** What an agent is asked to vote on; `change` when it is a change of a variable. */
export interface AgentQuestion extends VoteQuestion {
  readonly change?: ProposedChange | undefined;
}

/** What an agent is given when it is asked for its vote: its variables are those of one revision, its conversation is the round. */
export interface VoteContext extends AgentContext {
  readonly round: string;
}

/** An agent's vote on anything that is put to it. A throw counts as no vote. */
export type AgentVote = (question: AgentQuestion, context: VoteContext) => Vote | Promise<Vote>;

/** Is told what was decided in a vote of this space, provably; of rounds in which the agent did not vote it may be lost. */
export type AgentDecided = (certificate: Certificate, context: VoteContext) => void | Promise<void>;

/** What is decided in a committee. */
export interface CommitteeQuestion {
  readonly alternatives: readonly Json[];
  readonly paper: PbftPaper;
}

/** Which alternatives an agent takes, by their places, the one it would propose itself first; none: it takes no part. */
export type AgentCommittee = (
  question: CommitteeQuestion,
  context: VoteContext,
) => readonly number[] | Promise<readonly number[]>;

/** What a group has committed to its log. */
export interface CommittedOperation extends OperationPlace {
  readonly body: Json;
}

/**
 * Does what a group has committed in which the agent sits. All members are handed the same operations in the same order, from the first
 * when they are started again: what it answers, the operation's result, must depend on nothing else – not on variables.
 */
export type AgentApply = (
  operation: CommittedOperation,
  context: VoteContext,
) => Json | undefined | Promise<Json | undefined>;

/** What is gossiped about. */
export interface GossipQuestion {
  readonly proposal: Readonly<Record<string, Json>>;
  readonly paper: GossipPaper;
}

/** What an agent would have otherwise or besides, by key, in a round of gossip; of two that write one key the later stays. */
export type AgentGossip = (
  question: GossipQuestion,
  context: VoteContext,
) => Readonly<Record<string, Json>> | Promise<Readonly<Record<string, Json>>>;

/** What shall be the next block of a ledger. */
export interface LedgerQuestion extends Pick<DraftOccasion, 'draft'> {
  readonly changes: readonly Json[];
}

/** Does an agent sign it? `false` refuses, `undefined` stands aside. */
export type AgentSigner = (
  question: LedgerQuestion,
  context: VoteContext,
) => boolean | undefined | Promise<boolean | undefined>;

/** What an agent says that is signed. */
export interface SignedVoice {
  readonly vote?: AgentVote | undefined;
  readonly decided?: AgentDecided | undefined;
  readonly committee?: AgentCommittee | undefined;
  readonly apply?: AgentApply | undefined;
  readonly gossip?: AgentGossip | undefined;
  /** By the ids of the ledgers that it signs. */
  readonly ledgers?: Readonly<Record<string, AgentSigner>> | undefined;
}

/** Takes its places (S1): none for what it has no function for. */
export function joinSigned(
  { joinConsensus, joinPbft, attendRaft, attendGossip, joinLedger }: typeof import('@mabeam/coordination'),
  speaker: Speaker,
  { vote, decided, committee, apply, gossip, ledgers = {} }: SignedVoice,
): readonly Participation[] {
  const { bus, space } = speaker.premises;
  const { agent, ordinal } = speaker.instance;
  if (ordinal !== speakingOrdinal) return [];
  const votes = vote !== undefined || decided !== undefined;
  return [
    ...(votes ? [joinConsensus(bus, space, agent, voterOf(speaker, { vote, decided }))] : []),
    ...(committee ? [joinPbft(bus, space, agent, memberOf(speaker, committee))] : []),
    ...(apply ? [attendRaft(bus, space, agent, sitterOf(speaker, apply))] : []),
    ...(gossip ? [attendGossip(bus, space, agent, gossiperOf(speaker, gossip))] : []),
    ...Object.entries(ledgers).map(([ledger, signer]) =>
      joinLedger(bus, space, ledger, agent, signerOf(speaker, signer)),
    ),
  ];
}

/** The vote as coordination knows it: signed, and with the context of its call. Who only wants to hear stands aside. */
function voterOf(speaker: Speaker, { vote, decided }: Pick<SignedVoice, 'vote' | 'decided'>): VoterVoice {
  return {
    identity: speaker.identity,
    vote: (question, { round, signal }) =>
      speaker.meter.count(async () => {
        const change = readChange(question.proposal);
        return vote?.({ ...question, change }, voteContext(speaker, round, signal));
      }),
    decided:
      decided &&
      ((certificate) =>
        tell(speaker, () => decided(certificate, voteContext(speaker, certificate.paper.round)))),
  };
}

/** The place in committees as coordination knows it. */
function memberOf(speaker: Speaker, committee: AgentCommittee): MemberVoice {
  return {
    identity: speaker.identity,
    accept: (alternatives, paper) =>
      speaker.meter.count(async () => committee({ alternatives, paper }, voteContext(speaker, paper.round))),
  };
}

function sitterOf(speaker: Speaker, apply: AgentApply): RaftAttendance {
  return {
    identity: speaker.identity,
    apply: (body, place) =>
      speaker.meter.count(async () => apply({ ...place, body }, voteContext(speaker, place.id))),
  };
}

function gossiperOf(speaker: Speaker, gossip: AgentGossip): GossipVoice {
  return {
    identity: speaker.identity,
    propose: (proposal, paper) =>
      speaker.meter.count(async () => gossip({ proposal, paper }, voteContext(speaker, paper.round))),
  };
}

function signerOf(speaker: Speaker, signer: AgentSigner): LedgerVoice {
  return {
    identity: speaker.identity,
    accept: (changes, { draft, signal }) =>
      speaker.meter.count(async () =>
        signer({ changes, draft }, voteContext(speaker, draft.operation, signal)),
      ),
  };
}

function voteContext(speaker: Speaker, round: string, signal: AbortSignal = speaker.stopping): VoteContext {
  return Object.assign(contextOf(speaker, { signal, conversation: round }, 1), { round });
}

/** Lets an agent know something that it need not answer; what goes wrong with that is its own affair. */
export function tell(speaker: Speaker, hear: () => void | Promise<void>): void {
  speaker.meter
    .count(async () => hear())
    .catch((error: unknown) => speaker.log.warn({ err: error }, 'the agent failed at what it was told'));
}
