/** Measuring: the same piece of work again and again for a while, and what that came to. No baseline, no judgement. */

/** How often to do it at once, and for how long. */
export interface MeasureOptions {
  readonly atOnce: number;
  readonly durationMs: number;
  /** Aborting it ends the measurement early; what was measured until then counts. */
  readonly signal: AbortSignal;
}

/** How often something was done and how long it took, in ms. */
export interface Measurement {
  readonly count: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** A measurement of a journey that was made so many times at once. */
export interface BenchRow extends Measurement {
  readonly name: string;
  readonly atOnce: number;
}

/** Not counted: the first of everything is slow. */
const warmUpShare = 0.1;

/**
 * Does the work, `atOnce` of it at a time, until the time is up, and where that is not enough for one that counts, until there is one.
 * Throws what the work throws.
 */
export async function measure(
  work: () => Promise<unknown>,
  { atOnce, durationMs, signal }: MeasureOptions,
): Promise<Measurement> {
  const beganMs = performance.now();
  const countedFromMs = beganMs + durationMs * warmUpShare;
  const endsMs = beganMs + durationMs;
  const latencies: number[] = [];
  const loop = async (): Promise<void> => {
    while (!signal.aborted && (performance.now() < endsMs || latencies.length === 0)) {
      const startMs = performance.now();
      await work();
      if (startMs >= countedFromMs) latencies.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
  return summarise(latencies, performance.now() - countedFromMs);
}

/** The figures of latencies that were measured within `elapsedMs`. Pure. */
export function summarise(latencies: readonly number[], elapsedMs: number): Measurement {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return {
    count: sorted.length,
    perSecond: elapsedMs > 0 ? (sorted.length / elapsedMs) * 1_000 : 0,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
}
