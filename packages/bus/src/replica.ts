/**
 * A replica: this process's copy of one bucket, kept up by the bucket's republished revisions.
 *
 * One core subscription serves any number of readers in the process and costs the server no consumer. What a lost
 * message would hide is found by the sequence and healed by reading.
 *
 * Invariants
 *  P1  `applied` only grows, and the replica equals the bucket as of revision `applied`, for every key.
 *  P2  A change set becomes visible as a whole: the messages of an atomic batch are applied when its last one is here.
 *  P3  Revisions are applied in order without a gap: a message that is not the successor of the last one waits, and
 *      starts a reading of the difference.
 *  P4  After a start, a reconnect, a gap, or a digest that is ahead, the difference is read until there is none.
 *  P5  A copy that cannot be kept true any more – its bucket is gone or was replaced, reading it is refused – closes and
 *      says why through `failed`; it does not stay behind in silence.
 */
import type { Bus, Subscription } from './bus.ts';
import { entryOf, keySubject, type BucketEntry } from './bucket.ts';
import { busError } from './errors.ts';
import { MabeamError } from './error.ts';
import type { BusMessage } from './message.ts';
import { unlessAborted } from './pause.ts';
import { readBatch, type StoredMessage } from './read-stream.ts';
import { bucketStream, streamIdentity } from './streams.ts';
import { wireOf } from './wire.ts';

/** Which bucket is copied, and how its news are heard. */
export interface ReplicaOptions {
  readonly bucket: string;
  /** Where the bucket's revisions are republished: `mabeam.<space>.variable`. */
  readonly prefix: string;
  /** Subject of the periodic digest `{sequence}`, when somebody publishes one. */
  readonly digest?: string;
  /** Ends the opening with `cancelled`, and closes the replica. */
  readonly signal?: AbortSignal;
}

/** The revisions applied together: one write, or one change set. */
export interface ReplicaChange {
  readonly revision: number;
  readonly entries: readonly BucketEntry[];
}

/** Told of each change, in order, when `get` and `applied` show it already. */
export type ReplicaListener = (change: ReplicaChange) => void;

const retryMs = 50;
/** How long a bucket may be missing, as it is while a cluster elects, before the copy is given up. */
const missingMs = 30_000;

/**
 * Opens a replica and resolves when it holds the bucket as it is now. Throws `stream-missing` when there is no such bucket,
 * `disconnected`, `closed`, `cancelled`.
 */
export async function openReplica(bus: Bus, options: ReplicaOptions): Promise<Replica> {
  const replica = new Replica(bus, options);
  try {
    if (options.signal?.aborted !== true) await unlessAborted(options.signal, replica.start());
    if (options.signal?.aborted === true) throw openingCancelled(options);
    return replica;
  } catch (error) {
    await replica.close();
    throw error;
  }
}

/** A process's copy of a bucket; made by {@link openReplica}. */
export class Replica implements AsyncDisposable {
  readonly bucket: string;
  readonly #bus: Bus;
  readonly #options: ReplicaOptions;
  readonly #entries = new Map<string, BucketEntry>();
  readonly #waiting = new Map<number, StoredMessage>();
  readonly #listeners = new Set<ReplicaListener>();
  readonly #closers: (() => unknown)[] = [];
  readonly #closing = new AbortController();
  readonly #failure = new AbortController();
  /** When the stream was created: another time is another stream. */
  #created: string | undefined;
  /** It has held the whole bucket once; from then on a bucket that is not there may come back. */
  #isOpen = false;
  #verified: Promise<void> = Promise.resolve();
  #batch: StoredMessage[] = [];
  #received = 0;
  #applied = 0;
  #resync: { done: Promise<void>; isStale: boolean } | undefined;

  /** Use `openReplica`. */
  constructor(bus: Bus, options: ReplicaOptions) {
    this.bucket = options.bucket;
    this.#bus = bus;
    this.#options = options;
  }

  /** The bucket's revision this copy equals. */
  get applied(): number {
    return this.#applied;
  }

  /** Aborts when the replica can no longer be kept true (P5); its reason is the error. Open another then. */
  get failed(): AbortSignal {
    return this.#failure.signal;
  }

  /** The key's newest revision, unless it is deleted. */
  get(key: string): BucketEntry | undefined {
    const entry = this.#entries.get(key);
    return entry?.operation === 'put' ? entry : undefined;
  }

  /** All keys that are not deleted, in key order. */
  entries(): BucketEntry[] {
    const present = [...this.#entries.values()].filter((entry) => entry.operation === 'put');
    return present.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Revision of a key's newest entry, deleted or not; 0 when it was never written: what a compare-and-set expects. */
  revisionOf(key: string): number {
    return this.#entries.get(key)?.revision ?? 0;
  }

  /** Calls the listener after every change, in order, until disposed. */
  onChange(listener: ReplicaListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Resolves when `applied` has reached a revision; throws `deadline-exceeded`, `closed`, or why the replica failed. */
  async waitFor(revision: number, timeoutMs: number): Promise<void> {
    if (this.#applied >= revision) return;
    if (this.#closing.signal.aborted) throw this.#closedError();
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        listener[Symbol.dispose]();
        this.#closing.signal.removeEventListener('abort', onClose);
        if (error === undefined) resolve();
        else reject(error);
      };
      const message = `${this.bucket}: revision ${revision} did not arrive within ${timeoutMs} ms (at ${this.#applied})`;
      const timer = setTimeout(() => settle(busError('deadline-exceeded', message)), timeoutMs);
      const listener = this.onChange(() => {
        if (this.#applied >= revision) settle();
      });
      const onClose = (): void => settle(this.#closedError());
      this.#closing.signal.addEventListener('abort', onClose, { once: true });
    });
  }

  /** Reads what is missing now, and resolves when the replica has it. */
  refresh(): Promise<void> {
    if (this.#resync !== undefined) {
      this.#resync.isStale = true;
      return this.#resync.done;
    }
    const resync = { done: Promise.resolve(), isStale: false };
    this.#resync = resync;
    resync.done = this.#readDifference();
    return resync.done;
  }

  /** Subscribes first and reads then, so that nothing falls between the two. */
  async start(): Promise<void> {
    const { prefix, digest, signal } = this.#options;
    this.#closeOn(signal);
    this.#keep(this.#bus.subscribe(`${prefix}.>`, (message) => this.#hear(message)));
    if (digest !== undefined) this.#keep(this.#bus.subscribe(digest, (message) => this.#compare(message)));
    const reconnects = this.#bus.onReconnect(() => {
      this.#heal();
      void this.#verify();
    });
    this.#closers.push(() => reconnects[Symbol.dispose]());
    await this.#bus.flush();
    await this.refresh();
    this.#isOpen = true;
    await this.#verify();
  }

  /** Ends the copying, and the waiting with `closed`; what is here can still be read. A second time is nothing. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const close of this.#closers.splice(0)) await close();
    this.#listeners.clear();
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #closeOn(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    const close = (): void => void this.close();
    signal.addEventListener('abort', close, { once: true });
    this.#closers.push(() => signal.removeEventListener('abort', close));
  }

  #keep(subscription: Subscription): void {
    this.#closers.push(() => subscription[Symbol.asyncDispose]());
  }

  /** A republished revision: its successor is applied, an old one ignored, a later one kept until the gap is read. */
  #hear(message: BusMessage): void {
    const sequence = Number(message.headers.get('nats-sequence') ?? 0);
    if (!Number.isSafeInteger(sequence) || sequence <= this.#received) return;
    const key = message.subject.slice(this.#options.prefix.length + 1);
    const subject = keySubject(this.bucket, key);
    const at = new Date(message.headers.get('nats-time-stamp') ?? 0);
    const stored = { ...message, subject, sequence, at };
    if (sequence === this.#received + 1) this.#take(stored);
    else this.#waiting.set(sequence, stored);
    if (this.#waiting.size === 0) return;
    this.#drainWaiting();
    if (this.#waiting.size > 0) this.#heal();
  }

  #compare(message: BusMessage): void {
    const body = message.json();
    if (typeof body !== 'object' || body === null || !('sequence' in body)) return;
    const ahead = Number(body.sequence);
    if (ahead > this.#received) this.#heal();
    if (ahead < this.#received) void this.#verify();
  }

  /** Is the stream the one we copy? One that was created at another time, or ends before what we have, is not. */
  #verify(): Promise<void> {
    this.#verified = this.#verified.then(() => this.#verifyOnce());
    return this.#verified;
  }

  async #verifyOnce(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    try {
      // What arrives while the answer is on its way is no sign of another stream.
      const received = this.#received;
      const { created, last } = await streamIdentity(this.#bus, bucketStream(this.bucket));
      this.#created ??= created;
      if (created === this.#created && last >= received) return;
      const message = `the bucket ${this.bucket} was replaced (it ends at ${last}, this copy at ${received}); open a new replica`;
      this.#fail(busError('bucket-replaced', message, { details: { bucket: this.bucket, last } }));
    } catch {
      // Not answered: P4 reads on, and the next reconnect or digest asks again.
    }
  }

  #fail(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#failure.abort(error);
    void this.close();
  }

  #closedError(): Error {
    const reason: unknown = this.#failure.signal.reason;
    if (reason instanceof Error) return reason;
    return busError('closed', `the replica of ${this.bucket} was closed`);
  }

  #drainWaiting(): void {
    for (
      let next = this.#waiting.get(this.#received + 1);
      next !== undefined;
      next = this.#waiting.get(this.#received + 1)
    ) {
      this.#waiting.delete(next.sequence);
      this.#take(next);
    }
  }

  /** P2, P3: takes the next revision of the stream; a batch is applied with its commit. */
  #take(message: StoredMessage): void {
    this.#received = message.sequence;
    const isOpen = message.headers.has('nats-batch-id') && !message.headers.has('nats-batch-commit');
    if (isOpen) this.#batch.push(message);
    else if (this.#batch.length === 0) this.#apply([entryOf(this.bucket, message)]);
    else {
      const entries = [...this.#batch, message].map((part) => entryOf(this.bucket, part));
      this.#batch = [];
      this.#apply(entries);
    }
  }

  #apply(entries: readonly BucketEntry[]): void {
    for (const entry of entries) this.#entries.set(entry.key, entry);
    this.#applied = this.#received;
    for (const listener of this.#listeners) listener({ revision: this.#applied, entries });
  }

  /** Reads what is missing in the background; the reader itself waits out lost connections. */
  #heal(): void {
    void this.refresh().catch((error: unknown) => this.#fail(error));
  }

  /** It ends in the step of its last look: whoever asks after that is read for anew. */
  async #readDifference(): Promise<void> {
    const wire = wireOf(this.#bus);
    let missingSince: number | undefined;
    let wasMissing = false;
    try {
      for (;;) {
        try {
          if (this.#closing.signal.aborted) return;
          if (!(await wire.whenConnected(1_000, this.#closing.signal))) continue;
          const received = this.#received;
          const batch = await readBatch(wire, bucketStream(this.bucket), received + 1);
          missingSince = undefined;
          for (const message of batch) this.#takeRead(message);
          this.#drainWaiting();
          if (batch.length > 0 || this.#takeStale()) continue;
          if (this.#received === received) this.#endBatch();
          // Whatever was heard before this reading began is in it, or was never in the bucket.
          this.#waiting.clear();
          if (wasMissing) void this.#verify();
          return;
        } catch (error) {
          if (this.#closing.signal.aborted) return;
          if (!(error instanceof MabeamError)) throw error;
          const isMissing = error.code === 'stream-missing' && this.#isOpen;
          wasMissing ||= isMissing;
          missingSince = isMissing ? (missingSince ?? performance.now()) : undefined;
          const isPassing = missingSince !== undefined && performance.now() - missingSince < missingMs;
          if (!error.retryable && !isPassing) throw error;
          await new Promise((resolve) => setTimeout(resolve, retryMs));
        }
      }
    } finally {
      this.#resync = undefined;
    }
  }

  /**
   * P2: a batch is stored as a whole. So if the bucket ends within one, its last message is not on its way: it has expired,
   * and what is left of the batch is all there is.
   */
  #endBatch(): void {
    if (this.#batch.length === 0) return;
    const entries = this.#batch.map((part) => entryOf(this.bucket, part));
    this.#batch = [];
    this.#apply(entries);
  }

  /** What was read may skip revisions the bucket no longer keeps: nothing newer is hidden in between. */
  #takeRead(message: StoredMessage): void {
    if (message.sequence <= this.#received) return;
    for (const kept of this.#waiting.keys()) if (kept <= message.sequence) this.#waiting.delete(kept);
    this.#take(message);
  }

  /** Was another reading asked for while this one ran? */
  #takeStale(): boolean {
    const isStale = this.#resync?.isStale === true;
    if (this.#resync !== undefined) this.#resync.isStale = false;
    return isStale;
  }
}

function openingCancelled({ bucket, signal }: ReplicaOptions): Error {
  return busError('cancelled', `the opening of a replica of ${bucket} was cancelled`, {
    cause: signal?.reason,
  });
}
