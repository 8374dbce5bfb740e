/**
 * The asker's end of a streamed answer, docs/protocol.md section "Streamed answers".
 *
 * Invariants
 *  A1  Parts are handed out once each and in order: a part already seen is dropped, a missing one ends the stream with
 *      `stream-broken`.
 *  A2  At most `window` parts are kept: the responder is sent an acknowledgement for every half window taken.
 *  A3  While the reader waits, a part comes within the idle deadline, or the stream ends with `deadline-exceeded`. A
 *      reader that takes its time shows life instead, so that the responder waits for it.
 *  A4  A stream left before its end is cancelled.
 */
import type { Msg } from '@nats-io/transport-node';
import { sendCancel } from './cancel.ts';
import { jsonBytes } from './codec.ts';
import type { MabeamError } from './error.ts';
import { busError } from './errors.ts';
import { formNamed, readAnswer } from './form.ts';
import { cancelled, deadlineExceeded, isNoResponders, noResponders, type Line } from './multiplexer.ts';
import { assertFits, defaultTimeoutMs, metaOf, requestSpan, type RequestOptions } from './request.ts';
import { openSpan } from './tracing.ts';
import type { Wire } from './wire.ts';

/** How to ask for an answer in parts. */
export interface StreamRequestOptions extends Omit<RequestOptions, 'timeoutMs'> {
  /** Longest wait for the next part, and for the first. Default 5 000. */
  readonly idleMs?: number;
  /** Parts the responder may be ahead of the reader. Default 64. */
  readonly window?: number;
}

const defaultWindow = 64;

/** Asks, and yields the parts of the answer as they come; an answer in one piece is a stream of one part. */
export async function* requestStream(
  wire: Wire,
  subject: string,
  body: unknown,
  options: StreamRequestOptions,
): AsyncGenerator<unknown, void> {
  const span = openSpan(requestSpan(subject));
  const parts = new PartReader(wire, subject, options);
  try {
    parts.ask(body, span.traceparent);
    for (;;) {
      const part = await parts.next();
      if (part === undefined) return;
      yield part.body;
    }
  } catch (error) {
    span.fail(error);
    throw error;
  } finally {
    parts.close();
    span.end();
  }
}

interface Part {
  readonly body: unknown;
}

/** What has come of one streamed answer. */
class PartReader {
  readonly #wire: Wire;
  readonly #subject: string;
  readonly #options: StreamRequestOptions;
  readonly #idleMs: number;
  readonly #window: number;
  readonly #line: Line;
  readonly #kept: Part[] = [];
  #received = 0;
  #taken = 0;
  #acknowledged = 0;
  #acknowledgeTo: string | undefined;
  #ending: { readonly error: Error | undefined } | undefined;
  #onNews: (() => void) | undefined;
  #life: ReturnType<typeof setInterval> | undefined;

  constructor(wire: Wire, subject: string, options: StreamRequestOptions) {
    this.#wire = wire;
    this.#subject = subject;
    this.#options = options;
    this.#idleMs = options.idleMs ?? defaultTimeoutMs;
    this.#window = Math.max(1, Math.floor(options.window ?? defaultWindow));
    this.#line = wire.calls.open(
      {
        onMessage: (message) => this.#hear(message),
        onFailure: (error) => this.#end(error),
        onLate: () => this.#late(),
      },
      this.#idleMs,
    );
  }

  ask(body: unknown, traceparent: string | false | undefined): void {
    const { signal, form } = this.#options;
    if (signal?.aborted === true) throw cancelled(this.#subject, signal);
    this.#wire.assertConnected(this.#subject);
    const meta = { ...metaOf(this.#options, this.#idleMs, traceparent), window: this.#window };
    const { payload, headers } = formNamed(form ?? 'envelope').question(body, meta);
    assertFits(this.#wire, this.#subject, payload);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    const reply = this.#line.inbox;
    this.#wire.publish(this.#subject, payload, headers === undefined ? { reply } : { reply, headers });
  }

  /** The next part; undefined at the end. Rejects when the stream ends by an error. */
  async next(): Promise<Part | undefined> {
    for (;;) {
      const part = this.#kept.shift();
      if (part !== undefined) {
        this.#taken += 1;
        if (this.#taken - this.#acknowledged >= this.#window / 2) this.#acknowledge();
        return part;
      }
      if (this.#ending !== undefined) {
        if (this.#ending.error !== undefined) throw this.#ending.error;
        return undefined;
      }
      this.#line.renew(this.#idleMs);
      await new Promise<void>((resolve) => {
        this.#onNews = resolve;
      });
      this.#onNews = undefined;
    }
  }

  close(): void {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    clearInterval(this.#life);
    this.#line.close();
    // A4. What failed on our side – deadline, signal, a gap – has not ended for the responder either.
    if (!this.#hasResponderEnded) sendCancel(this.#wire, this.#subject, this.#line.inbox);
  }

  #hasResponderEnded = false;

  readonly #onAbort = (): void => this.#end(cancelled(this.#subject, this.#options.signal));

  #hear(message: Msg): void {
    if (this.#ending !== undefined) return;
    try {
      if (isNoResponders(message)) throw noResponders(this.#subject);
      this.#take(readAnswer(message), message.reply);
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #take(answer: ReturnType<typeof readAnswer>, acknowledgeTo: string | undefined): void {
    if (answer.kind === 'part') {
      if (answer.index < this.#received) return;
      if (answer.index > this.#received || this.#kept.length >= this.#window)
        throw this.#broken(answer.index);
      this.#showLife(acknowledgeTo);
      this.#keep(answer.body);
      return;
    }
    this.#hasResponderEnded = true;
    if (answer.kind === 'error') throw answer.error;
    if (answer.kind === 'value') this.#keep(answer.body);
    else if (answer.count !== this.#received && answer.error === undefined) throw this.#broken(answer.count);
    this.#end(answer.kind === 'end' ? answer.error : undefined);
  }

  #keep(body: unknown): void {
    this.#received += 1;
    this.#kept.push({ body });
    this.#line.renew(this.#idleMs);
    this.#onNews?.();
  }

  #end(error: Error | undefined): void {
    this.#ending ??= { error };
    this.#onNews?.();
  }

  /** A3. Only a reader that waits is kept waiting. */
  #late(): void {
    if (this.#onNews === undefined) this.#line.renew(this.#idleMs);
    else this.#end(deadlineExceeded(this.#subject, this.#idleMs));
  }

  #showLife(acknowledgeTo: string | undefined): void {
    if (this.#acknowledgeTo !== undefined || acknowledgeTo === undefined || acknowledgeTo === '') return;
    this.#acknowledgeTo = acknowledgeTo;
    this.#life = setInterval(() => this.#acknowledge(), this.#idleMs / 3).unref();
  }

  #acknowledge(): void {
    if (this.#acknowledgeTo === undefined || !this.#wire.connected) return;
    this.#acknowledged = this.#taken;
    this.#wire.publishIfOpen(this.#acknowledgeTo, jsonBytes({ received: this.#taken }));
  }

  #broken(index: number): MabeamError {
    const message = `${this.#subject}: part ${this.#received} of the streamed answer is missing (${index} came); ask again`;
    return busError('stream-broken', message, {
      details: { subject: this.#subject, missing: this.#received },
    });
  }
}
