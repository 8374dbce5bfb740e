/** The figures of a door that is no service of the bus, as a service has them: what came, what failed, how long it took. */
import { errorBodyOf, type Served, type ServiceStats } from '@mabeam/bus';
import type { Meter } from './metrics-meter.ts';

/** Counts what comes on one subject. */
export class Tally implements Served {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly #meter: Meter | undefined;
  readonly #stats = { requests: 0, errors: 0, processingMs: 0, lastError: undefined as string | undefined };

  /** `meter`: that of the instance whose door it is; what is worked on counts there too. */
  constructor(subject: string, queue: string, meter?: Meter) {
    this.subject = subject;
    this.queue = queue;
    this.#meter = meter;
  }

  get stats(): ServiceStats {
    return { ...this.#stats };
  }

  /** Does the work and counts it; what it throws is an error more, and thrown on. */
  async count<T>(work: () => T | Promise<T>): Promise<T> {
    const startedAt = this.#meter?.begin() ?? performance.now();
    const stats = this.#stats;
    stats.requests += 1;
    try {
      const result = await work();
      this.#meter?.end(startedAt);
      return result;
    } catch (error) {
      this.#meter?.end(startedAt, error);
      const { code, message } = errorBodyOf(error);
      this.#fail(`${code}: ${message}`);
      throw error;
    } finally {
      stats.processingMs += performance.now() - startedAt;
    }
  }

  /** Something came and was not worked on. */
  refuse(why: string): void {
    this.#stats.requests += 1;
    this.#meter?.refuse();
    this.#fail(why);
  }

  #fail(why: string): void {
    this.#stats.errors += 1;
    this.#stats.lastError = why;
  }
}
