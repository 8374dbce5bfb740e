/**
 * A kept lease: a lease that outlives an absence of the server.
 *
 * K1  `onFenced` is called at most once: somebody else holds the lease, or, while connected, nobody says within a second who
 *     does. Whatever acts under the lease must end at once.
 * K2  While the server is away nothing is decided: nobody else can take the lease either where we could hear of it.
 *     After the reconnect it is taken again for the same holder, unless somebody else was faster (K1).
 * K3  `isHeld` is true only while the lease is confirmed; `onRetaken` tells when it is so again.
 */
import { acquireLease, pause, type Bus, type Lease, type LeaseResult } from '@mabeam/bus';
import { isDoneWithin, whenConnected } from './bounded-waits.ts';

/** What is kept and whom to tell. */
export interface KeptLeaseOptions {
  readonly bucket: string;
  readonly key: string;
  readonly ttlMs: number;
  /** Plain data; `isOwn` recognises it, so that our own entry, not yet expired, is not taken for somebody else's. */
  readonly holder: unknown;
  readonly isOwn: (holder: unknown) => boolean;
  readonly onFenced: (reason: string) => void;
  readonly onRetaken: () => void;
}

/** The outcome of taking a lease. */
export type KeptLeaseResult =
  | { readonly kind: 'held'; readonly lease: KeptLease }
  | { readonly kind: 'taken'; readonly by: unknown };

/** While connected, a question for the lease is answered within this, or we are cut off from whoever could know. */
const silenceMs = 1_000;

/** Pause between two questions for a lease that cannot be taken yet. */
const retryMs = 100;

/** Takes a lease, once, and keeps it until it is disposed (K1–K3). */
export async function keepLease(bus: Bus, options: KeptLeaseOptions): Promise<KeptLeaseResult> {
  const { bucket, key, holder, ttlMs } = options;
  const result = await acquireLease(bus, bucket, key, { holder, ttlMs });
  return result.kind === 'held' ? { kind: 'held', lease: new KeptLease(bus, options, result.lease) } : result;
}

type Phase =
  | { readonly kind: 'held'; readonly lease: Lease }
  | { readonly kind: 'retaking' }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'closed' };

/** The handle of a kept lease; disposing gives it back. */
export class KeptLease implements AsyncDisposable {
  readonly #bus: Bus;
  readonly #options: KeptLeaseOptions;
  readonly #closing = new AbortController();
  #holder: unknown;
  #phase: Phase;
  #retaking: Promise<void> = Promise.resolve();

  /** Use `keepLease`. */
  constructor(bus: Bus, options: KeptLeaseOptions, lease: Lease) {
    this.#bus = bus;
    this.#options = options;
    this.#holder = options.holder;
    this.#phase = this.#hold(lease);
  }

  get isHeld(): boolean {
    return this.#phase.kind === 'held' && !this.#phase.lease.lost.aborted;
  }

  /** Replaces what the lease says of its holder; at the next taking when it is not held. */
  async update(holder: unknown): Promise<void> {
    this.#holder = holder;
    if (this.#phase.kind === 'held') await this.#phase.lease.update(holder);
  }

  /** Gives the lease back; twice is nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    const phase = this.#phase;
    this.#phase = { kind: 'closed' };
    this.#closing.abort();
    await this.#retaking;
    if (phase.kind === 'held') await phase.lease.release();
  }

  #hold(lease: Lease): Phase {
    const onLost = (): void => {
      if (this.#phase.kind !== 'held') return;
      this.#phase = { kind: 'retaking' };
      this.#retaking = this.#retake();
    };
    if (lease.lost.aborted) queueMicrotask(onLost);
    else lease.lost.addEventListener('abort', onLost, { once: true });
    return { kind: 'held', lease };
  }

  /** Asks until the lease is ours again or certainly is not (K1, K2). */
  async #retake(): Promise<void> {
    const signal = this.#closing.signal;
    let connectedAtMs: number | undefined;
    while (!signal.aborted) {
      if (!this.#bus.connected) {
        await whenConnected(this.#bus, signal);
        connectedAtMs = undefined;
        continue;
      }
      connectedAtMs ??= performance.now();
      const answer = await this.#ask(connectedAtMs + silenceMs - performance.now());
      if (answer.kind === 'held') return this.#retaken(answer.lease);
      const isSilent = answer.kind === 'none' && performance.now() >= connectedAtMs + silenceMs;
      if (answer.kind === 'taken') {
        if (!this.#options.isOwn(answer.by)) return this.#fence('somebody else holds the lease');
        connectedAtMs = undefined; // our own entry has not expired yet
      } else if (isSilent && this.#bus.connected) {
        return this.#fence('nobody says who holds the lease');
      }
      await pause(retryMs, signal);
    }
  }

  /** Tries to take the lease, for a while; what comes too late is given back. */
  async #ask(withinMs: number): Promise<LeaseResult | { readonly kind: 'none' }> {
    const { bucket, key, ttlMs } = this.#options;
    const none = { kind: 'none' } as const;
    const asking = acquireLease(this.#bus, bucket, key, { holder: this.#holder, ttlMs }).catch(() => none);
    if (await isDoneWithin(Math.max(0, withinMs), asking)) return asking;
    void asking.then((late) => (late.kind === 'held' ? late.lease.release() : undefined));
    return none;
  }

  async #retaken(lease: Lease): Promise<void> {
    if (this.#closing.signal.aborted) return lease.release();
    this.#phase = this.#hold(lease);
    this.#options.onRetaken();
  }

  #fence(reason: string): void {
    if (this.#closing.signal.aborted) return;
    this.#phase = { kind: 'fenced' };
    this.#options.onFenced(reason);
  }
}
