/** The asker's end of a request: question out, answer or typed error back, a CLIENT span around it when it is traced. */
import type { Msg } from '@nats-io/transport-node';
import { sendCancel } from './cancel.ts';
import type { QuestionMeta } from './envelope.ts';
import { MabeamError } from './error.ts';
import { busError } from './errors.ts';
import { formNamed, readAnswer } from './form.ts';
import { assertJourney, type Journey } from './journey.ts';
import { isNoResponders } from './multiplexer.ts';
import { attributes } from './semconv.ts';
import { activeTraceparent, askerHop, inSpan, openSpan } from './tracing.ts';
import type { Wire } from './wire.ts';

/** How to ask, and what accompanies the question. */
export interface RequestOptions extends Journey {
  /** How long to wait for the answer; the responder sees what remains. Default 5 000. */
  readonly timeoutMs?: number;
  /** Cancels: the wait ends with `cancelled`, and the responder's signal aborts. */
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

export const defaultTimeoutMs = 5_000;

/** Asks on a subject and resolves with the answer's body. */
export function request(
  wire: Wire,
  subject: string,
  body: unknown,
  options: RequestOptions,
): Promise<unknown> {
  const hop = askerHop();
  if (hop.kind === 'pass') return ask(wire, subject, { body, options, traceparent: hop.traceparent });
  return inSpan(requestSpan(subject), () =>
    ask(wire, subject, { body, options, traceparent: activeTraceparent() }),
  );
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
  const span = openSpan(requestSpan(subject));
  try {
    const meta = metaOf(options, timeoutMs, span.traceparent);
    const { payload, headers } = formNamed(options.form ?? 'envelope').question(body, meta);
    assertFits(wire, subject, payload);
    const answers = await wire.calls.collect(subject, payload, {
      timeoutMs,
      headers,
      signal: options.signal,
      isLast: (message, count) => isNoResponders(message) || count === options.expect,
      partial: true,
    });
    return answers.filter((message) => !isNoResponders(message)).map(valueOrError);
  } catch (error) {
    span.fail(error);
    throw error;
  } finally {
    span.end();
  }
}

/** Refuses a payload the server would close the connection for. */
export function assertFits(wire: Wire, subject: string, payload: Uint8Array): void {
  const limit = wire.maxPayload;
  if (payload.length <= limit) return;
  const message = `${subject}: ${payload.length} bytes, the server takes ${limit}; send less or in parts`;
  throw busError('payload-too-large', message, { details: { subject, bytes: payload.length, limit } });
}

/** The span of an asker. */
export function requestSpan(subject: string): Parameters<typeof inSpan>[0] {
  return { kind: 'client', name: `request ${template(subject)}`, attributes: destination(subject) };
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

/** What accompanies a question with these options. Throws `invalid-id`. */
export function metaOf(
  options: RequestOptions,
  timeoutMs: number,
  traceparent: string | false | undefined,
): QuestionMeta {
  const { from, epoch, revision, hops, conversation } = options;
  assertJourney(options);
  return { remainingMs: timeoutMs, traceparent, from, epoch, revision, hops, conversation };
}

interface Asked {
  readonly body: unknown;
  readonly options: RequestOptions;
  readonly traceparent: string | false | undefined;
}

/** One promise from here to the answer: no `async` in between, for this is the busiest path of all. */
function ask(wire: Wire, subject: string, { body, options, traceparent }: Asked): Promise<unknown> {
  try {
    wire.assertConnected(subject);
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    const form = formNamed(options.form ?? 'envelope');
    const { payload, headers } = form.question(body, metaOf(options, timeoutMs, traceparent));
    assertFits(wire, subject, payload);
    const { signal } = options;
    const call =
      signal === undefined
        ? { timeoutMs, headers }
        : { timeoutMs, headers, signal, onCancel: (reply: string) => sendCancel(wire, subject, reply) };
    return wire.calls.call(subject, payload, call, valueOf);
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}

function valueOf(message: Msg): unknown {
  const answer = readAnswer(message);
  if (answer.kind === 'value') return answer.body;
  if (answer.kind === 'error') throw answer.error;
  throw busError('malformed-message', 'a part of a streamed answer came, and none was asked for');
}

function valueOrError(message: Msg): unknown {
  try {
    return valueOf(message);
  } catch (error) {
    if (error instanceof MabeamError) return error;
    throw error;
  }
}
