/**
 * The multiplexer: one inbox subscription for all questions of a connection. The client's own `request` captures a stack
 * trace per call and its sibling subscriptions cost more than the message; this is one callback, a map and one timer.
 *
 * Invariants
 *  M1  A call is settled once: by its last answer, its deadline, its signal, or the loss of the connection.
 *  M2  A settled call is no longer in the map; a late answer meets nobody and is counted.
 *  M3  No call outlives the connection: `failAll` settles every one.
 */
import {
  createInbox,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type PublishOptions,
} from '@nats-io/transport-node';
import { Deadlines, type Waiting } from './deadlines.ts';
import { MabeamError } from './error.ts';
import { busError } from './errors.ts';
import type { Outbox } from './outbox.ts';

/** How long to wait, and what goes with the question. */
export interface CallOptions {
  readonly timeoutMs: number;
  readonly headers?: MsgHdrs | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The question leaves at the end of this turn, with what else is in the outbox; one that is settled before does not leave. */
  readonly isHeld?: boolean | undefined;
  /** Told the question's reply subject when the signal aborts the call. */
  readonly onCancel?: ((reply: string) => void) | undefined;
}

/** The same for many answers: which is the last, and whether some of them will do. */
export interface CollectOptions extends CallOptions {
  readonly isLast: (message: Msg, count: number) => boolean;
  readonly partial?: boolean;
}

/** What listens on a line. */
export interface Receiver {
  readonly onMessage: (message: Msg) => void;
  /** The connection is lost or closed. */
  readonly onFailure: (error: Error) => void;
  /** Nothing has settled it in time; it closes the line or renews it. */
  readonly onLate: () => void;
}

/** An inbox of its own on the connection's one subscription, until closed. */
export interface Line {
  readonly inbox: string;
  /** Gives it this long from now on. */
  renew(withinMs: number): void;
  close(): void;
}

interface Pending extends Waiting {
  dueAt: number;
  onMessage(message: Msg): void;
  onFailure(error: Error): void;
}

/** A question with one answer: an object without closures, for this is the busiest path of all. */
class Question<T> implements Pending {
  dueAt = 0;
  /** Takes it out of the map. */
  settle: () => void = nothing;
  readonly #subject: string;
  readonly #timeoutMs: number;
  readonly #read: (message: Msg) => T;
  readonly #resolve: (answer: T) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    asked: { readonly subject: string; readonly timeoutMs: number; readonly read: (message: Msg) => T },
    resolve: (answer: T) => void,
    reject: (error: unknown) => void,
  ) {
    this.#subject = asked.subject;
    this.#timeoutMs = asked.timeoutMs;
    this.#read = asked.read;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onMessage(message: Msg): void {
    this.settle();
    try {
      if (isNoResponders(message)) throw noResponders(this.#subject);
      this.#resolve(this.#read(message));
    } catch (error) {
      this.#reject(error);
    }
  }

  onFailure(error: Error): void {
    this.settle();
    this.#reject(error);
  }

  expire(): void {
    this.settle();
    this.#reject(deadlineExceeded(this.#subject, this.#timeoutMs));
  }
}

/** The questions of one connection. */
export class Multiplexer {
  readonly #connection: NatsConnection;
  readonly #outbox: Outbox;
  readonly #inbox: string;
  readonly #pending = new Map<number, Pending>();
  readonly #deadlines = new Deadlines(() => this.#pending.values());
  #next = 0;
  #late = 0;

  constructor(connection: NatsConnection, outbox: Outbox) {
    this.#connection = connection;
    this.#outbox = outbox;
    this.#inbox = `${createInbox()}.`;
    connection.subscribe(`${this.#inbox}*`, { callback: (error, message) => this.#deliver(error, message) });
  }

  /** Answers that came after their call was settled. */
  get late(): number {
    return this.#late;
  }

  /** Sends a question and resolves with its one answer, read by `read`; a "no responders" status rejects. */
  call(subject: string, payload: Uint8Array, options: CallOptions): Promise<Msg>;
  call<T>(subject: string, payload: Uint8Array, options: CallOptions, read: (message: Msg) => T): Promise<T>;
  call(
    subject: string,
    payload: Uint8Array,
    options: CallOptions,
    read: (message: Msg) => unknown = itself,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const question = new Question({ subject, timeoutMs: options.timeoutMs, read }, resolve, reject);
      question.settle = this.#send(subject, payload, options, question);
    });
  }

  /**
   * Sends one question and gathers its many answers until `isLast` says so of one. At the deadline it resolves with
   * what came when `partial` is set, and rejects otherwise.
   */
  collect(subject: string, payload: Uint8Array, options: CollectOptions): Promise<Msg[]> {
    return new Promise((resolve, reject) => {
      const answers: Msg[] = [];
      const settle = this.#send(subject, payload, options, {
        onMessage: (message) => {
          answers.push(message);
          if (!options.isLast(message, answers.length)) return;
          settle();
          resolve(answers);
        },
        onFailure: (error) => {
          settle();
          reject(error);
        },
        expire: () => {
          settle();
          if (options.partial === true) resolve(answers);
          else reject(deadlineExceeded(subject, options.timeoutMs));
        },
        dueAt: 0,
      });
    });
  }

  /** Opens a line: messages to its inbox go to the receiver, who is late when nothing renews it `withinMs`. */
  open(receiver: Receiver, withinMs: number): Line {
    const key = this.#next++;
    const { onMessage, onFailure, onLate } = receiver;
    const pending = { onMessage, onFailure, expire: onLate, dueAt: 0 };
    this.#wait(key, pending, withinMs);
    return {
      inbox: this.#inbox + key,
      renew: (ms) => {
        pending.dueAt = performance.now() + ms;
        this.#deadlines.watch(pending.dueAt);
      },
      close: () => void this.#pending.delete(key),
    };
  }

  /** Settles every call with an error: the connection is lost or closed. */
  failAll(error: Error): void {
    for (const pending of this.#pending.values()) pending.onFailure(error);
  }

  #wait(key: number, pending: Pending, withinMs: number): void {
    pending.dueAt = performance.now() + withinMs;
    this.#pending.set(key, pending);
    this.#deadlines.watch(pending.dueAt);
  }

  /** Publishes a question whose answers go to the receiver; returns what takes it out of the map. */
  #send(subject: string, payload: Uint8Array, options: CallOptions, pending: Pending): () => void {
    const key = this.#next++;
    const reply = this.#inbox + key;
    const { signal, headers, isHeld = false } = options;
    if (signal?.aborted === true) {
      queueMicrotask(() => pending.onFailure(cancelled(subject, signal)));
      return nothing;
    }
    this.#wait(key, pending, options.timeoutMs);
    const publishing = headers === undefined ? { reply } : { reply, headers };
    if (isHeld) {
      this.#outbox.add(() => {
        if (this.#pending.has(key)) this.#publish(pending, subject, payload, publishing);
      });
    } else {
      this.#outbox.send();
      this.#publish(pending, subject, payload, publishing);
    }
    const forget = (): void => void this.#pending.delete(key);
    return signal === undefined ? forget : cancellable(signal, { subject, reply, options, pending, forget });
  }

  #publish(pending: Pending, subject: string, payload: Uint8Array, options: PublishOptions): void {
    try {
      this.#connection.publish(subject, payload, options);
    } catch (cause) {
      const isEnded = this.#connection.isClosed() || this.#connection.isDraining();
      const error = isEnded ? busError('closed', `${subject}: the connection is closed`, { cause }) : cause;
      queueMicrotask(() => pending.onFailure(error instanceof Error ? error : new Error(String(error))));
    }
  }

  #deliver(error: Error | null, message: Msg): void {
    if (error !== null) return;
    const pending = this.#pending.get(Number(message.subject.slice(this.#inbox.length)));
    if (pending === undefined) this.#late += 1;
    else pending.onMessage(message);
  }
}

/** Did the server answer that nobody listens? */
export function isNoResponders(message: Msg): boolean {
  return message.data.length === 0 && message.headers?.code === 503;
}

/** Nobody listens. */
export function noResponders(subject: string): MabeamError {
  return busError('no-responders', `nobody serves ${subject}; is the agent or service running?`, {
    details: { subject },
  });
}

/** No answer came in time. */
export function deadlineExceeded(subject: string, timeoutMs: number): MabeamError {
  return busError('deadline-exceeded', `no answer on ${subject} within ${timeoutMs} ms`, {
    details: { subject, timeoutMs },
  });
}

/** The asker's signal has ended the wait. */
export function cancelled(subject: string, signal: AbortSignal | undefined): MabeamError {
  return busError('cancelled', `the request on ${subject} was cancelled`, {
    details: { subject },
    cause: signal?.reason,
  });
}

interface Cancellable {
  readonly subject: string;
  readonly reply: string;
  readonly options: CallOptions;
  readonly pending: Pending;
  readonly forget: () => void;
}

/** Lets the signal end a call; returns what forgets both. */
function cancellable(signal: AbortSignal, call: Cancellable): () => void {
  const onAbort = (): void => {
    call.pending.onFailure(cancelled(call.subject, signal));
    call.options.onCancel?.(call.reply);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return () => {
    call.forget();
    signal.removeEventListener('abort', onAbort);
  };
}

function nothing(): void {}

function itself(message: Msg): Msg {
  return message;
}
