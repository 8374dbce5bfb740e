/**
 * The observed entry of one instance, written by its host only (ruling R4).
 *
 * O1  Level-triggered: the newest state is written, states overtaken while a write was under way are skipped, and a
 *     failed write is tried again with the newest state.
 * O2  Each write expects the entry as this writer last saw it, so that a write delayed by a lost connection cannot
 *     overwrite the successor's. On a conflict the writer reads again and goes on only while it may write.
 * O3  Nothing is written while `mayWrite` says no, nor after disposal.
 */
import { MabeamError, pause, putKey, readKey, type Bus } from '@mabeam/bus';
import { observedKey, type ObservedInstance } from './registry.ts';

/** Where to write and when it is allowed. */
export interface ObservedWriterOptions {
  readonly bucket: string;
  /** Is the lease of the instance held? */
  readonly mayWrite: () => boolean;
  readonly onProblem: (error: unknown) => void;
}

/** One attempt over lost connections; after it the newest state is tried. */
const attemptMs = 5_000;

/** Pause after a failed attempt. */
const retryMs = 200;

/** Writes the states of one instance (O1–O3); disposing abandons what is not written. */
export class ObservedWriter implements Disposable {
  readonly #bus: Bus;
  readonly #options: ObservedWriterOptions;
  readonly #closing = new AbortController();
  #newest: ObservedInstance | undefined;
  #written: ObservedInstance | undefined;
  #revision: number | undefined;
  #isWriting = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(bus: Bus, options: ObservedWriterOptions) {
    this.#bus = bus;
    this.#options = options;
  }

  /** Takes a new state; it is written as soon as possible. */
  set(state: ObservedInstance): void {
    this.#newest = state;
    this.#start();
  }

  /** Writes the newest state once more: after the lease was taken again. */
  rewrite(): void {
    this.#written = undefined;
    this.#revision = undefined;
    this.#start();
  }

  /** Resolves when the newest state is written or the writer disposed. */
  async done(): Promise<void> {
    await this.#writing;
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
  }

  #start(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#writing = this.#write();
  }

  /** Between its last look for a newer state and its saying that it writes no more there is no step at which one could come. */
  async #write(): Promise<void> {
    const signal = this.#closing.signal;
    try {
      while (!signal.aborted && this.#newest !== undefined && this.#newest !== this.#written)
        await this.#attempt(this.#newest, signal);
    } finally {
      this.#isWriting = false;
    }
  }

  /** Writes a state; one that may not or cannot be written now is left to the next attempt. */
  async #attempt(state: ObservedInstance, signal: AbortSignal): Promise<void> {
    if (!this.#options.mayWrite()) return pause(retryMs, signal);
    try {
      await this.#put(state);
      this.#written = state;
    } catch (error) {
      if (signal.aborted) return;
      this.#revision = undefined;
      if (isConflict(error)) return;
      this.#options.onProblem(error);
      await pause(retryMs, signal);
    }
  }

  async #put(state: ObservedInstance): Promise<void> {
    const { bucket } = this.#options;
    const key = observedKey(state);
    const expected = this.#revision ?? (await readKey(this.#bus, bucket, key))?.revision ?? 0;
    const { signal } = this.#closing;
    const options = { expectLastSequence: expected, timeoutMs: attemptMs, signal };
    this.#revision = await putKey(this.#bus, bucket, key, state, options);
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof MabeamError && error.code === 'conflict';
}
