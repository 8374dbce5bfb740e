/**
 * The envelope of asks, commands and rounds, docs/protocol.md section "Envelope".
 *
 * Between our processes deadline, trace context, sender and epoch travel in front of the body in one MessagePack array,
 * because NATS headers cost a third of the throughput. Everybody else sends a plain body with headers. A receiver tells
 * them apart so: an envelope has no `Content-Type` and its first byte is 0x90–0x9f (a short MessagePack array), which no
 * JSON text can begin with. An answer takes the form of its question.
 */
import { packBytes, unpackBytes } from './codec.ts';
import { busError } from './errors.ts';
import { errorFromBody, type ErrorBody, type MabeamError } from './error.ts';
import { conversationIn, hopsIn, type Journey } from './journey.ts';

/** Version of the envelope; the first element of the array. */
const protocolVersion = 1;

/** What accompanies a question. */
export interface QuestionMeta extends Journey {
  /** Time the asker still waits, in ms; clocks differ, so no instant is sent. */
  readonly remainingMs?: number | undefined;
  /** `false`: the root decided, without an id, that this is not recorded. */
  readonly traceparent?: string | false | undefined;
  /** The agent that asks; absent for operators and programs outside the team. */
  readonly from?: string | undefined;
  /** Revision of the coordination graph the sender went by. */
  readonly epoch?: number | undefined;
  /** Revision of the variables the sender went by. */
  readonly revision?: number | undefined;
  /** The asker takes a streamed answer, at most this many parts ahead of what it has acknowledged. */
  readonly window?: number | undefined;
}

/** A question as it came. */
export interface Question extends QuestionMeta {
  readonly body: unknown;
}

/** One message of an answer: all of it, or a part of a streamed one, or that one's end. */
export type Answer =
  | { readonly kind: 'value'; readonly body: unknown }
  | { readonly kind: 'error'; readonly error: MabeamError }
  | { readonly kind: 'part'; readonly body: unknown; readonly index: number }
  | { readonly kind: 'end'; readonly count: number; readonly error: MabeamError | undefined };

/** Could these bytes be an envelope? Only asked when the message has no `Content-Type`. */
export function looksLikeEnvelope(bytes: Uint8Array): boolean {
  const first = bytes[0];
  return first !== undefined && first >= 0x90 && first <= 0x9f;
}

/** A question as an envelope; what is absent at its end is left out. */
export function encodeQuestion(body: unknown, meta: QuestionMeta): Uint8Array {
  const parts = [
    protocolVersion,
    body,
    meta.remainingMs ?? null,
    meta.traceparent ?? null,
    meta.from ?? null,
    meta.epoch ?? null,
    meta.revision ?? null,
  ];
  const { window, hops = 0, conversation } = meta;
  // What is absent at the end is left out.
  if (conversation !== undefined) parts.push(window ?? null, hops, conversation);
  else if (hops > 0) parts.push(window ?? null, hops);
  else if (window !== undefined) parts.push(window);
  return packBytes(parts);
}

/** Reads a question; throws `malformed-message` or `protocol-version`. */
export function decodeQuestion(bytes: Uint8Array): Question {
  // By index: taking an array of ten apart by its iterator took a twentieth of the responder's time.
  const parts = versioned(bytes, 7, 'question');
  const traceparent = parts[3];
  return {
    body: parts[1],
    remainingMs: numberOr(parts[2]),
    traceparent: traceparent === false ? false : stringOr(traceparent),
    from: stringOr(parts[4]),
    epoch: numberOr(parts[5]),
    revision: numberOr(parts[6]),
    window: numberOr(parts[7]),
    hops: hopsIn(parts[8]),
    conversation: conversationIn(parts[9]),
  };
}

/** An answer in one piece; without a value it is null. */
export function encodeAnswer(body: unknown): Uint8Array {
  return packBytes([protocolVersion, body ?? null, null]);
}

/** An error in place of an answer. */
export function encodeErrorAnswer(error: ErrorBody): Uint8Array {
  return packBytes([protocolVersion, null, error]);
}

/** The part of a streamed answer at this place, counted from 0. */
export function encodePart(body: unknown, index: number): Uint8Array {
  return packBytes([protocolVersion, body ?? null, null, index]);
}

/** The end of a streamed answer of `count` parts. */
export function encodeEnd(count: number, error: ErrorBody | undefined): Uint8Array {
  return packBytes([protocolVersion, null, error ?? null, count, true]);
}

/** Reads an answer; throws `malformed-message` or `protocol-version`. */
export function decodeAnswer(bytes: Uint8Array): Answer {
  const [, body, given, index, isEnd] = versioned(bytes, 3, 'answer');
  const error = given === null || given === undefined ? undefined : errorFromBody(given);
  if (typeof index === 'number') {
    return isEnd === true ? { kind: 'end', count: index, error } : { kind: 'part', body, index };
  }
  return error === undefined ? { kind: 'value', body } : { kind: 'error', error };
}

function versioned(bytes: Uint8Array, length: number, what: string): readonly unknown[] {
  const parts = unpackBytes(bytes);
  if (!Array.isArray(parts) || typeof parts[0] !== 'number') {
    throw busError(
      'malformed-message',
      `this is not an envelope: a ${what} begins with the protocol version`,
    );
  }
  if (parts[0] !== protocolVersion) {
    throw busError(
      'protocol-version',
      `the ${what} speaks protocol version ${parts[0]}, this process ${protocolVersion}; upgrade the older one`,
      { details: { theirs: parts[0], ours: protocolVersion } },
    );
  }
  if (parts.length < length) {
    throw busError('malformed-message', `a ${what} has ${length} elements, this one ${parts.length}`);
  }
  return parts;
}

function numberOr(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function stringOr(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
