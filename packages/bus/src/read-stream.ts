/**
 * Reading a stream forward by sequence, without a consumer on the server.
 *
 * A reader asks for the messages after the last one it saw (batched direct get) and sleeps until a live message on the
 * same subject nudges it, or a second has passed. It holds no state on the server, so nothing is lost with a killed
 * server, and where it was is one number. Every stored message is seen in order, once per reading.
 */
import type { Msg } from '@nats-io/transport-node';
import type { Bus } from './bus.ts';
import { busError } from './errors.ts';
import { MabeamError } from './error.ts';
import { jsonBytes } from './codec.ts';
import { parseHeaders } from './header-map.ts';
import { headerMapOf, messageOf, type BusMessage } from './message.ts';
import { lastSequence } from './streams.ts';
import { wireOf, type Wire } from './wire.ts';

/** A message as a stream keeps it. */
export interface StoredMessage extends BusMessage {
  /** Sequence in the stream. */
  readonly sequence: number;
  /** When the server stored it. */
  readonly at: Date;
}

/** Which messages are read, and until when. */
export interface ReadOptions {
  /** Subject filter; all of the stream when absent. */
  readonly filter?: string;
  /** First sequence to read, or `new` for what comes from now on. Default 1. */
  readonly from?: number | 'new';
  readonly signal?: AbortSignal;
}

const batchSize = 256;
const batchTimeoutMs = 3_000;
const idlePauses = [2, 10, 50, 1_000] as const;

/** Yields every stored message from a sequence on, for ever, until the signal aborts. Lost connections are waited out. */
export async function* readStream(
  bus: Bus,
  stream: string,
  options: ReadOptions = {},
): AsyncGenerator<StoredMessage, void> {
  const { filter, signal } = options;
  const wire = wireOf(bus);
  const bell = new Bell(bus, filter, signal);
  try {
    let next = typeof options.from === 'number' ? options.from : 1;
    if (options.from === 'new')
      next = 1 + ((await patiently(wire, signal, () => lastSequence(bus, stream))) ?? 0);
    let idle = 0;
    while (!isAborted(signal)) {
      const from = next;
      const read = (): Promise<StoredMessage[]> => readBatch(wire, stream, from, filter);
      const batch = (await patiently(wire, signal, read)) ?? [];
      for (const message of batch) {
        if (isAborted(signal)) return;
        next = message.sequence + 1;
        yield message;
      }
      idle = batch.length > 0 ? 0 : idle + 1;
      if (batch.length === 0 && (await bell.wait(idlePauses[Math.min(idle, idlePauses.length) - 1] ?? 1_000)))
        idle = 0;
    }
  } finally {
    await bell[Symbol.asyncDispose]();
  }
}

/** Yields what is stored at the call and ends, however fast more is stored meanwhile. Throws `disconnected` or `deadline-exceeded` when the server does not answer. */
export async function* readStreamOnce(
  bus: Bus,
  stream: string,
  options: Omit<ReadOptions, 'signal'> = {},
): AsyncGenerator<StoredMessage, void> {
  let next = options.from === 'new' ? (await lastSequence(bus, stream)) + 1 : (options.from ?? 1);
  let left: number | undefined;
  for (;;) {
    const batch = await readBatch(wireOf(bus), stream, next, options.filter);
    for (const message of batch) {
      next = message.sequence + 1;
      left ??= 1 + pendingAfter(message);
      yield message;
      left -= 1;
      if (left <= 0) return;
    }
    if (batch.length === 0) return;
  }
}

/** How many messages of the reading the server had after this one. */
function pendingAfter(message: StoredMessage): number {
  const pending = Number(message.headers.get('nats-num-pending') ?? Number.NaN);
  return Number.isSafeInteger(pending) ? pending : Number.POSITIVE_INFINITY;
}

/** One batch of at most 256 messages from a sequence on; empty at the end of the stream. */
export async function readBatch(
  wire: Wire,
  stream: string,
  from: number,
  filter?: string,
): Promise<StoredMessage[]> {
  const query = jsonBytes({
    seq: from,
    batch: batchSize,
    ...(filter === undefined ? {} : { next_by_subj: filter }),
  });
  const options = { timeoutMs: batchTimeoutMs, isLast: isStatus };
  wire.assertConnected(stream);
  const answers = await wire.calls.collect(`$JS.API.DIRECT.GET.${stream}`, query, options);
  const status = answers.at(-1)?.headers;
  if (status?.code === 204 || status?.code === 404)
    return inOrder(answers.slice(0, -1).map(storedMessage), from);
  if (status?.code === 503)
    throw busError('stream-missing', `there is no stream ${stream}; create the space first`, {
      details: { stream },
    });
  throw busError('store-failed', `reading ${stream} from ${from}: ${status?.code} ${status?.description}`, {
    details: { stream },
  });
}

/** Each once: the network may have doubled an answer. */
function inOrder(messages: readonly StoredMessage[], from: number): StoredMessage[] {
  let next = from;
  return messages.filter(({ sequence }) => {
    const isNew = sequence >= next;
    if (isNew) next = sequence + 1;
    return isNew;
  });
}

interface StoredReply {
  readonly message?: {
    readonly subject: string;
    readonly seq: number;
    readonly hdrs?: string;
    readonly data?: string;
    readonly time: string;
  };
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

/**
 * The newest message on a subject or filter, read from the stream's leader; undefined when there is none. Throws
 * `stream-missing`, `deadline-exceeded`.
 */
export async function readLastMessage(
  bus: Bus,
  stream: string,
  filter: string,
): Promise<StoredMessage | undefined> {
  const wire = wireOf(bus);
  await wire.whenConnected(batchTimeoutMs);
  const query = jsonBytes({ last_by_subj: filter });
  const subject = `$JS.API.STREAM.MSG.GET.${stream}`;
  const answer: Msg = await wire.calls.call(subject, query, { timeoutMs: batchTimeoutMs });
  const { message, error } = answer.json<StoredReply>();
  if (error?.err_code === 10037) return undefined;
  if (error?.err_code === 10059)
    throw busError('stream-missing', `there is no stream ${stream}; create the space first`, {
      details: { stream },
    });
  if (message === undefined)
    throw busError('store-failed', `reading ${filter} of ${stream}: ${error?.description ?? 'no answer'}`);
  const headers = parseHeaders(Buffer.from(message.hdrs ?? '', 'base64').toString());
  const data = Buffer.from(message.data ?? '', 'base64');
  return {
    ...messageOf(message.subject, data, headers),
    sequence: message.seq,
    at: new Date(message.time),
  };
}

/** The stored message of a direct get. */
function storedMessage(message: Msg): StoredMessage {
  const headers = headerMapOf(message.headers);
  const subject = headers.get('nats-subject') ?? message.subject;
  const sequence = Number(headers.get('nats-sequence') ?? 0);
  return {
    ...messageOf(subject, message.data, headers),
    sequence,
    at: new Date(headers.get('nats-time-stamp') ?? 0),
  };
}

/** A status line ends a batch: 204 end of batch, 404 nothing there, 503 no such stream. */
function isStatus(message: Msg): boolean {
  return (
    message.data.length === 0 && (message.headers?.code ?? 0) >= 200 && !message.headers?.has('Nats-Sequence')
  );
}

/** Asks over lost connections, until there is an answer; undefined when the signal aborts. */
async function patiently<T>(
  wire: Wire,
  signal: AbortSignal | undefined,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  while (!isAborted(signal)) {
    try {
      if (await wire.whenConnected(1_000, signal)) return await ask();
    } catch (error) {
      if (isAborted(signal)) break;
      if (!(error instanceof MabeamError) || !error.retryable) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  return undefined;
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Rings when a live message passes on the filter, on reconnect, and on abort; remembers a ring nobody waited for. */
class Bell implements AsyncDisposable {
  readonly #closers: (() => unknown)[] = [];
  #hasRung = false;
  #wake: (() => void) | undefined;

  constructor(bus: Bus, filter: string | undefined, signal: AbortSignal | undefined) {
    const ring = (): void => {
      this.#hasRung = true;
      this.#wake?.();
    };
    if (filter !== undefined) {
      const wire = wireOf(bus);
      const subscription = wire.listen(filter, ring);
      this.#closers.push(() => {
        if (!wire.closed) subscription.unsubscribe();
      });
    }
    const reconnects = bus.onReconnect(ring);
    this.#closers.push(() => reconnects[Symbol.dispose]());
    signal?.addEventListener('abort', ring, { once: true });
    this.#closers.push(() => signal?.removeEventListener('abort', ring));
  }

  /** Waits for a ring or `timeoutMs`; true when it rang. */
  async wait(timeoutMs: number): Promise<boolean> {
    if (!this.#hasRung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const rang = this.#hasRung;
    this.#hasRung = false;
    this.#wake = undefined;
    return rang;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers.splice(0)) close();
  }
}
