/**
 * The meter of one agent instance: what it handles, how long that takes, what fails. Only counters and a histogram in a typed
 * array, so that measuring every call costs two readings of the clock and a few additions.
 *
 * Invariants
 *  N1  What has begun ends once: `inFlight` is what has begun and not ended.
 *  N2  `busyMs` is the time integral of `inFlight`: what still runs counts as far as it has come.
 *  N3  A reading is of what happened since the last reset; `inFlight` outlives it.
 *  N4  What an asker got wrong – status 400 to 499 – is handled and not failed: it says nothing about the agent.
 */
import { MabeamError } from '@mabeam/bus';

/** What a meter has counted since its last reset. */
export interface MeterReading {
  /** Calls – questions, tasks, edges – that have ended. */
  readonly handled: number;
  /** Of these, those that the agent could not do. */
  readonly failed: number;
  /** Calls running now. */
  readonly inFlight: number;
  /** Time in calls, running ones included; two at once count twice. */
  readonly busyMs: number;
  /** Of the calls that have ended; within a tenth. Absent when none has. */
  readonly latencyMs?: { readonly p50: number; readonly p95: number } | undefined;
  /** Things it sent along edges whose arrival is told to the sender (`data`, `command`). */
  readonly sent: number;
  /** Of these, those whose arrival was told in time. */
  readonly acknowledged: number;
  /** Messages and questions that came and were not taken: no edge leads here from their sender, or there were too many, or they make no sense. */
  readonly refused: number;
}

/** Four buckets an octave, from 2^-7 ms to 2^21 ms (35 minutes); the first and the last take what is beyond. */
const bucketsPerOctave = 4;
const lowestOctave = -7;
const buckets = 28 * bucketsPerOctave;

/** Counts what one instance does. */
export class Meter {
  /** Made at the first call: many agents never have one. */
  #latencies: Uint32Array | undefined;
  #handled = 0;
  #failed = 0;
  #inFlight = 0;
  #busyMs = 0;
  #sent = 0;
  #acknowledged = 0;
  #refused = 0;
  /** Up to when `busyMs` is integrated. */
  #countedUntil = 0;

  /** A call has begun; returns what `end` needs. */
  begin(): number {
    const now = performance.now();
    this.#integrate(now);
    this.#inFlight += 1;
    return now;
  }

  /** The call that began then has ended, with this error if any. */
  end(startedAt: number, error?: unknown): void {
    const now = performance.now();
    this.#integrate(now);
    this.#inFlight -= 1;
    this.#handled += 1;
    if (error !== undefined && isOwnFault(error)) this.#failed += 1;
    if (error instanceof MabeamError && error.code === 'edge-not-permitted') this.#refused += 1;
    const latencies = (this.#latencies ??= new Uint32Array(buckets));
    const bucket = bucketOf(now - startedAt);
    latencies[bucket] = (latencies[bucket] ?? 0) + 1;
  }

  /** Something came and was not taken. */
  refuse(): void {
    this.#refused += 1;
  }

  /** Counts a call from its beginning to its end. */
  async count<T>(call: () => Promise<T>): Promise<T> {
    const startedAt = this.begin();
    try {
      const result = await call();
      this.end(startedAt);
      return result;
    } catch (error) {
      this.end(startedAt, error);
      throw error;
    }
  }

  /** Counts a thing that is sent; passes on what comes of it. */
  async countSent<T>(sending: Promise<T>): Promise<T> {
    this.#sent += 1;
    const result = await sending;
    this.#acknowledged += 1;
    return result;
  }

  /** What it has counted; undefined when nothing happened since the last reset and nothing runs. */
  read(): MeterReading | undefined {
    this.#integrate(performance.now());
    const counted = this.#handled + this.#inFlight + this.#sent + this.#refused;
    const isQuiet = counted === 0 && this.#busyMs === 0;
    return isQuiet ? undefined : this.#reading();
  }

  /** Begins anew; call it when what was read has been told. */
  reset(): void {
    if (this.#handled > 0) this.#latencies?.fill(0);
    this.#handled = 0;
    this.#failed = 0;
    this.#busyMs = 0;
    this.#sent = 0;
    this.#acknowledged = 0;
    this.#refused = 0;
  }

  #reading(): MeterReading {
    return {
      handled: this.#handled,
      failed: this.#failed,
      inFlight: this.#inFlight,
      busyMs: rounded(this.#busyMs),
      ...(this.#handled === 0 ? {} : { latencyMs: { p50: this.#quantile(0.5), p95: this.#quantile(0.95) } }),
      sent: this.#sent,
      acknowledged: this.#acknowledged,
      refused: this.#refused,
    };
  }

  /** N2. */
  #integrate(now: number): void {
    if (this.#inFlight > 0) this.#busyMs += this.#inFlight * (now - this.#countedUntil);
    this.#countedUntil = now;
  }

  /** The middle of the bucket in which the quantile lies. */
  #quantile(share: number): number {
    const rank = Math.ceil(share * this.#handled);
    let seen = 0;
    let bucket = 0;
    for (; bucket < buckets - 1; bucket++) {
      seen += this.#latencies?.[bucket] ?? 0;
      if (seen >= rank) break;
    }
    return rounded(2 ** ((bucket + 0.5) / bucketsPerOctave + lowestOctave));
  }
}

/** What nothing was counted of. */
export const quietReading: MeterReading = {
  handled: 0,
  failed: 0,
  inFlight: 0,
  busyMs: 0,
  sent: 0,
  acknowledged: 0,
  refused: 0,
};

function bucketOf(ms: number): number {
  const octave = Math.log2(ms) - lowestOctave;
  // Of a time too short to be measured the logarithm is −∞.
  return octave > 0 ? Math.min(buckets - 1, Math.floor(octave * bucketsPerOctave)) : 0;
}

function isOwnFault(error: unknown): boolean {
  return !(error instanceof MabeamError) || error.status < 400 || error.status >= 500;
}

/** To the microsecond: more digits are noise, and bytes. */
function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
