/**
 * The voice of an agent: what it wants where a value is negotiated, and what it signs (signed-voice.ts).
 *
 * Invariants
 *  V1  An agent can be asked for any of them from when it is active until it drains; then its open answers are finished.
 *  V2  An agent without a voice has no subscription for one, and does not load what negotiates.
 *  V3  Whose role only watches has no voice, whatever its author wrote.
 *  V4  Any of its instances answers where values are negotiated; what is signed is said by one of them.
 */
import type { Occasion as Question, PartyVoice } from '@mabeam/coordination';
import { z } from 'zod';
import { contextOf, type AgentContext, type Speaker } from './context.ts';
import type { Door } from './door.ts';
import { hasVoice } from './rights.ts';
import { joinSigned, tell, type SignedVoice } from './signed-voice.ts';

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
} & {
  /** A negotiation in this space has ended, one it was no party of too. Each instance hears it; it may be lost. */
  readonly settled?: (ending: NegotiationEnding, context: PartyContext) => void | Promise<void>;
};

/** How a negotiation ended, as it is announced. */
export interface NegotiationEnding {
  readonly round: string;
  readonly variable: string;
  readonly strategy: string;
  /** `kind` is `agreed`, with the `value`, or another ending. */
  readonly outcome: Readonly<Record<string, unknown>> & { readonly kind: string };
}

/** Who may have a voice. */
export interface Voiced extends SignedVoice {
  readonly party?: AgentParty | undefined;
}

/** Loads what an agent with a voice needs, so that its doors can be opened at once. */
export async function prepareVoice(
  definition: Voiced,
): Promise<typeof import('@mabeam/coordination') | undefined> {
  const { party, vote, decided, committee, apply, gossip, ledgers } = definition;
  const hasWord = [party, vote, decided, committee, apply, gossip, ledgers].some(
    (word) => word !== undefined,
  );
  return hasWord ? import('@mabeam/coordination') : undefined;
}

/** V1–V4: a door for each of its places. */
export function openVoice(
  speaker: Speaker,
  { party, ...signed }: Voiced,
  coordination: Awaited<ReturnType<typeof prepareVoice>>,
): Door[] {
  if (coordination === undefined) return [];
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
  const participations = [
    ...joinSigned(coordination, speaker, signed),
    ...(party === undefined ? [] : [coordination.participate(bus, space, agent, voiceOf(speaker, party))]),
  ];
  return participations.map((each): Door => ({ close: async () => each[Symbol.asyncDispose]() }));
}

/** The voice as coordination knows it: each function that is there, given the context of its call too. */
function voiceOf(speaker: Speaker, party: AgentParty): PartyVoice {
  const { prefer, bid, orders, react, price, decide, object, settled } = party;
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
    ...(settled && {
      settled: (announcement: unknown) => {
        const ending = endingIn(announcement);
        if (ending === undefined) return;
        const { round, variable } = ending;
        const occasion = { round, variable, signal: speaker.stopping };
        tell(speaker, () => settled(ending, partyContext(speaker, occasion)));
      },
    }),
  };
}

const announcementSchema = z.object({
  round: z.string(),
  subject: z.string(),
  strategy: z.string(),
  outcome: z.object({ kind: z.string() }).loose(),
});

/** Anybody may publish there: what is no announcement is nothing. */
function endingIn(announcement: unknown): NegotiationEnding | undefined {
  const read = announcementSchema.safeParse(announcement).data;
  if (read === undefined) return undefined;
  const { round, subject: variable, strategy, outcome } = read;
  return { round, variable, strategy, outcome };
}

function partyContext(speaker: Speaker, { round, signal, variable }: Question): PartyContext {
  return Object.assign(contextOf(speaker, { signal, conversation: round }, 1), { round, variable });
}
