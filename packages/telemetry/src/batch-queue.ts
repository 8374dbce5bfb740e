/**
 * BatchQueue: items in, batches out; the bounded wait between a busy process and a server that may be away.
 *
 * Q1 At most `maxWaiting` items wait; one more is dropped and reported, never waited for.
 * Q2 One batch is on its way at a time, oldest items first, at most `maxBatch` of them.
 * Q3 An item is sent within `delayMs` unless a batch before it is still on its way.
 * Q4 After close nothing is accepted, and what could not be sent by its deadline is dropped and reported.
 */

/** Why something was not exported. */
export type DropReason = 'queue-full' | 'refused' | 'too-large' | 'closed' | 'deadline';

export interface BatchQueueOptions<T> {
  /** Sends a batch. A rejection loses the whole batch; retrying is the sender's own affair. */
  readonly send: (items: readonly T[]) => Promise<void>;
  readonly onDrop: (count: number, reason: DropReason, cause?: unknown) => void;
  readonly maxWaiting: number;
  readonly maxBatch: number;
  readonly delayMs: number;
}

export class BatchQueue<T> implements AsyncDisposable {
  readonly #options: BatchQueueOptions<T>;
  #waiting: T[] = [];
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Set and reset in the same step as the decision it stands for: an item never meets a sender that has already looked. */
  #isSending = false;
  #sending: Promise<void> = Promise.resolve();
  #ended: Promise<boolean> | undefined;

  constructor(options: BatchQueueOptions<T>) {
    this.#options = options;
  }

  /** Items accepted and not yet sent or dropped. */
  get pending(): number {
    return this.#waiting.length + this.#inFlight;
  }

  /** Accepts an item, or drops and reports it (Q1, Q4). Never throws, never waits. */
  push(item: T): void {
    if (this.#ended !== undefined) return this.#options.onDrop(1, 'closed');
    if (this.#waiting.length >= this.#options.maxWaiting) return this.#options.onDrop(1, 'queue-full');
    this.#waiting.push(item);
    if (this.#isSending) return;
    if (this.#waiting.length >= this.#options.maxBatch) this.#start();
    else this.#timer ??= setTimeout(() => this.#start(), this.#options.delayMs).unref();
  }

  /** Sends what waits now. True when all of it was sent or dropped within `timeoutMs`. */
  async flush(timeoutMs: number): Promise<boolean> {
    this.#start();
    return settlesWithin(this.#sending, timeoutMs);
  }

  /** Flushes, then drops what is left after `timeoutMs` (Q4). Closing twice is nothing. */
  close(timeoutMs: number): Promise<boolean> {
    this.#ended ??= this.#end(timeoutMs);
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(2_000);
  }

  async #end(timeoutMs: number): Promise<boolean> {
    if (await this.flush(timeoutMs)) return true;
    const lost = this.pending;
    this.#waiting = [];
    if (lost > 0) this.#options.onDrop(lost, 'deadline');
    return false;
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isSending || this.#waiting.length === 0) return;
    this.#isSending = true;
    this.#sending = this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#options.maxBatch);
      this.#inFlight = batch.length;
      try {
        await this.#options.send(batch);
      } catch (cause) {
        this.#options.onDrop(batch.length, 'refused', cause);
      } finally {
        this.#inFlight = 0;
      }
    }
    this.#isSending = false;
  }
}

/** True when `work` settles, well or badly, within `timeoutMs`; its error is not passed on. */
export async function settlesWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  const done = work.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}
