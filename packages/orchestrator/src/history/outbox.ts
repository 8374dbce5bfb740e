/**
 * The outbox: the revisions of a space's bucket that are still to be copied, in order.
 *
 * The bucket itself is the outbox; it keeps 64 revisions a key. What passes through this process's copy of it is kept here
 * besides, so that a burst of writes to one key is not lost while the copying is under way.
 *
 * O1  What is handed out follows what was asked for, in order. A number is skipped only when the revision is neither in the
 *     bucket nor here.
 * O2  What is kept here has a limit, in number and in bytes; beyond it the bucket alone has to do.
 */
import { bucketStream, entryOf, readStreamOnce, type BucketEntry, type Bus, type Replica } from '@mabeam/bus';

/** How much is kept here (O2). */
export interface OutboxLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

const defaultLimits: OutboxLimits = { maxEntries: 4_096, maxBytes: 8 * 1_048_576 };
/** How long the copy of the bucket may take to have what the bucket has. */
const reachMs = 1_000;

export class Outbox implements Disposable {
  readonly #bus: Bus;
  readonly #replica: Replica;
  readonly #limits: OutboxLimits;
  readonly #listening: Disposable;
  #passing: BucketEntry[] = [];
  #bytes = 0;
  #hasRung = true;
  #wake: (() => void) | undefined;

  /** Listens from now on; `replica` is a copy of the bucket that stays open meanwhile. */
  constructor(bus: Bus, replica: Replica, limits: OutboxLimits = defaultLimits) {
    this.#bus = bus;
    this.#replica = replica;
    this.#limits = limits;
    this.#listening = replica.onChange(({ entries }) => this.#keep(entries));
  }

  /** At most `limit` revisions after one, in order (O1); none: there are no more now. Throws what the bus throws. */
  async after(revision: number, limit: number): Promise<readonly BucketEntry[]> {
    this.#forget(revision);
    // What this process has not heard of yet rings when it comes.
    if (this.#replica.applied <= revision) return [];
    if (this.#passing[0]?.revision === revision + 1) return this.#passing.slice(0, limit);
    const stored = await this.#read(revision + 1, limit);
    const last = stored.at(-1);
    // What is skipped in the bucket may be on its way to us.
    if (last !== undefined && isSkipping(revision, stored))
      await this.#replica.waitFor(last.revision, reachMs);
    const next = this.#passing[0]?.revision ?? Number.POSITIVE_INFINITY;
    const before = stored.filter((entry) => entry.revision < next);
    return before.length > 0 ? before : this.#passing.slice(0, limit);
  }

  /** Resolves when there may be something new, or when the signal aborts. */
  async ring(signal: AbortSignal): Promise<void> {
    if (!this.#hasRung && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
      await promise;
    }
    this.#hasRung = false;
    this.#wake = undefined;
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
    this.#passing = [];
  }

  #keep(entries: readonly BucketEntry[]): void {
    this.#passing.push(...entries);
    for (const { data } of entries) this.#bytes += data.length;
    const { maxBytes, maxEntries } = this.#limits;
    if (this.#passing.length > maxEntries || this.#bytes > maxBytes) {
      this.#passing = [];
      this.#bytes = 0;
    }
    this.#hasRung = true;
    this.#wake?.();
  }

  #forget(revision: number): void {
    const rest = this.#passing.findIndex((entry) => entry.revision > revision);
    const gone = this.#passing.splice(0, rest < 0 ? this.#passing.length : rest);
    for (const { data } of gone) this.#bytes -= data.length;
  }

  async #read(from: number, limit: number): Promise<readonly BucketEntry[]> {
    const { bucket } = this.#replica;
    const found: BucketEntry[] = [];
    for await (const message of readStreamOnce(this.#bus, bucketStream(bucket), { from })) {
      found.push(entryOf(bucket, message));
      if (found.length >= limit) break;
    }
    return found;
  }
}

/** Is a number left out, after `revision`? */
function isSkipping(revision: number, entries: readonly BucketEntry[]): boolean {
  return (entries.at(-1)?.revision ?? revision) - revision > entries.length;
}
