/**
 * A question being worked on: what its handler sees of it, its deadline, and its one answer.
 *
 * Invariants
 *  Q1  It is answered once; what comes after the answer is dropped.
 *  Q2  Its signal aborts when it ends before its handler does: at the deadline, by a cancel, when the service closes.
 *      The signal is made when the handler first looks at it: most handlers never do.
 *  Q3  An answer that does not fit into a message, or cannot be encoded, becomes an error that does.
 */
import type { Deadlines, Waiting } from './deadlines.ts';
import type { Question } from './envelope.ts';
import { errorBodyOf, type ErrorBody, type MabeamError } from './error.ts';
import { busError } from './errors.ts';
import type { EncodedMessage, Form } from './form.ts';
import { newConversation } from './journey.ts';
import { assertFits } from './request.ts';
import { recordedTrace } from './tracing.ts';
import type { Wire } from './wire.ts';

/** A question as its handler sees it. What costs something is made when it is looked at. */
export interface ServedRequest {
  readonly subject: string;
  readonly body: unknown;
  /** The asking agent, or undefined for an operator or program outside the team. */
  readonly from: string | undefined;
  readonly epoch: number | undefined;
  readonly revision: number | undefined;
  /** Agents the question has passed before this responder. */
  readonly hops: number;
  /**
   * The conversation it belongs to: as the asker names it, else its trace when that is recorded, else a new one. Decided
   * when it is first read.
   */
  readonly conversation: string;
  /** Aborts at the asker's deadline, when the asker cancels, and when the service closes. */
  readonly signal: AbortSignal;
  readonly remainingMs: number | undefined;
}

interface Received {
  readonly question: Question;
  readonly reply: string;
  /** The form of the answer. */
  readonly form: Form;
}

/** A question with its one answer. */
export class OpenQuestion implements ServedRequest, Waiting {
  readonly subject: string;
  readonly reply: string;
  readonly startedAt = performance.now();
  dueAt: number;
  readonly #wire: Wire;
  readonly #question: Question;
  readonly #form: Form;
  #controller: AbortController | undefined;
  #ended: MabeamError | undefined;
  #conversation: string | undefined;
  #isAnswered = false;
  #failure: ErrorBody | undefined;

  constructor(wire: Wire, subject: string, { question, reply, form }: Received) {
    this.#wire = wire;
    this.subject = subject;
    this.reply = reply;
    this.#question = question;
    this.#form = form;
    this.dueAt = this.startedAt + (question.remainingMs ?? Number.POSITIVE_INFINITY);
  }

  get body(): unknown {
    return this.#question.body;
  }

  get from(): string | undefined {
    return this.#question.from;
  }

  get epoch(): number | undefined {
    return this.#question.epoch;
  }

  get revision(): number | undefined {
    return this.#question.revision;
  }

  get remainingMs(): number | undefined {
    return this.#question.remainingMs;
  }

  get hops(): number {
    return this.#question.hops ?? 0;
  }

  get traceparent(): string | false | undefined {
    return this.#question.traceparent;
  }

  /** How many parts of a streamed answer the asker takes ahead; undefined when it takes none. */
  get window(): number | undefined {
    return this.#question.window;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended !== undefined) this.#controller.abort(this.#ended);
    }
    return this.#controller.signal;
  }

  get conversation(): string {
    const { conversation, traceparent } = this.#question;
    this.#conversation ??= conversation ?? recordedTrace(traceparent) ?? newConversation();
    return this.#conversation;
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** The error it was answered with, or ended by. */
  get failure(): ErrorBody | undefined {
    return this.#failure;
  }

  value(body: unknown): void {
    if (this.#isAnswered) return;
    try {
      const message = this.#form.value(body);
      assertFits(this.#wire, this.reply, message.payload);
      this.#isAnswered = true;
      this.#publish(message);
    } catch (error) {
      this.fail(errorBodyOf(error));
    }
  }

  fail(error: ErrorBody): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#failure = error;
    this.#publish(failureThatFits(this.#wire, this.#form, error));
  }

  /** Sends a part of a streamed answer, which names where its receipt is acknowledged. Throws `payload-too-large`. */
  part(body: unknown, index: number, acknowledgeTo: string): void {
    const message = this.#form.part(body, index);
    assertFits(this.#wire, this.reply, message.payload);
    this.#publish(message, acknowledgeTo);
  }

  /** Ends a streamed answer of `count` parts. */
  end(count: number, error?: ErrorBody): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#failure = error;
    this.#publish(this.#form.end(count, error));
  }

  /** Ends the work on it before its handler has: the signal aborts, and the asker is told why. */
  abort(reason: MabeamError): void {
    if (this.#ended !== undefined || this.#isAnswered) return;
    this.#ended = reason;
    this.dueAt = Number.POSITIVE_INFINITY;
    this.#controller?.abort(reason);
    this.fail(reason.toJSON());
  }

  expire(): void {
    const message = `${this.subject}: the asker's ${this.remainingMs} ms have passed`;
    this.abort(busError('deadline-exceeded', message, { details: { subject: this.subject } }));
  }

  /** A streamed answer has no deadline as a whole: from its first part on, its reader has to show life. */
  renew(deadlines: Deadlines, withinMs: number): void {
    this.dueAt = performance.now() + withinMs;
    deadlines.watch(this.dueAt);
  }

  #publish({ payload, headers }: EncodedMessage, reply?: string): void {
    if (headers === undefined && reply === undefined) this.#wire.publishIfOpen(this.reply, payload);
    else
      this.#wire.publishIfOpen(this.reply, payload, { ...(headers && { headers }), ...(reply && { reply }) });
  }
}

/** An error body, without its details where they make it too large. */
export function failureThatFits(wire: Wire, form: Form, error: ErrorBody): EncodedMessage {
  try {
    const message = form.failure(error);
    assertFits(wire, 'an error answer', message.payload);
    return message;
  } catch {
    const { details: _, ...rest } = error;
    return form.failure({ ...rest, message: error.message.slice(0, 1_024) });
  }
}
