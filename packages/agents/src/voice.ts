/**
 * The voice of an agent: what it wants where a value is negotiated, and its vote on changes that are put to the vote.
 *
 * Invariants
 *  V1  An agent can be asked for either from when it is active until it drains; then its open answers are finished.
 *  V2  An agent without a voice has no subscription for one, and does not load what negotiates.
 *  V3  Whose role only watches has no voice, whatever its author wrote.
 */
import type { Occasion as Question, PartyVoice } from '@mabeam/coordination';
import { serveVote, type ProposedChange, type Vote } from './change-vote.ts';
import { contextOf, type AgentContext, type Speaker } from './context.ts';
import type { Door } from './door.ts';
import { hasVoice } from './rights.ts';

/** What an agent is given when it is asked as a party: its variables are those of one revision, its conversation is the round. */
export interface PartyContext extends AgentContext {
  readonly round: string;
  /** The variable that is negotiated. */
  readonly variable: string;
}

/** A question of a negotiation, asked with the context of a call. */
export type WithContext<F> = F extends (question: infer Q, occasion: Question) => infer A
  ? (question: Q, context: PartyContext) => A
  : never;

/** The questions of a negotiation that an agent may answer; what it has no function for, it leaves to the rule, or stands aside. */
export type AgentParty = {
  readonly [K in Exclude<keyof PartyVoice, 'settled'>]?: WithContext<NonNullable<PartyVoice[K]>>;
};

/** An agent's vote on a change. A throw counts as no vote. */
export type AgentVote = (proposal: ProposedChange, context: AgentContext) => Vote | Promise<Vote>;

/** Who may have a voice. */
export interface Voiced {
  readonly party?: AgentParty;
  readonly vote?: AgentVote;
}

/** Loads what an agent with a voice needs, so that its doors can be opened at once. */
export async function prepareVoice(
  definition: Voiced,
): Promise<typeof import('@mabeam/coordination') | undefined> {
  return definition.party === undefined ? undefined : import('@mabeam/coordination');
}

/** V1–V3: a door for the vote, and one for the party. */
export function openVoice(
  speaker: Speaker,
  { party, vote }: Voiced,
  coordination: Awaited<ReturnType<typeof prepareVoice>>,
): Door[] {
  if (party === undefined && vote === undefined) return [];
  const { bus, space, specs } = speaker.premises;
  const { agent } = speaker.instance;
  const spec = specs.of(agent)?.spec;
  if (spec !== undefined && !hasVoice(spec)) {
    speaker.log.warn(
      { role: spec.role },
      `${agent} has a voice, which nobody of the role ${spec.role} is given`,
    );
    return [];
  }
  const doors: Door[] = [];
  if (vote !== undefined) {
    const decide: Parameters<typeof serveVote>[3] = (proposal, request) =>
      speaker.meter.count(async () => vote(proposal, contextOf(speaker, request, request.hops + 1)));
    doors.push(serveVote(bus, space, agent, decide));
  }
  if (party === undefined || coordination === undefined) return doors;
  const participation = coordination.participate(bus, space, agent, voiceOf(speaker, party));
  doors.push({ close: async () => participation[Symbol.asyncDispose]() });
  return doors;
}

/** The voice as coordination knows it: each function that is there, given the context of its call too. */
function voiceOf(speaker: Speaker, party: AgentParty): PartyVoice {
  const { prefer, bid, orders, react, price, decide, object } = party;
  const inContext =
    <Q, A>(answer: (question: Q, context: PartyContext) => A | Promise<A>) =>
    (question: Q, occasion: Question): Promise<A> =>
      speaker.meter.count(async () => answer(question, partyContext(speaker, occasion)));
  return {
    ...(prefer && { prefer: inContext(prefer) }),
    ...(bid && { bid: inContext(bid) }),
    ...(orders && { orders: inContext(orders) }),
    ...(react && { react: inContext(react) }),
    ...(price && { price: inContext(price) }),
    ...(decide && { decide: inContext(decide) }),
    ...(object && { object: inContext(object) }),
  };
}

function partyContext(speaker: Speaker, { round, signal, variable }: Question): PartyContext {
  return Object.assign(contextOf(speaker, { signal, conversation: round }, 1), { round, variable });
}
