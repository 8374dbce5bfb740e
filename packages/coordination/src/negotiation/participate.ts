/**
 * The party's end of a negotiation: answers with what it wants, bids, and how it takes what the others want.
 *
 * A voice need not speak in every phase: without a word on its wishes it stands aside (`abstain`), and in the phases that follow it
 * leaves the answer to the strategy's usual rule (`delegate`).
 */
import { busErrors, errorsOf, type Bus, type ServedRequest, type Subscription } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import { announcementSubject, roundFilter } from '../session/round.ts';
import { negotiationProtocol, readOpening, readQuestion, type OpeningQuestion } from './messages.ts';
import type { Order, Stance } from './position.ts';
import type { Objection, Question } from './strategy.ts';

/** A stance as it travels: functions do not. */
export type StatedStance = Omit<Stance, 'utility'> & {
  readonly utility?: Exclude<Stance['utility'], (value: Json) => number>;
};

/** Where a question comes from. */
export interface Occasion {
  readonly round: string;
  readonly variable: string;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

type Of<P extends Question['phase']> = Extract<Question, { phase: P }>;
type Maybe<T> = T | undefined | Promise<T | undefined>;

/** What a party has to say; `undefined` is "I have nothing to say", and leaves it to the rule or stands aside. */
export interface PartyVoice {
  /** What do you want? */
  readonly prefer?: (question: OpeningQuestion, occasion: Occasion) => Maybe<StatedStance>;
  /** What do you want, and what do you bid? */
  readonly bid?: (question: OpeningQuestion, occasion: Occasion) => Maybe<StatedStance>;
  /** What do you buy and sell? */
  readonly orders?: (question: OpeningQuestion, occasion: Occasion) => Maybe<readonly Order[]>;
  /** The others want this: do you accept, or what do you want now? */
  readonly react?: (
    question: Of<'react'>,
    occasion: Occasion,
  ) => Maybe<{ readonly kind: 'accept' } | { readonly kind: 'counter'; readonly value: Json }>;
  /** Do you stay in at this price (rising), or take it (falling)? */
  readonly price?: (question: Of<'price'>, occasion: Occasion) => Maybe<boolean>;
  /** You decide: which value? */
  readonly decide?: (question: Of<'decide'>, occasion: Occasion) => Maybe<Json>;
  /** This was decided: do you object? */
  readonly object?: (question: Of<'object'>, occasion: Occasion) => Maybe<Omit<Objection, 'party'>>;
  /** A negotiation in this space has ended. May be lost. */
  readonly settled?: (announcement: unknown) => void;
}

/** A running participation; disposing takes no new questions and finishes the open ones. */
export interface Participation extends AsyncDisposable {
  readonly party: string;
  /** Resolves when the server knows that this party can be asked. */
  readonly ready: () => Promise<void>;
}

const busError = errorsOf(busErrors);

/**
 * Answers for a party in the negotiations of a space until it is disposed of. Several processes may speak for one party: each
 * question goes to one of them. Throws `invalid-id`.
 */
export function participate(bus: Bus, space: string, party: string, voice: PartyVoice): Participation {
  const filter = roundFilter(space, party, negotiationProtocol);
  const service = bus.serve(filter, (request) => answer(voice, request), { queue: party });
  const listening: Subscription | undefined =
    voice.settled === undefined
      ? undefined
      : bus.subscribe(announcementSubject(space, negotiationProtocol), (message) =>
          voice.settled?.(message.body()),
        );
  return {
    party,
    ready: () => bus.flush(),
    [Symbol.asyncDispose]: async () => {
      await listening?.[Symbol.asyncDispose]();
      await service.close();
    },
  };
}

async function answer(voice: PartyVoice, request: ServedRequest): Promise<unknown> {
  const phase = request.subject.slice(request.subject.lastIndexOf('.') + 1);
  const { signal } = request;
  if (phase === 'prefer' || phase === 'bid' || phase === 'orders') {
    const question = readOpening(request.body);
    if (question === undefined) throw malformed(phase);
    return await open(voice, phase, question, { round: question.round, variable: question.variable, signal });
  }
  const read = readQuestion(request.body);
  if (read === undefined || read.question.phase !== phase) throw malformed(phase);
  return (await reply(voice, read.question, { ...read, signal })) ?? { kind: 'delegate' };
}

async function open(
  voice: PartyVoice,
  phase: 'prefer' | 'bid' | 'orders',
  question: OpeningQuestion,
  occasion: Occasion,
): Promise<unknown> {
  if (phase === 'orders') {
    const orders = await voice.orders?.(question, occasion);
    return orders === undefined ? { kind: 'abstain' } : { kind: 'stance', orders };
  }
  const stance = await voice[phase]?.(question, occasion);
  return stance === undefined ? { kind: 'abstain' } : { kind: 'stance', ...stance };
}

async function reply(voice: PartyVoice, question: Question, occasion: Occasion): Promise<unknown> {
  switch (question.phase) {
    case 'react':
      return await voice.react?.(question, occasion);
    case 'price': {
      const stays = await voice.price?.(question, occasion);
      return stays === undefined ? undefined : { kind: stays ? 'accept' : 'decline' };
    }
    case 'decide': {
      const value = await voice.decide?.(question, occasion);
      return value === undefined ? undefined : { kind: 'decision', value };
    }
    case 'object': {
      const objection = await voice.object?.(question, occasion);
      return objection === undefined ? undefined : { kind: 'object', ...objection };
    }
  }
}

function malformed(phase: string): Error {
  const message = `a question of the phase ${phase} does not look like this; see the protocol, "Rounds"`;
  return busError('malformed-message', message, { details: { phase } });
}
