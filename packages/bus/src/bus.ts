/**
 * The bus: one connection of one process, and the only door to NATS.
 *
 * It promises honesty: a publish while disconnected is refused, not dropped; a question is answered, refused or timed
 * out with a code; a lost connection fails what waits at once; a store is acknowledged or an error. It reconnects for
 * ever and tells whoever asked to be told.
 */
import { connect } from '@nats-io/transport-node';
import { busError } from './errors.ts';
import { encodeBody, type ContentType } from './codec.ts';
import type { MabeamError } from './error.ts';
import { busMessage, headersOf, type BusMessage } from './message.ts';
import { unlessAborted } from './pause.ts';
import { assertFits, request, requestAll, type RequestOptions } from './request.ts';
import { requestStream, type StreamRequestOptions } from './request-stream.ts';
import { Service, type Handler, type ServeOptions } from './serve.ts';
import { store, type StoreAck, type StoreOptions } from './store.ts';
import { readServerUrl, type ServerUrl } from './server-url.ts';
import { bindWire, Wire } from './wire.ts';

/** Where to connect, as whom, and for how long to try. */
export interface BusOptions {
  /**
   * With the credentials, where the server wants some: `nats://user:password@host:port`, `nats://token@host:port`. Default
   * `$NATS_URL` unless that is empty, else `nats://127.0.0.1:4222`.
   */
  readonly url?: string;
  /** Name of the connection, as `nats server list connections` shows it. */
  readonly name: string;
  /** How long to try for the first connection. Default 10 000. */
  readonly connectTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What accompanies a message that is published. */
export interface PublishOptions {
  readonly contentType?: ContentType;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** A running subscription; disposing ends it. */
export interface Subscription extends AsyncDisposable {
  readonly subject: string;
}

/** Where the server is when nobody says. */
export const defaultServerUrl = 'nats://127.0.0.1:4222';

const oldestServer = [2, 12] as const;

/** Connects. Throws `server-unavailable`, `server-too-old` or `jetstream-missing`, each with the cure, and `cancelled`. */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const usual = process.env['NATS_URL'];
  const url = options.url ?? (usual === '' ? undefined : usual) ?? defaultServerUrl;
  const server = readServerUrl(url);
  const connection = await firstConnection(server, options);
  const problem = shortcoming(connection.info?.version, connection.info?.jetstream, server.shown);
  if (problem !== undefined) {
    await connection.close();
    throw problem;
  }
  return new Bus(new Wire(connection, server.shown), options.name, url);
}

/** One connection of one process; open it with {@link connectBus}. */
export class Bus implements AsyncDisposable {
  readonly name: string;
  /** Where the server is, with the credentials that led there: to connect with, not to be shown (`publicUrl`). */
  readonly url: string;
  readonly #wire: Wire;
  #ending: Promise<void> | undefined;

  /** @internal Use `connectBus`. */
  constructor(wire: Wire, name: string, url: string) {
    this.name = name;
    this.url = url;
    this.#wire = wire;
    bindWire(this, wire);
    void wire.follow();
  }

  /** Is it connected now? It reconnects by itself. */
  get connected(): boolean {
    return this.#wire.connected;
  }

  /** Version of the connected nats-server. */
  get serverVersion(): string {
    return this.#wire.connection.info?.version ?? '';
  }

  /** Largest message the server takes, in bytes. */
  get maxPayload(): number {
    return this.#wire.maxPayload;
  }

  /** Publishes without acknowledgement (signals). Throws `disconnected` or `closed` when it would be dropped. JSON by default. */
  publish(subject: string, body: unknown, options: PublishOptions = {}): void {
    const contentType = options.contentType ?? 'application/json';
    const headers =
      contentType === 'application/json'
        ? options.headers
        : { ...options.headers, 'Content-Type': contentType };
    this.publishBytes(subject, encodeBody(body, contentType), headers);
  }

  /** Publishes bytes as they are, after what was to be stored before. Throws `disconnected` when they would be dropped. */
  publishBytes(subject: string, bytes: Uint8Array, headers?: PublishOptions['headers']): void {
    this.#wire.assertConnected(subject);
    assertFits(this.#wire, subject, bytes);
    this.#wire.publish(subject, bytes, headers === undefined ? {} : { headers: headersOf(headers) });
  }

  /** Calls the listener for every message on a subject or filter until disposed. What it throws becomes a process warning. */
  subscribe(
    subject: string,
    listener: (message: BusMessage) => void,
    options: { readonly queue?: string } = {},
  ): Subscription {
    const subscription = this.#wire.listen(
      subject,
      (message) => listener(busMessage(message)),
      options.queue,
    );
    return {
      subject,
      [Symbol.asyncDispose]: async () => {
        if (!this.#wire.closed && !subscription.isClosed()) subscription.unsubscribe();
      },
    };
  }

  /** Asks and resolves with the answer's body. Errors: `no-responders`, `deadline-exceeded`, `disconnected`, `cancelled`, or the responder's own. */
  request(subject: string, body: unknown, options: RequestOptions = {}): Promise<unknown> {
    return request(this.#wire, subject, body, options);
  }

  /**
   * Asks and yields the parts of a streamed answer in order, once each; leaving the loop cancels the responder. Errors as
   * for `request`, and `stream-broken` when a part is missing.
   */
  requestStream(
    subject: string,
    body: unknown,
    options: StreamRequestOptions = {},
  ): AsyncGenerator<unknown, void> {
    return requestStream(this.#wire, subject, body, options);
  }

  /** Asks everybody on a subject and resolves, at the deadline or after `expect` answers, with all answers; errors among them as errors. */
  requestAll(
    subject: string,
    body: unknown,
    options: RequestOptions & { readonly expect?: number } = {},
  ): Promise<unknown[]> {
    return requestAll(this.#wire, subject, body, options);
  }

  /** Answers questions on a subject until the service is closed. */
  serve(subject: string, handler: Handler, options: ServeOptions = {}): Service {
    return new Service(this.#wire, subject, handler, options);
  }

  /** Stores a message in the stream that listens on the subject; resolves once it is kept. Retried over reconnects. */
  store(subject: string, bytes: Uint8Array, options: StoreOptions = {}): Promise<StoreAck> {
    return store(this.#wire, subject, bytes, options);
  }

  /** Calls the listener after every reconnect: the moment to read what was missed. */
  onReconnect(listener: () => void): Disposable {
    return this.#wire.onReconnect(listener);
  }

  /**
   * Resolves when the server has everything published and subscribed so far. Throws `disconnected` when the connection is lost
   * or nothing was taken for `timeoutMs`, and `closed`.
   */
  async flush(timeoutMs = 5_000): Promise<void> {
    const late = AbortSignal.timeout(timeoutMs);
    const passed = new Promise<never>((_, reject) => {
      late.addEventListener('abort', () =>
        reject(busError('disconnected', `${this.#wire.url} took nothing for ${timeoutMs} ms`)),
      );
    });
    await Promise.race([this.#wire.flush(), passed]);
  }

  /** Sends what is buffered, waiting at most `drainMs` for a silent server, then closes; closing twice is nothing, also at once. */
  close(drainMs = 2_000): Promise<void> {
    this.#ending ??= this.#end(drainMs);
    return this.#ending;
  }

  async #end(drainMs: number): Promise<void> {
    const { connection } = this.#wire;
    if (this.#wire.closed) return;
    if (this.#wire.connected) {
      this.#wire.outbox.send();
      const late = new Promise<void>((resolve) => setTimeout(resolve, drainMs).unref());
      // A drain cut short by a lost connection has nothing left to send.
      await Promise.race([connection.drain().catch(() => undefined), late]);
    }
    await connection.close();
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function firstConnection(
  { shown: url, ...server }: ServerUrl,
  options: BusOptions,
): Promise<Awaited<ReturnType<typeof connect>>> {
  const giveUpAt = performance.now() + (options.connectTimeoutMs ?? 10_000);
  const { name, signal } = options;
  while (signal?.aborted !== true) {
    const connecting = connect({
      ...server,
      name,
      timeout: Math.max(100, giveUpAt - performance.now()),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
      reconnectJitter: 50,
      pingInterval: 5_000,
      noAsyncTraces: true,
    });
    try {
      const connection = await unlessAborted(signal, connecting);
      if (connection !== undefined) return connection;
      // Nobody waits for it any more; should it come about after all, it ends.
      void connecting.then((late) => late.close()).catch(() => undefined);
    } catch (cause) {
      if (performance.now() + 100 >= giveUpAt) throw unavailable(url, cause);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw busError('cancelled', `connecting to ${url} was cancelled`, { cause: signal.reason });
}

function unavailable(url: string, cause: unknown): MabeamError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const cure = 'start one with "mabeam dev", or set NATS_URL to a running nats-server';
  return busError('server-unavailable', `no nats-server answers at ${url} (${why}); ${cure}`, {
    details: { url },
    cause,
  });
}

function shortcoming(
  version: string | undefined,
  hasJetStream: boolean | undefined,
  url: string,
): MabeamError | undefined {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  if (major < oldestServer[0] || (major === oldestServer[0] && minor < oldestServer[1])) {
    const message = `the nats-server at ${url} is ${version}, at least ${oldestServer.join('.')} is needed (atomic batches, message TTL); upgrade it`;
    return busError('server-too-old', message, { details: { url, version } });
  }
  if (hasJetStream === true) return undefined;
  return busError(
    'jetstream-missing',
    `the nats-server at ${url} runs without JetStream; start it with -js`,
    { details: { url } },
  );
}
