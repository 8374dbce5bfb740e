/**
 * The responder's end of a request.
 *
 * Invariants
 *  S1  Every question with a reply subject is answered exactly once: a value, or an error with a code.
 *  S2  Only an inbox is answered. Permissions do not cover reply subjects, so a responder that answered anywhere could be
 *      made to write where its asker may not (the confused deputy).
 *  S3  A handler's signal aborts at the asker's deadline and when the service closes; work past the deadline is answered
 *      `deadline-exceeded` and its result dropped.
 *  S4  At most `concurrency` handlers run; what comes on top is refused `overloaded`, never queued in memory.
 */
import type { Msg, Subscription as NatsSubscription } from '@nats-io/transport-node';
import { busError } from './errors.ts';
import { decodeBody, jsonBytes } from './codec.ts';
import {
  decodeQuestion,
  encodeAnswer,
  encodeErrorAnswer,
  looksLikeEnvelope,
  type Question,
} from './envelope.ts';
import { errorBodyOf, type ErrorBody } from './error.ts';
import { headerMapOf, headersOf, type HeaderMap } from './message.ts';
import { destination, template } from './request.ts';
import { contextFrom, inSpan } from './tracing.ts';
import type { Wire } from './wire.ts';

export interface ServedRequest {
  readonly subject: string;
  readonly body: unknown;
  /** The asking agent, or undefined for an operator or program outside the team. */
  readonly from: string | undefined;
  readonly epoch: number | undefined;
  readonly revision: number | undefined;
  /** Aborts at the asker's deadline and when the service closes. */
  readonly signal: AbortSignal;
  readonly remainingMs: number | undefined;
}

export type Handler = (request: ServedRequest) => unknown;

export interface ServeOptions {
  /** Queue group: each question goes to one member. */
  readonly queue?: string;
  /** Handlers running at once before questions are refused `overloaded`. Default 1 024. */
  readonly concurrency?: number;
}

/** A running responder; disposing takes no new questions and waits for the running handlers. */
export class Service implements AsyncDisposable {
  readonly #wire: Wire;
  readonly #subject: string;
  readonly #handler: Handler;
  readonly #concurrency: number;
  readonly #subscription: NatsSubscription;
  readonly #running = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor(wire: Wire, subject: string, handler: Handler, options: ServeOptions) {
    this.#wire = wire;
    this.#subject = subject;
    this.#handler = handler;
    this.#concurrency = options.concurrency ?? 1_024;
    const queue = options.queue === undefined ? {} : { queue: options.queue };
    const callback = (error: Error | null, message: Msg): void => {
      if (error === null) this.#receive(message);
    };
    this.#subscription = wire.connection.subscribe(subject, { ...queue, callback });
  }

  /** Handlers running now. */
  get running(): number {
    return this.#running.size;
  }

  /** Drains: no new questions, running handlers finish within `graceMs` (default 5 000), then their signals abort. */
  async close(graceMs = 5_000): Promise<void> {
    if (!this.#subscription.isClosed()) await this.#subscription.drain().catch(() => undefined);
    const timer = setTimeout(() => this.#closing.abort(), graceMs);
    await Promise.allSettled(this.#running);
    clearTimeout(timer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #receive(message: Msg): void {
    const { reply } = message;
    if (reply === undefined || !isInbox(reply)) return;
    const respond = responder(this.#wire, message, reply);
    if (this.#running.size >= this.#concurrency) {
      const refusal = `${this.#subject} already runs ${this.#concurrency} requests; try again shortly`;
      respond.fail(errorBodyOf(busError('overloaded', refusal)));
      return;
    }
    const work = this.#answer(message, respond).finally(() => void this.#running.delete(work));
    this.#running.add(work);
  }

  async #answer(message: Msg, respond: Responder): Promise<void> {
    try {
      const question = questionOf(message);
      const parent = contextFrom(question.traceparent);
      const options = {
        kind: 'server',
        name: `serve ${template(message.subject)}`,
        attributes: destination(message.subject),
        parent,
      } as const;
      respond.value(await inSpan(options, () => this.#run(message.subject, question)));
    } catch (error) {
      respond.fail(errorBodyOf(error));
    }
  }

  async #run(subject: string, question: Question): Promise<unknown> {
    const { body, from, epoch, revision, remainingMs } = question;
    const deadline = deadlineOf(remainingMs, subject);
    const signal = AbortSignal.any([deadline.signal, this.#closing.signal]);
    try {
      const work = Promise.resolve(
        this.#handler({ subject, body, from, epoch, revision, remainingMs, signal }),
      );
      return await Promise.race([work, deadline.passed]);
    } finally {
      deadline.clear();
    }
  }
}

interface Deadline {
  readonly signal: AbortSignal;
  readonly passed: Promise<never>;
  readonly clear: () => void;
}

function deadlineOf(remainingMs: number | undefined, subject: string): Deadline {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const passed = new Promise<never>((_, reject) => {
    if (remainingMs === undefined) return;
    timer = setTimeout(() => {
      const error = busError('deadline-exceeded', `${subject}: the asker's ${remainingMs} ms have passed`);
      controller.abort(error);
      reject(error);
    }, remainingMs);
  });
  return { signal: controller.signal, passed, clear: () => clearTimeout(timer) };
}

interface Responder {
  readonly value: (body: unknown) => void;
  readonly fail: (error: ErrorBody) => void;
}

/** An answer takes the form of its question: envelope to envelope, JSON with headers to everybody else. */
function responder(wire: Wire, message: Msg, reply: string): Responder {
  const publish = (data: Uint8Array, pairs?: Record<string, string>): void => {
    if (wire.closed) return;
    wire.connection.publish(reply, data, pairs === undefined ? {} : { headers: headersOf(pairs) });
  };
  if (message.headers?.has('Content-Type') !== true && looksLikeEnvelope(message.data)) {
    return {
      value: (body) => publish(encodeAnswer(body)),
      fail: (error) => publish(encodeErrorAnswer(error)),
    };
  }
  return {
    value: (body) => publish(jsonBytes(body ?? null), { 'Content-Type': 'application/json' }),
    fail: (error) => publish(jsonBytes(error), errorHeaders(error)),
  };
}

function errorHeaders(error: ErrorBody): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    'Nats-Service-Error-Code': String(error.status ?? 500),
    'Nats-Service-Error': error.message.replaceAll(/[\r\n]+/g, ' '),
    'Mabeam-Error': error.code,
  };
}

function questionOf(message: Msg): Question {
  const headers = headerMapOf(message.headers);
  const contentType = headers.get('content-type');
  if (contentType === undefined && looksLikeEnvelope(message.data)) return decodeQuestion(message.data);
  return {
    body: decodeBody(message.data, contentType),
    remainingMs: numberHeader(headers, 'mabeam-deadline'),
    traceparent: headers.get('traceparent'),
    from: headers.get('mabeam-from'),
    epoch: numberHeader(headers, 'mabeam-epoch'),
    revision: numberHeader(headers, 'mabeam-revision'),
  };
}

function numberHeader(headers: HeaderMap, name: string): number | undefined {
  const text = headers.get(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw busError('malformed-message', `header ${name}: "${text}" is not a number ≥ 0`);
}

/** Inboxes of clients, and the reply subjects the server itself makes between accounts. */
function isInbox(subject: string): boolean {
  return subject.startsWith('_INBOX') || subject.startsWith('_R_.');
}
