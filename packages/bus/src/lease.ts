/**
 * Leases: who may act, for a bounded time.
 *
 * A lease is a key with a time to live in a bucket of its own (history 1: elsewhere the server raises a key's TTL). The
 * holder renews it by compare-and-set on its own last revision. A key that expires leaves a marker, and the bucket
 * republishes it, so the others learn of a death without asking. Acting under a lease is not enough to be safe: what
 * must not be written by a deposed holder is fenced besides (docs/decisions).
 *
 * Invariants
 *  L1  At most one holder per key, as the server sees it: acquiring is a compare-and-set on "nobody" or on a marker.
 *  L2  A holder that cannot confirm its lease within the TTL, by its own monotonic clock counted from the last renewal it
 *      sent, considers it lost and says so through `lost`; it never believes longer than the server does.
 */
import type { Bus } from './bus.ts';
import { deleteKey, putKey, readKey } from './bucket.ts';
import { parseJson } from './codec.ts';
import { busError } from './errors.ts';
import { MabeamError } from './error.ts';

/** Who holds a lease, and for how long it is good without a renewal. */
export interface LeaseOptions {
  /** Who holds it, for people and for successors: plain data. */
  readonly holder: unknown;
  /** Whole seconds, at least 1 000. Renewed at a third of it. */
  readonly ttlMs: number;
}

/** The lease, or who has it. */
export type LeaseResult =
  | { readonly kind: 'held'; readonly lease: Lease }
  /** Somebody holds it; `by` is what they said of themselves. */
  | { readonly kind: 'taken'; readonly by: unknown };

/** Tries to take a lease, once. */
export async function acquireLease(
  bus: Bus,
  bucket: string,
  key: string,
  options: LeaseOptions,
): Promise<LeaseResult> {
  const present = await readKey(bus, bucket, key);
  if (present?.operation === 'put') return { kind: 'taken', by: parseJson(present.data) };
  const askedAt = performance.now();
  try {
    const revision = await putKey(bus, bucket, key, options.holder, {
      expectLastSequence: present?.revision ?? 0,
      ttlMs: options.ttlMs,
      timeoutMs: options.ttlMs,
    });
    return { kind: 'held', lease: new Lease(bus, { bucket, key, revision, askedAt, ...options }) };
  } catch (error) {
    if (!(error instanceof MabeamError) || error.code !== 'conflict') throw error;
    const winner = await readKey(bus, bucket, key);
    return { kind: 'taken', by: winner?.operation === 'put' ? parseJson(winner.data) : undefined };
  }
}

interface HeldLease extends LeaseOptions {
  readonly bucket: string;
  readonly key: string;
  readonly revision: number;
  /** Monotonic time just before the write that took it was sent. */
  readonly askedAt: number;
}

/** A held lease; disposing gives it back. */
export class Lease implements AsyncDisposable {
  readonly key: string;
  readonly #bus: Bus;
  readonly #bucket: string;
  readonly #ttlMs: number;
  readonly #lost = new AbortController();
  #holder: unknown;
  #revision: number;
  #validUntil: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #renewing: Promise<void> = Promise.resolve();
  #isReleased = false;

  /** @internal Use `acquireLease`. */
  constructor(bus: Bus, held: HeldLease) {
    this.#bus = bus;
    this.#bucket = held.bucket;
    this.key = held.key;
    this.#ttlMs = held.ttlMs;
    this.#holder = held.holder;
    this.#revision = held.revision;
    this.#validUntil = held.askedAt + held.ttlMs;
    this.#schedule();
  }

  /** Aborts when the lease is no longer ours; its reason is a `lease-lost` error. Never aborts after a release. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Revision of the last renewal. */
  get revision(): number {
    return this.#revision;
  }

  /** Replaces what the lease says of its holder, by an immediate renewal. */
  async update(holder: unknown): Promise<void> {
    this.#holder = holder;
    await this.#renew();
  }

  /** Gives the lease back, so that another may take it at once. */
  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    clearTimeout(this.#timer);
    await this.#renewing;
    if (this.#lost.signal.aborted || !this.#bus.connected) return;
    try {
      await deleteKey(this.#bus, this.#bucket, this.key, {
        expectLastSequence: this.#revision,
        timeoutMs: this.#ttlMs,
      });
    } catch (error) {
      if (!(error instanceof MabeamError)) throw error;
      // It expires by itself; a successor waits no longer than the TTL.
    }
  }

  /** As `release`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  #schedule(): void {
    const inMs = Math.min(this.#ttlMs / 3, this.#validUntil - performance.now());
    this.#timer = setTimeout(() => void this.#renew(), Math.max(0, inMs));
  }

  #renew(): Promise<void> {
    clearTimeout(this.#timer);
    this.#renewing = this.#renewing.then(() => this.#renewOnce());
    return this.#renewing;
  }

  async #renewOnce(): Promise<void> {
    if (this.#isReleased || this.#lost.signal.aborted) return;
    const sentAt = performance.now();
    const leftMs = this.#validUntil - sentAt;
    if (leftMs <= 0) return this.#lose('it could not be renewed in time');
    try {
      this.#revision = await putKey(this.#bus, this.#bucket, this.key, this.#holder, {
        expectLastSequence: this.#revision,
        ttlMs: this.#ttlMs,
        timeoutMs: leftMs,
      });
      this.#validUntil = sentAt + this.#ttlMs;
    } catch (error) {
      if (error instanceof MabeamError && error.code === 'conflict')
        return this.#lose('somebody else holds it, or it expired');
      if (performance.now() >= this.#validUntil) return this.#lose('it could not be renewed in time');
    }
    if (!this.#isReleased) this.#schedule();
  }

  #lose(why: string): void {
    const message = `the lease ${this.key} of ${this.#bucket} is lost: ${why}; stop acting under it`;
    this.#lost.abort(busError('lease-lost', message, { details: { key: this.key, bucket: this.#bucket } }));
  }
}
