/**
 * DropLog: nothing is lost in silence. It counts what telemetry had to drop, by reason, and says so in a log line: the
 * first time at once, then at most once in `everyMs`, and the rest when it is told that it is over.
 */
import type { DropReason } from './batch-queue.ts';

export interface DropLogOptions {
  /** What is dropped, in the plural: `spans`, `log lines`. */
  readonly what: string;
  readonly write: (fields: Readonly<Record<string, unknown>>, message: string) => void | Promise<void>;
  /** Milliseconds, monotonic. */
  readonly clock?: () => number;
  readonly everyMs?: number;
}

export class DropLog {
  readonly #options: DropLogOptions;
  readonly #totals = new Map<DropReason, number>();
  #unreported = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #cause: unknown;
  #closed = false;
  #writing: void | Promise<void> = undefined;

  constructor(options: DropLogOptions) {
    this.#options = options;
  }

  /** How many were dropped so far, by reason. */
  get totals(): Readonly<Partial<Record<DropReason, number>>> {
    return Object.fromEntries(this.#totals);
  }

  add(count: number, reason: DropReason, cause?: unknown): void {
    if (this.#closed) return;
    this.#totals.set(reason, (this.#totals.get(reason) ?? 0) + count);
    this.#unreported += count;
    this.#cause = cause ?? this.#cause;
    if (this.#now() - this.#reportedAt >= (this.#options.everyMs ?? 5_000)) this.report();
  }

  /** Reports what is left and resolves once it is written; later drops were counted when their queue was given up. */
  async close(): Promise<void> {
    this.report();
    this.#closed = true;
    await this.#writing;
  }

  /** Writes a line about drops not yet reported; nothing when there are none. */
  report(): void {
    if (this.#unreported === 0) return;
    const why = this.#cause instanceof Error ? this.#cause.message : undefined;
    const dropped = this.#unreported;
    this.#unreported = 0;
    this.#cause = undefined;
    this.#reportedAt = this.#now();
    this.#writing = this.#options.write(
      { dropped, totals: this.totals, why },
      `telemetry dropped ${dropped} ${this.#options.what}`,
    );
  }

  #now(): number {
    return (this.#options.clock ?? (() => performance.now()))();
  }
}
