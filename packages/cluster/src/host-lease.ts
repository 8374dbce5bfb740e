/**
 * A host lease: one lease that covers any number of instances of one host, so that holding ten thousand costs one renewal
 * (decision 0012). The key of an instance names the host instead of expiring by itself: `host` in its holder, and the lease
 * `host.<token>` beside it.
 *
 * B1  An instance is held iff its key names this host, as we wrote it last, and the host's lease is live (registry.ts,
 *     `liveHolders`). The token of a host is never used twice.
 * B2  Who takes an instance whose host is gone does so by compare-and-set on its key, having seen first that the host's lease
 *     is no more.
 * B3  After an absence of the server the host's lease is taken again first, and then every key is written anew, expecting what
 *     was written last: whoever has acted on B2 meanwhile, or is about to, and this host cannot both succeed. An instance
 *     that was taken is fenced; the others are held again when their own key says so.
 * B4  The host's lease is lost for good: all its instances are fenced.
 * B5  A key that could not be deleted is deleted later, at the latest, in effect, when the host's own lease ends.
 */
import { randomUUID } from 'node:crypto';
import { deleteKey, MabeamError, parseJson, pause, readKey, spaceNames, type Bus } from '@mabeam/bus';
import { isDoneWithin } from './bounded-waits.ts';
import { clusterError } from './errors.ts';
import { InstanceHold, type HoldListeners } from './instance-hold.ts';
import { keepLease, type KeptLease } from './lease-keeper.ts';
import { hostLeaseKey, leaseTtlMs, parseInstanceHolder, type InstanceHolder } from './registry.ts';

/** Whose lease it is. */
export interface HostLeaseOptions {
  readonly space: string;
  /** The node, or whatever else hosts. */
  readonly node: string;
}

/** The outcome of taking an instance: it is ours, or somebody has it. */
export type HoldResult =
  | { readonly kind: 'held'; readonly lease: InstanceHold }
  | { readonly kind: 'taken'; readonly by: unknown };

/** How long giving an instance back may take when somebody waits for it, and the pause between later attempts. */
const giveBackMs = leaseTtlMs;
const retryMs = 200;

/** Takes the lease of a new host in a space. Throws what the bus throws. */
export async function openHostLease(bus: Bus, { space, node }: HostLeaseOptions): Promise<HostLease> {
  const token = `h${randomUUID().replaceAll('-', '')}`;
  const bucket = spaceNames(space).leases;
  let host: HostLease | undefined;
  const result = await keepLease(bus, {
    bucket,
    key: hostLeaseKey(token),
    ttlMs: leaseTtlMs,
    holder: { v: 1, node, pid: process.pid },
    isOwn: () => true, // nobody else knows the token
    onFenced: (reason) => host?.fence(reason),
    onRetaken: () => host?.confirm(),
  });
  if (result.kind === 'taken') {
    throw clusterError('already-hosted', `the token ${token} of a new host is taken; try again`);
  }
  host = new HostLease(bus, { space, token, lease: result.lease });
  return host;
}

interface HeldHost {
  readonly space: string;
  readonly token: string;
  readonly lease: KeptLease;
}

/** The lease of a host; disposing gives back whatever it still covers, at once. */
export class HostLease implements AsyncDisposable {
  readonly token: string;
  readonly space: string;
  readonly #bus: Bus;
  readonly #bucket: string;
  readonly #lease: KeptLease;
  readonly #holds = new Map<string, InstanceHold>();
  readonly #over = new AbortController();

  /** Use `openHostLease`. */
  constructor(bus: Bus, { space, token, lease }: HeldHost) {
    this.token = token;
    this.space = space;
    this.#bus = bus;
    this.#bucket = spaceNames(space).leases;
    this.#lease = lease;
  }

  /** The lease of the host itself is confirmed. */
  get isHeld(): boolean {
    return this.#lease.isHeld;
  }

  /** It is lost for good, or given back: nothing can be taken under it any more. */
  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** How many instances it covers. */
  get size(): number {
    return this.#holds.size;
  }

  /** Takes an instance, once (B1, B2). Throws what the bus throws. */
  async take(key: string, holder: InstanceHolder, listeners: HoldListeners): Promise<HoldResult> {
    const present = await readKey(this.#bus, this.#bucket, key);
    const by = present?.operation === 'put' ? parseJson(present.data) : undefined;
    const isFree = by === undefined || (!this.#holds.has(key) && (await this.#isAbandoned(by)));
    if (!isFree || !this.isHeld) return { kind: 'taken', by };
    const hold = new InstanceHold(this.#bus, {
      host: this,
      bucket: this.#bucket,
      key,
      holder: { ...holder, host: this.token },
      expected: present?.revision ?? 0,
      listeners: {
        ...listeners,
        onFenced: (reason) => {
          this.#holds.delete(key);
          listeners.onFenced(reason);
        },
      },
      giveBack: (revision) => this.#giveBack(key, revision),
    });
    this.#holds.set(key, hold);
    const other = await hold.take().catch((error: unknown) => {
      this.#holds.delete(key);
      throw error;
    });
    if (other === undefined) return { kind: 'held', lease: hold };
    this.#holds.delete(key);
    return { kind: 'taken', by: other.by };
  }

  /** B3: to be called when the host's own lease was taken again. */
  confirm(): void {
    for (const hold of this.#holds.values()) hold.confirm();
  }

  /** B4. */
  fence(reason: string): void {
    this.#over.abort();
    for (const hold of this.#holds.values()) hold.fence(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#lease[Symbol.asyncDispose]();
  }

  async #isAbandoned(by: unknown): Promise<boolean> {
    const { host } = parseInstanceHolder(by) ?? {};
    return host === this.token || (await isAbandoned(this.#bus, this.#bucket, by));
  }

  /** B5: resolves when the key is gone, or after a while; then it goes on by itself. */
  async #giveBack(key: string, revision: number): Promise<void> {
    this.#holds.delete(key);
    await isDoneWithin(giveBackMs, this.#deleteAtLast(key, revision));
  }

  async #deleteAtLast(key: string, revision: number): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      try {
        const options = { expectLastSequence: revision, timeoutMs: giveBackMs, signal };
        await deleteKey(this.#bus, this.#bucket, key, options);
        return;
      } catch (error) {
        if (!(error instanceof MabeamError)) throw error;
        if (error.code === 'conflict' || error.code === 'closed') return;
        await pause(retryMs, signal);
      }
    }
  }
}

/** Is an instance's key left behind by a host whose lease is no more (B2)? Keys with a time to live never are. */
async function isAbandoned(bus: Bus, bucket: string, holder: unknown): Promise<boolean> {
  const { host } = parseInstanceHolder(holder) ?? {};
  if (host === undefined) return false;
  return (await readKey(bus, bucket, hostLeaseKey(host)))?.operation !== 'put';
}

/** Removes what an absent host has left on an instance's key, so that it can be taken; false when somebody has it. */
export async function clearAbandoned(bus: Bus, bucket: string, key: string): Promise<boolean> {
  const present = await readKey(bus, bucket, key);
  if (present?.operation !== 'put') return true;
  if (!(await isAbandoned(bus, bucket, parseJson(present.data)))) return false;
  try {
    await deleteKey(bus, bucket, key, { expectLastSequence: present.revision, timeoutMs: leaseTtlMs });
    return true;
  } catch (error) {
    if (error instanceof MabeamError && error.code === 'conflict') return false;
    throw error;
  }
}
