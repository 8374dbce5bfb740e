/**
 * The hold of one instance under a host lease (host-lease.ts): its key, as we wrote it last.
 *
 * I1  Writes are compare-and-set on our own last revision, one after the other. One that is refused is looked up: if the key
 *     says what we wrote, the answer was lost; if nobody is on it, it is written again; else the instance is fenced.
 * I2  Somebody who writes the key nonetheless is heard at once, since the server republishes it, and answered by I1.
 * I3  It is held only while its own last write and the host's lease are confirmed.
 */
import {
  MabeamError,
  parseJson,
  pause,
  putKey,
  readKey,
  subjects,
  type Bus,
  type BusMessage,
  type Subscription,
} from '@mabeam/bus';
import { leaseTtlMs, parseInstanceHolder, type InstanceHolder } from './registry.ts';

/** Whom a hold tells; each at most once for a loss. */
export interface HoldListeners {
  readonly onFenced: (reason: string) => void;
  readonly onRetaken: () => void;
}

/** What a hold must know of its host. */
interface Host {
  readonly token: string;
  readonly space: string;
  readonly isHeld: boolean;
  readonly isOver: boolean;
}

export interface InstanceHoldOptions {
  readonly host: Host;
  readonly bucket: string;
  readonly key: string;
  readonly holder: InstanceHolder;
  /** The revision of the key that was seen to be free. */
  readonly expected: number;
  readonly listeners: HoldListeners;
  readonly giveBack: (revision: number) => Promise<void>;
}

/** Pause between two attempts to write a key that must be confirmed. */
const retryMs = 200;

/** One attempt over lost connections. */
const attemptMs = 5_000;

/** An instance held by reference to its host's lease; disposing gives it back. */
export class InstanceHold implements AsyncDisposable {
  readonly #bus: Bus;
  readonly #options: InstanceHoldOptions;
  readonly #closing = new AbortController();
  #holder: InstanceHolder;
  #revision: number;
  #isConfirmed = false;
  #writing: Promise<void> = Promise.resolve();
  #listening: Subscription | undefined;

  /** Use `HostLease.take`. */
  constructor(bus: Bus, options: InstanceHoldOptions) {
    this.#bus = bus;
    this.#options = options;
    this.#holder = options.holder;
    this.#revision = options.expected;
  }

  get isHeld(): boolean {
    return this.#isConfirmed && this.#options.host.isHeld && !this.#closing.signal.aborted;
  }

  /** Takes the key; undefined when it is ours now, else who was faster. Throws what the bus throws. */
  async take(): Promise<{ readonly by: unknown } | undefined> {
    const { bucket, key, host } = this.#options;
    try {
      const options = { expectLastSequence: this.#revision, timeoutMs: leaseTtlMs };
      this.#revision = await putKey(this.#bus, bucket, key, this.#holder, options);
    } catch (error) {
      if (!isConflict(error)) throw error;
      const winner = await readKey(this.#bus, bucket, key);
      return { by: winner?.operation === 'put' ? parseJson(winner.data) : undefined };
    }
    this.#isConfirmed = true;
    const subject = subjects(host.space).at(`lease.${key}`);
    this.#listening = this.#bus.subscribe(subject, (message) => this.#hear(message));
    if (host.isHeld) return undefined;
    // The host lost its lease meanwhile: whoever asked for the instance asks again.
    await this[Symbol.asyncDispose]();
    return { by: undefined };
  }

  /** Replaces what the key says of its holder. */
  update(holder: InstanceHolder): Promise<void> {
    this.#holder = { ...holder, host: this.#options.host.token };
    return this.#write();
  }

  /** Has to be written again before it counts as held (host-lease.ts, B3). */
  confirm(): void {
    this.#isConfirmed = false;
    void this.#write().then(() => {
      if (this.isHeld) this.#options.listeners.onRetaken();
    });
  }

  /** Somebody else has it, or the host has lost its lease for good. */
  fence(reason: string): void {
    if (this.#closing.signal.aborted) return;
    this.#end();
    this.#options.listeners.onFenced(reason);
  }

  /** Gives it back; twice is nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#end();
    await this.#writing;
    await this.#options.giveBack(this.#revision);
  }

  /** I2: what is newer than our last write and does not name our host. */
  #hear({ data, headers }: BusMessage): void {
    if (Number(headers.get('nats-sequence')) <= this.#revision) return;
    if (data.length > 0 && hostIn(data) === this.#options.host.token) return;
    void this.#write();
  }

  #end(): void {
    this.#closing.abort();
    void this.#listening?.[Symbol.asyncDispose]();
  }

  #write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeAtLast());
    return this.#writing;
  }

  /** I1: until it is written, or is no longer ours. */
  async #writeAtLast(): Promise<void> {
    const { bucket, key, host } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted && !host.isOver) {
      try {
        const options = { expectLastSequence: this.#revision, timeoutMs: attemptMs, signal };
        this.#revision = await putKey(this.#bus, bucket, key, this.#holder, options);
        this.#isConfirmed = true;
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!isConflict(error)) await pause(retryMs, signal);
        else if (!(await this.#isStillOurs())) return this.fence('somebody else holds the lease');
      }
    }
  }

  /** After a refusal: may it be written on top of what is there now? */
  async #isStillOurs(): Promise<boolean> {
    const { bucket, key, host } = this.#options;
    try {
      const present = await readKey(this.#bus, bucket, key);
      if (present?.operation === 'put' && hostIn(present.data) !== host.token) return false;
      this.#revision = present?.revision ?? 0;
    } catch (error) {
      if (!(error instanceof MabeamError)) throw error;
      // Not answered: the next attempt is refused again, or is not.
    }
    return true;
  }
}

/** The host that an entry names; undefined when it is none of a host. */
function hostIn(data: Uint8Array): string | undefined {
  try {
    return parseInstanceHolder(parseJson(data))?.host;
  } catch (error) {
    if (error instanceof MabeamError) return undefined;
    throw error;
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof MabeamError && error.code === 'conflict';
}
