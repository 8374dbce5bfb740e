/**
 * The two forms of a conversation, docs/protocol.md section "Requests": the envelope between our own processes, and a
 * plain body with headers for everybody else. Whoever receives takes both; an answer takes the form of its question,
 * except that what could not be read as an envelope is refused in the plain form, which every version reads.
 */
import type { Msg, MsgHdrs } from '@nats-io/transport-node';
import { decodeBody, jsonBytes } from './codec.ts';
import {
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
  encodeEnd,
  encodeErrorAnswer,
  encodePart,
  encodeQuestion,
  looksLikeEnvelope,
  type Answer,
  type Question,
  type QuestionMeta,
} from './envelope.ts';
import { errorFromBody, MabeamError, type ErrorBody } from './error.ts';
import { busError } from './errors.ts';
import { conversationIn, hopsInHeader, journeyHeaders } from './journey.ts';
import { headerMapOf, headersOf, type HeaderMap } from './message.ts';
import { anonymousTraceparent } from './tracing.ts';

/** A message as the client takes it. */
export interface EncodedMessage {
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs | undefined;
}

/** How the messages of a conversation are written and read. */
export interface Form {
  /** Reads a question of this form; throws `malformed-message` or `protocol-version`. */
  readonly read: (message: Msg) => Question;
  readonly question: (body: unknown, meta: QuestionMeta) => EncodedMessage;
  readonly value: (body: unknown) => EncodedMessage;
  readonly failure: (error: ErrorBody) => EncodedMessage;
  /** One part of a streamed answer, counted from 0. */
  readonly part: (body: unknown, index: number) => EncodedMessage;
  /** The end of a streamed answer of `count` parts. */
  readonly end: (count: number, error?: ErrorBody) => EncodedMessage;
}

const bare = (payload: Uint8Array): EncodedMessage => ({ payload, headers: undefined });
const json = (body: unknown, pairs: Record<string, string | undefined> = {}): EncodedMessage => ({
  payload: jsonBytes(body),
  headers: headersOf({ 'Content-Type': 'application/json', ...pairs }),
});

const envelope: Form = {
  read: (message) => decodeQuestion(message.data),
  question: (body, meta) => ({ payload: encodeQuestion(body, meta), headers: sampledHeaders(meta) }),
  value: (body) => bare(encodeAnswer(body)),
  failure: (error) => bare(encodeErrorAnswer(error)),
  part: (body, index) => bare(encodePart(body, index)),
  end: (count, error) => bare(encodeEnd(count, error)),
};

const plain: Form = {
  read: readPlainQuestion,
  question: (body, meta) => json(body, questionHeaders(meta)),
  value: (body) => json(body ?? null),
  failure: (error) => json(error, errorHeaders(error)),
  part: (body, index) => json(body ?? null, { 'Mabeam-Part': String(index) }),
  end: (count, error) =>
    json(error, { 'Mabeam-End': String(count), ...(error === undefined ? {} : errorHeaders(error)) }),
};

/** The form of this name. */
export function formNamed(name: 'envelope' | 'plain'): Form {
  return name === 'plain' ? plain : envelope;
}

/** The form in which this question is answered. */
export function formOf(message: Msg): Form {
  return isEnvelope(message) ? envelope : plain;
}

function readPlainQuestion(message: Msg): Question {
  const headers = headerMapOf(message.headers);
  return {
    body: decodeBody(message.data, headers.get('content-type')),
    remainingMs: numberHeader(headers, 'mabeam-deadline'),
    traceparent: headers.get('traceparent'),
    from: headers.get('mabeam-from'),
    epoch: numberHeader(headers, 'mabeam-epoch'),
    revision: numberHeader(headers, 'mabeam-revision'),
    window: numberHeader(headers, 'mabeam-stream'),
    hops: hopsInHeader(headers.get('mabeam-hops')),
    conversation: conversationIn(headers.get('mabeam-conversation')),
  };
}

/** Reads an answer of either form; throws `malformed-message` or `protocol-version`. */
export function readAnswer(message: Msg): Answer {
  if (isEnvelope(message)) return decodeAnswer(message.data);
  const headers = headerMapOf(message.headers);
  const error = errorIn(message.data, headers);
  const count = numberHeader(headers, 'mabeam-end');
  if (count !== undefined) return { kind: 'end', count, error };
  if (error !== undefined) return { kind: 'error', error };
  const body = decodeBody(message.data, headers.get('content-type'));
  const index = numberHeader(headers, 'mabeam-part');
  return index === undefined ? { kind: 'value', body } : { kind: 'part', body, index };
}

/** An envelope has no `Content-Type` and begins like a short MessagePack array. */
function isEnvelope(message: Msg): boolean {
  if (!looksLikeEnvelope(message.data)) return false;
  return message.headers === undefined || !headerMapOf(message.headers).has('content-type');
}

/** The trace context of a sampled envelope stands in the headers too, where the server's own message tracing sees it. */
function sampledHeaders({ traceparent }: QuestionMeta): MsgHdrs | undefined {
  const isSampled = typeof traceparent === 'string' && traceparent.endsWith('-01');
  return isSampled ? headersOf({ traceparent }) : undefined;
}

function questionHeaders(meta: QuestionMeta): Record<string, string | undefined> {
  return {
    'Mabeam-Deadline': meta.remainingMs?.toString(),
    traceparent: meta.traceparent === false ? anonymousTraceparent() : meta.traceparent,
    'Mabeam-From': meta.from,
    'Mabeam-Epoch': meta.epoch?.toString(),
    'Mabeam-Revision': meta.revision?.toString(),
    'Mabeam-Stream': meta.window?.toString(),
    ...journeyHeaders(meta),
  };
}

function errorHeaders(error: ErrorBody): Record<string, string> {
  return {
    'Nats-Service-Error-Code': String(error.status ?? 500),
    'Nats-Service-Error': onOneLine(error.message),
    'Mabeam-Error': onOneLine(error.code),
  };
}

function onOneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ');
}

function errorIn(data: Uint8Array, headers: HeaderMap): MabeamError | undefined {
  const code = headers.get('mabeam-error');
  const status = headers.get('nats-service-error-code');
  if (code === undefined && status === undefined) return undefined;
  return errorFromBody({
    code: code ?? 'remote-failure',
    message: headers.get('nats-service-error'),
    status: Number(status ?? 500),
    ...objectIn(data),
  });
}

function objectIn(data: Uint8Array): object {
  try {
    const body = decodeBody(data, 'application/json');
    return typeof body === 'object' && body !== null ? body : {};
  } catch (error) {
    if (error instanceof MabeamError) return {};
    throw error;
  }
}

function numberHeader(headers: HeaderMap, name: string): number | undefined {
  const text = headers.get(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw busError('malformed-message', `header ${name}: "${text}" is not a number ≥ 0`);
}
