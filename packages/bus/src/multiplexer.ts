/**
 * The multiplexer: one inbox subscription for all questions of a connection. The client's own `request` captures a stack
 * trace per call and its sibling subscriptions cost more than the message; this is one callback and a map.
 *
 * Invariants
 *  M1  A call is settled once: by its last answer, its deadline, its signal, or the loss of the connection.
 *  M2  A settled call is no longer in the map, and its timer is cleared; a late answer meets nobody and is counted.
 *  M3  No call outlives the connection: `failAll` settles every one.
 */
import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { MabeamError } from './error.ts';
import { busError } from './errors.ts';

export interface CallOptions {
  readonly timeoutMs: number;
  readonly headers?: MsgHdrs | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CollectOptions extends CallOptions {
  readonly isLast: (message: Msg, count: number) => boolean;
  readonly partial?: boolean;
}

interface Pending {
  readonly onMessage: (message: Msg) => void;
  readonly onFailure: (error: Error) => void;
}

export class Multiplexer {
  readonly #connection: NatsConnection;
  readonly #inbox: string;
  readonly #pending = new Map<string, Pending>();
  #next = 0;
  #late = 0;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.#inbox = `${createInbox()}.`;
    connection.subscribe(`${this.#inbox}*`, { callback: (error, message) => this.#deliver(error, message) });
  }

  /** Answers that came after their call was settled. */
  get late(): number {
    return this.#late;
  }

  /** Sends a question and resolves with its one answer; a "no responders" status rejects. */
  call(subject: string, payload: Uint8Array, options: CallOptions): Promise<Msg> {
    return new Promise((resolve, reject) => {
      const settle = this.#open(subject, payload, options, {
        onMessage: (message) => {
          settle();
          if (isNoResponders(message)) reject(noResponders(subject));
          else resolve(message);
        },
        onFailure: (error) => {
          settle();
          reject(error);
        },
      });
    });
  }

  /**
   * Sends one question and gathers its many answers until `isLast` says so of one. At the deadline it resolves with
   * what came when `partial` is set, and rejects otherwise.
   */
  collect(subject: string, payload: Uint8Array, options: CollectOptions): Promise<Msg[]> {
    return new Promise((resolve, reject) => {
      const answers: Msg[] = [];
      const settle = this.#open(subject, payload, options, {
        onMessage: (message) => {
          answers.push(message);
          if (!options.isLast(message, answers.length)) return;
          settle();
          resolve(answers);
        },
        onFailure: (error) => {
          settle();
          if (options.partial === true && error instanceof MabeamError && error.code === 'deadline-exceeded')
            resolve(answers);
          else reject(error);
        },
      });
    });
  }

  /** Settles every call with an error: the connection is lost or closed. */
  failAll(error: Error): void {
    for (const pending of this.#pending.values()) pending.onFailure(error);
  }

  #open(subject: string, payload: Uint8Array, options: CallOptions, pending: Pending): () => void {
    const key = (this.#next++).toString(36);
    const { signal } = options;
    const timer = setTimeout(
      () => pending.onFailure(deadlineExceeded(subject, options.timeoutMs)),
      options.timeoutMs,
    );
    const onAbort = (): void => pending.onFailure(cancelled(subject, signal));
    const settle = (): void => {
      this.#pending.delete(key);
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    this.#pending.set(key, pending);
    if (signal?.aborted === true) queueMicrotask(onAbort);
    else signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const { headers } = options;
      this.#connection.publish(subject, payload, {
        reply: this.#inbox + key,
        ...(headers === undefined ? {} : { headers }),
      });
    } catch (cause) {
      queueMicrotask(() =>
        pending.onFailure(busError('closed', `${subject}: the connection is closed`, { cause })),
      );
    }
    return settle;
  }

  #deliver(error: Error | null, message: Msg): void {
    if (error !== null) return;
    const pending = this.#pending.get(message.subject.slice(this.#inbox.length));
    if (pending === undefined) this.#late += 1;
    else pending.onMessage(message);
  }
}

/** Did the server answer that nobody listens? */
export function isNoResponders(message: Msg): boolean {
  return message.data.length === 0 && message.headers?.code === 503;
}

function noResponders(subject: string): Error {
  return busError('no-responders', `nobody serves ${subject}; is the agent or service running?`, {
    details: { subject },
  });
}

function deadlineExceeded(subject: string, timeoutMs: number): Error {
  return busError('deadline-exceeded', `no answer on ${subject} within ${timeoutMs} ms`, {
    details: { subject, timeoutMs },
  });
}

function cancelled(subject: string, signal: AbortSignal | undefined): Error {
  return busError('cancelled', `the request on ${subject} was cancelled`, {
    details: { subject },
    cause: signal?.reason,
  });
}
