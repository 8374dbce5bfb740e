/**
 * The wire: what the rooms of this package share of one connection, and what no other package sees. `wireOf(bus)` is
 * the door; it is not exported from the package.
 */
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import type { Msg, NatsConnection, PublishOptions, Subscription } from '@nats-io/transport-node';
import { busError } from './errors.ts';
import { CancelDesk } from './cancel.ts';
import { Multiplexer } from './multiplexer.ts';
import { Outbox } from './outbox.ts';
import { UnrecordedFrame } from './tracing.ts';

const warningPauseMs = 10_000;

/** One connection, with what its users share. */
export class Wire {
  readonly connection: NatsConnection;
  readonly calls: Multiplexer;
  readonly cancels: CancelDesk;
  /** What need not leave at once. */
  readonly outbox = new Outbox();
  readonly unrecorded = new UnrecordedFrame();
  readonly url: string;
  readonly #reconnected = new Set<() => void>();
  #connected = true;
  #untakenCount = 0;
  #warnsAgainAt = 0;
  #manager: Promise<JetStreamManager> | undefined;

  constructor(connection: NatsConnection, url: string) {
    this.connection = connection;
    this.url = url;
    this.cancels = new CancelDesk(this);
    this.calls = new Multiplexer(connection, this.outbox);
  }

  get connected(): boolean {
    return this.#connected && !this.connection.isClosed();
  }

  get closed(): boolean {
    return this.connection.isClosed();
  }

  /** Largest message the server takes, in bytes. */
  get maxPayload(): number {
    return this.connection.info?.max_payload ?? 1_048_576;
  }

  /** Follows the connection's state until it closes; a lost connection fails every open call at once. */
  async follow(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === 'disconnect') this.#lost();
      if (status.type === 'reconnect') this.#restored();
    }
    this.#connected = false;
    this.calls.failAll(this.closedError());
    this.#tellReconnected();
  }

  onReconnect(listener: () => void): Disposable {
    this.#reconnected.add(listener);
    return { [Symbol.dispose]: () => void this.#reconnected.delete(listener) };
  }

  /** Resolves true when connected, false after `timeoutMs`; throws `closed` or `cancelled`. */
  async whenConnected(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.closed) throw this.closedError();
    if (this.#connected) return true;
    assertWanted(signal);
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        subscription[Symbol.dispose]();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      const subscription = this.onReconnect(done);
      signal?.addEventListener('abort', done, { once: true });
    });
    if (this.closed) throw this.closedError();
    assertWanted(signal);
    return this.#connected;
  }

  jetstream(): JetStreamClient {
    return jetstream(this.connection, { timeout: 5_000 });
  }

  manager(): Promise<JetStreamManager> {
    this.#manager ??= jetstreamManager(this.connection, { checkAPI: false, timeout: 5_000 });
    return this.#manager;
  }

  /**
   * Listens. What the listener throws – over a stranger's body, say – is reported as a process warning, at most one in ten seconds: thrown on, it would
   * end the client's reading and with it the connection of everybody here. Throws `closed`.
   */
  listen(subject: string, listener: (message: Msg) => void, queue?: string): Subscription {
    const callback = (error: Error | null, message: Msg): void => {
      if (error !== null) return;
      try {
        listener(message);
      } catch (thrown) {
        this.reportUntaken(message.subject, thrown);
      }
    };
    try {
      return this.connection.subscribe(subject, queue === undefined ? { callback } : { callback, queue });
    } catch (error) {
      throw this.#ended(error);
    }
  }

  /** Publishes. Throws `closed` on a connection that has closed, or is just closing and takes nothing more. */
  publish(subject: string, payload: Uint8Array, options?: PublishOptions): void {
    this.outbox.send();
    try {
      this.connection.publish(subject, payload, options);
    } catch (error) {
      throw this.#ended(error);
    }
  }

  /** Resolves when the server has what was sent so far. Throws `closed`, or `disconnected` when the connection is lost first. */
  async flush(): Promise<void> {
    this.outbox.send();
    try {
      await this.connection.flush();
    } catch (cause) {
      if (this.connection.isClosed() || this.connection.isDraining()) throw this.closedError();
      const message = `the connection to ${this.url} was lost before the server confirmed what was sent`;
      throw busError('disconnected', message, { details: { url: this.url }, cause });
    }
  }

  /**
   * Publishes an answer. A connection that has closed, or is just closing, takes none; there is nobody left to tell, and the
   * asker learns it by its own deadline.
   */
  publishIfOpen(subject: string, payload: Uint8Array, options?: PublishOptions): void {
    this.outbox.send();
    try {
      this.connection.publish(subject, payload, options);
    } catch (error) {
      if (!this.connection.isClosed() && !this.connection.isDraining()) throw error;
    }
  }

  /** Throws unless a message published now would reach the server. */
  assertConnected(subject: string): void {
    if (this.closed) throw this.closedError();
    if (this.#connected) return;
    throw busError(
      'disconnected',
      `not connected to ${this.url}: nothing was sent to ${subject}; it reconnects by itself`,
      {
        details: { subject, url: this.url },
      },
    );
  }

  closedError(): Error {
    return busError('closed', `the connection to ${this.url} is closed; open a new one`, {
      details: { url: this.url },
    });
  }

  /** Says in a process warning, at most once in ten seconds, that a message led to nothing but an exception. */
  reportUntaken(subject: string, thrown: unknown): void {
    this.#untakenCount += 1;
    const now = performance.now();
    if (now < this.#warnsAgainAt) return;
    this.#warnsAgainAt = now + warningPauseMs;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    const message = `a message on ${subject} was not taken (${this.#untakenCount} so far): ${why}`;
    process.emitWarning(message, { type: 'MabeamWarning' });
  }

  #lost(): void {
    this.#connected = false;
    const message = `the connection to ${this.url} was lost while waiting; whether the other side acted is not known`;
    this.calls.failAll(busError('disconnected', message, { details: { url: this.url } }));
  }

  #restored(): void {
    this.#connected = true;
    this.#tellReconnected();
  }

  /** One that throws must not keep the others from hearing it, nor end the following of the connection. */
  #tellReconnected(): void {
    for (const listener of this.#reconnected) {
      try {
        listener();
      } catch (thrown) {
        this.reportUntaken('the reconnect', thrown);
      }
    }
  }

  /** What the client throws over a connection that has closed or is closing, as our error. */
  #ended(error: unknown): unknown {
    return this.connection.isClosed() || this.connection.isDraining() ? this.closedError() : error;
  }
}

function assertWanted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw busError('cancelled', 'the wait for the connection was cancelled', { cause: signal.reason });
}

const wires = new WeakMap<object, Wire>();

/** Registers the wire behind a bus. */
export function bindWire(bus: object, wire: Wire): void {
  wires.set(bus, wire);
}

/** The wire behind a bus. */
export function wireOf(bus: object): Wire {
  const wire = wires.get(bus);
  if (wire === undefined) throw new TypeError('this is not a bus made by connectBus');
  return wire;
}
