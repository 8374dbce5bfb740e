/** The asker's end of a request: envelope out, answer or typed error back, a CLIENT span around it. */
import type { Msg, MsgHdrs } from '@nats-io/transport-node';
import { busError } from './errors.ts';
import { decodeBody, jsonBytes } from './codec.ts';
import { decodeAnswer, encodeQuestion, looksLikeEnvelope, type QuestionMeta } from './envelope.ts';
import { errorFromBody, MabeamError } from './error.ts';
import { headerMapOf, headersOf } from './message.ts';
import { attributes } from './semconv.ts';
import { isNoResponders } from './multiplexer.ts';
import { activeTraceparent, inSpan } from './tracing.ts';
import type { Wire } from './wire.ts';

export interface RequestOptions {
  /** How long to wait for the answer; the responder sees what remains. Default 5 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** The asking agent, when an agent of the space asks. */
  readonly from?: string;
  readonly epoch?: number;
  readonly revision?: number;
  /**
   * `plain` for a responder without our library: a JSON body, with deadline, sender and trace context in headers.
   * Default `envelope`.
   */
  readonly form?: 'envelope' | 'plain';
}

const defaultTimeoutMs = 5_000;

/** Asks on a subject and resolves with the answer's body. */
export function request(
  wire: Wire,
  subject: string,
  body: unknown,
  options: RequestOptions,
): Promise<unknown> {
  const spanned = {
    kind: 'client',
    name: `request ${template(subject)}`,
    attributes: destination(subject),
  } as const;
  return inSpan(spanned, async () => {
    wire.assertConnected(subject);
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    const { payload, headers } = questionOf(body, options, timeoutMs);
    assertFits(wire, subject, payload);
    return answerOf(await wire.calls.call(subject, payload, { timeoutMs, signal: options.signal, headers }));
  });
}

/** Asks many and resolves with every value that came; answers that are errors are returned as errors. */
export async function requestAll(
  wire: Wire,
  subject: string,
  body: unknown,
  options: RequestOptions & { readonly expect?: number },
): Promise<unknown[]> {
  wire.assertConnected(subject);
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const payload = encodeQuestion(body, metaOf(options, timeoutMs));
  const isLast = (message: Msg, count: number): boolean =>
    isNoResponders(message) || count === options.expect;
  const answers = await wire.calls.collect(subject, payload, {
    timeoutMs,
    signal: options.signal,
    isLast,
    partial: true,
  });
  return answers
    .filter((message) => !isNoResponders(message))
    .map((message) => {
      try {
        return answerOf(message);
      } catch (error) {
        return error;
      }
    });
}

/** Refuses a payload the server would close the connection for. */
export function assertFits(wire: Wire, subject: string, payload: Uint8Array): void {
  const limit = wire.connection.info?.max_payload ?? 1_048_576;
  if (payload.length <= limit) return;
  throw busError(
    'payload-too-large',
    `${subject}: ${payload.length} bytes, the server takes ${limit}; send less or in parts`,
    {
      details: { subject, bytes: payload.length, limit },
    },
  );
}

/** `mabeam.desk.ask.agent.judge` → `ask.agent.judge`: without the space, which is an attribute. */
export function template(subject: string): string {
  return subject.split('.').slice(2).join('.') || subject;
}

export function destination(subject: string): Record<string, string> {
  const space = subject.split('.')[1];
  return {
    [attributes.messagingDestination]: subject,
    ...(space === undefined ? {} : { [attributes.space]: space }),
  };
}

interface EncodedQuestion {
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs | undefined;
}

/**
 * Both forms of a question. The trace context of a sampled envelope stands in the headers too, where the server's own message
 * tracing sees it.
 */
function questionOf(body: unknown, options: RequestOptions, timeoutMs: number): EncodedQuestion {
  const meta = metaOf(options, timeoutMs);
  if (options.form === 'plain') return { payload: jsonBytes(body), headers: headersOf(plainHeaders(meta)) };
  const { traceparent } = meta;
  const headers = traceparent?.endsWith('-01') === true ? headersOf({ traceparent }) : undefined;
  return { payload: encodeQuestion(body, meta), headers };
}

function plainHeaders(meta: QuestionMeta): Record<string, string | undefined> {
  return {
    'Content-Type': 'application/json',
    'Mabeam-Deadline': meta.remainingMs?.toString(),
    traceparent: meta.traceparent,
    'Mabeam-From': meta.from,
    'Mabeam-Epoch': meta.epoch?.toString(),
    'Mabeam-Revision': meta.revision?.toString(),
  };
}

function metaOf(options: RequestOptions, timeoutMs: number): QuestionMeta {
  const { from, epoch, revision } = options;
  return { remainingMs: timeoutMs, traceparent: activeTraceparent(), from, epoch, revision };
}

/** Both forms of an answer: envelope, or plain body with service headers. */
function answerOf(message: Msg): unknown {
  const headers = headerMapOf(message.headers);
  const contentType = headers.get('content-type');
  if (contentType === undefined && looksLikeEnvelope(message.data)) {
    const answer = decodeAnswer(message.data);
    if (answer.kind === 'error') throw answer.error;
    return answer.body;
  }
  const code = headers.get('mabeam-error');
  const status = headers.get('nats-service-error-code');
  if (code === undefined && status === undefined) return decodeBody(message.data, contentType);
  throw errorFromBody({
    code: code ?? 'remote-failure',
    message: headers.get('nats-service-error'),
    status: Number(status ?? 500),
    ...plainErrorBody(message.data),
  });
}

function plainErrorBody(data: Uint8Array): object {
  try {
    const body = decodeBody(data, 'application/json');
    return typeof body === 'object' && body !== null ? body : {};
  } catch (error) {
    if (error instanceof MabeamError) return {};
    throw error;
  }
}
