/**
 * A journey: what one question, task or event leads to, through however many agents. Two things travel with it, in an
 * envelope, a header or the headers of what is stored (docs/protocol.md, "Journeys"): how many agents it has passed, and the
 * name of the conversation it belongs to, which is the same at every agent and for every redelivery.
 */
import { nuid } from '@nats-io/transport-node';
import { busError } from './errors.ts';

const conversationPattern = /^[A-Za-z0-9_.-]{1,128}$/;

/** What accompanies a thing on its journey. */
export interface Journey {
  /** Agents it has passed; absent: none. */
  readonly hops?: number | undefined;
  /** Name of the conversation: 1 to 128 of A-Z, a-z, 0-9, "_", "." and "-". */
  readonly conversation?: string | undefined;
}

/** Can this text be the name of a conversation? */
export function isConversation(text: string): boolean {
  return conversationPattern.test(text);
}

/** A name nobody has used. */
export function newConversation(): string {
  return nuid.next();
}

/** Checks what a sender is about to send with; throws `invalid-id` and `malformed-message`. */
export function assertJourney({ hops, conversation }: Journey): void {
  if (conversation !== undefined && !isConversation(conversation)) {
    const message = `conversation: "${conversation}" is not 1 to 128 of A-Z, a-z, 0-9, "_", "." and "-"; choose another name`;
    throw busError('invalid-id', message, { details: { kind: 'conversation', id: conversation } });
  }
  if (hops !== undefined && !isCount(hops)) throw malformed('hops', hops);
}

/** Reads the number of hops from an envelope; throws `malformed-message`. */
export function hopsIn(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isCount(value)) throw malformed('hops', value);
  return value;
}

/** Reads the number of hops from a header; throws `malformed-message`. */
export function hopsInHeader(text: string | undefined): number | undefined {
  const isNumber = text !== undefined && /^\d+$/.test(text);
  return hopsIn(isNumber ? Number(text) : text);
}

/** Reads the name of the conversation from an envelope or a header; throws `malformed-message`. */
export function conversationIn(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || !isConversation(value)) throw malformed('conversation', value);
  return value;
}

/** The headers of a journey, in the plain form and on what is stored. */
export function journeyHeaders({ hops, conversation }: Journey): Record<string, string | undefined> {
  return {
    'Mabeam-Hops': hops === undefined || hops === 0 ? undefined : String(hops),
    'Mabeam-Conversation': conversation,
  };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function malformed(what: string, value: unknown): Error {
  const given = typeof value === 'string' || typeof value === 'number' ? `"${value}"` : typeof value;
  return busError('malformed-message', `the ${what} of a message cannot be ${given}`, { details: { what } });
}
