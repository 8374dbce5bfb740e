/**
 * The responder's end of a request.
 *
 * Invariants
 *  S1  Every question with a reply subject is answered exactly once: a value, a streamed answer with its end, or an error
 *      with a code.
 *  S2  Only an inbox is answered. Permissions do not cover reply subjects, so a responder that answered anywhere could be
 *      made to write where its asker may not (the confused deputy).
 *  S3  A handler's signal aborts at the asker's deadline, when the asker cancels, and when the service closes; what it
 *      returns afterwards is dropped.
 *  S4  At most `concurrency` handlers run; what comes on top is refused `overloaded`, never queued in memory.
 */
import type { Msg, Subscription as NatsSubscription } from '@nats-io/transport-node';
import { Deadlines } from './deadlines.ts';
import { errorBodyOf, errorFromBody } from './error.ts';
import { busError } from './errors.ts';
import { formNamed, formOf, type Form } from './form.ts';
import { failureThatFits, OpenQuestion, type ServedRequest } from './open-question.ts';
import { pause } from './pause.ts';
import { destination, template } from './request.ts';
import { isStream, streamAnswer } from './serve-stream.ts';
import { inSpan, isUnrecorded, responderContext } from './tracing.ts';
import type { Wire } from './wire.ts';

/** Answers a question: by a value, a promise of it, an async iterable of parts, or by throwing. */
export type Handler = (request: ServedRequest) => unknown;

/** How a responder takes its questions. */
export interface ServeOptions {
  /** Queue group: each question goes to one member. */
  readonly queue?: string;
  /** Handlers running at once before questions are refused `overloaded`. Default 1 024. */
  readonly concurrency?: number;
}

/** What a service has done since it was opened. */
export interface ServiceStats {
  readonly requests: number;
  readonly errors: number;
  /** Time in handlers, from the question to its answer. */
  readonly processingMs: number;
  /** The newest error, as `code: message`. */
  readonly lastError: string | undefined;
}

type Context = NonNullable<ReturnType<typeof responderContext>>;

/** How long handlers have to obey their signal when the service closes. */
const obeyMs = 1_000;

/** A running responder; disposing takes no new questions and waits for the running handlers. */
export class Service implements AsyncDisposable {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly #wire: Wire;
  readonly #handler: Handler;
  /** Its subject has no wildcard: then every question is on it, and need not be decoded. */
  readonly #isExact: boolean;
  readonly #concurrency: number;
  readonly #subscription: NatsSubscription;
  readonly #open = new Set<OpenQuestion>();
  readonly #deadlines = new Deadlines(() => this.#open);
  readonly #stats = { requests: 0, errors: 0, processingMs: 0, lastError: undefined as string | undefined };
  readonly #onIdle: (() => void)[] = [];

  /** @internal Use `Bus.serve`. */
  constructor(wire: Wire, subject: string, handler: Handler, options: ServeOptions) {
    this.#wire = wire;
    this.subject = subject;
    this.queue = options.queue;
    this.#handler = handler;
    this.#isExact = !/[*>]/.test(subject);
    this.#concurrency = options.concurrency ?? 1_024;
    this.#subscription = wire.listen(subject, (message) => this.#receive(message), options.queue);
    wire.cancels.join(subject, this);
  }

  /** Handlers running now. */
  get running(): number {
    return this.#open.size;
  }

  /** What it has done so far. */
  get stats(): ServiceStats {
    return { ...this.#stats };
  }

  /**
   * Drains: no new questions, running handlers finish within `graceMs` (default 5 000), then their signals abort and
   * their questions are answered `closed`. A handler that does not obey its signal is not waited for.
   */
  async close(graceMs = 5_000): Promise<void> {
    const until = performance.now() + graceMs;
    if (!this.#subscription.isClosed()) await this.#drain(graceMs);
    if (!(await this.#idle(Math.max(0, until - performance.now())))) {
      const reason = busError('closed', `the responder of ${this.subject} has closed; ask again`);
      for (const open of this.#open) open.abort(reason);
      await this.#idle(obeyMs);
    }
    this.#wire.cancels.leave(this.subject, this);
  }

  /** Closes it, with the default grace. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #receive(message: Msg): void {
    const { reply } = message;
    if (reply === undefined || !isInbox(reply)) return;
    if (this.#open.size >= this.#concurrency) {
      const refusal = `${this.subject} already runs ${this.#concurrency} requests; try again shortly`;
      this.#refuse(reply, formOf(message), busError('overloaded', refusal));
      return;
    }
    const open = this.#read(message, reply);
    if (open === undefined) return;
    if (open.remainingMs !== undefined && open.remainingMs <= 0) {
      open.expire();
      this.#count(open);
      return;
    }
    const parent = responderContext(open.traceparent);
    const work = parent === undefined ? this.#handle(open) : this.#handleTraced(open, parent);
    if (work === undefined) this.#count(open);
    else this.#track(open, work);
  }

  /** Undefined when it is answered already: it cannot be read. */
  #read(message: Msg, reply: string): OpenQuestion | undefined {
    try {
      const subject = this.#isExact ? this.subject : message.subject;
      const form = formOf(message);
      return new OpenQuestion(this.#wire, subject, { question: form.read(message), reply, form });
    } catch (error) {
      // What is no envelope of ours may be one of another version: the plain form is read by all of them.
      this.#refuse(reply, formNamed('plain'), error);
      return undefined;
    }
  }

  #refuse(reply: string, form: Form, error: unknown): void {
    const body = errorBodyOf(error);
    const { payload, headers } = failureThatFits(this.#wire, form, body);
    this.#wire.publishIfOpen(reply, payload, headers === undefined ? undefined : { headers });
    this.#stats.requests += 1;
    this.#stats.errors += 1;
    this.#stats.lastError = `${body.code}: ${body.message}`;
  }

  /** Runs the handler and answers; undefined when that is done, else the promise of it, which does not reject. */
  #handle(open: OpenQuestion): Promise<void> | undefined {
    try {
      const result = this.#handler(open);
      if (!isPromise(result)) return this.#answer(open, result);
      return result.then(
        (value) => this.#answer(open, value),
        (error: unknown) => open.fail(errorBodyOf(error)),
      );
    } catch (error) {
      open.fail(errorBodyOf(error));
      return undefined;
    }
  }

  #handleTraced(open: OpenQuestion, parent: Context): Promise<void> | undefined {
    if (isUnrecorded(parent)) return this.#wire.unrecorded.run(parent, () => this.#handle(open));
    const attributes = destination(open.subject);
    const span = { kind: 'server', name: `serve ${template(open.subject)}`, attributes, parent } as const;
    const work = inSpan(span, async () => {
      await this.#handle(open);
      if (open.failure !== undefined) throw errorFromBody(open.failure);
    });
    // The asker has been told, and the span has it.
    return work.catch(() => undefined);
  }

  #answer(open: OpenQuestion, result: unknown): Promise<void> | undefined {
    if (isStream(result)) return streamAnswer(this.#wire, open, result, this.#deadlines);
    open.value(result);
    return undefined;
  }

  #track(open: OpenQuestion, work: Promise<void>): void {
    this.#open.add(open);
    this.#deadlines.watch(open.dueAt);
    const settled = work.catch((error: unknown) => this.#wire.reportUntaken(open.subject, error));
    void settled.then(() => {
      this.#open.delete(open);
      this.#count(open);
      if (this.#open.size === 0) for (const tell of this.#onIdle.splice(0)) tell();
    });
  }

  #count(open: OpenQuestion): void {
    const stats = this.#stats;
    stats.requests += 1;
    stats.processingMs += performance.now() - open.startedAt;
    if (open.failure === undefined) return;
    stats.errors += 1;
    stats.lastError = `${open.failure.code}: ${open.failure.message}`;
  }

  /** Stops working on the question with this reply subject, if it is open here. */
  cancel(reply: string): void {
    for (const open of this.#open) {
      if (open.reply === reply) open.abort(busError('cancelled', `${open.subject}: the asker has cancelled`));
    }
  }

  /** Takes what is on its way and nothing more; a server that says nothing is not waited for. */
  async #drain(withinMs: number): Promise<void> {
    const drained = new AbortController();
    const end = (): void => drained.abort();
    void this.#subscription.drain().then(end, end);
    await pause(withinMs, drained.signal);
  }

  /** Resolves true when no handler runs any more, false after `timeoutMs`. */
  #idle(timeoutMs: number): Promise<boolean> {
    if (this.#open.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.#onIdle.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }
}

/** Inboxes of clients, and the reply subjects the server itself makes between accounts. */
function isInbox(subject: string): boolean {
  return subject.startsWith('_INBOX') || subject.startsWith('_R_.');
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
