/**
 * The statistics of the benchmarks. Pure; numbers in, numbers out.
 *
 * A machine that does other work besides is slower or faster from one second to the next, so contenders take turns and a
 * ratio is taken within each round; medians of rounds are quoted with their least and their greatest.
 */

/** Middle, least and greatest of some figures. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The figure below which a share `part` (0 to 1) of the figures lies, interpolated. Throws `RangeError` when there is none. */
export function quantile(figures: readonly number[], part: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const below = sorted[Math.floor(at)];
  const above = sorted[Math.ceil(at)];
  if (below === undefined || above === undefined) throw new RangeError('no figures');
  return below + (above - below) * (at - Math.floor(at));
}

/** The middle figure. Throws `RangeError` when there is none. */
export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5);
}

/** Throws `RangeError` when there are no figures. */
export function summarise(figures: readonly number[]): Summary {
  return { median: median(figures), min: Math.min(...figures), max: Math.max(...figures) };
}

/** Ours over the baseline's, round by round. Throws `RangeError` when they are not equally many. */
export function ratiosOf(ours: readonly number[], baseline: readonly number[]): number[] {
  if (ours.length !== baseline.length)
    throw new RangeError(`${ours.length} rounds against ${baseline.length}`);
  return ours.map((figure, round) => figure / (baseline[round] ?? Number.NaN));
}

export interface BootstrapOptions {
  /** Uniform in [0, 1); seeded, so that a bound can be computed again. */
  readonly random: () => number;
  /** Share of the resampled ratios that lie below the bound. Default 0.95. */
  readonly level?: number;
  readonly resamples?: number;
}

/**
 * Upper bound of the ratio of two totals, measured in pairs: pairs are drawn with replacement, as many as there are, and
 * the bound is the quantile of their ratios of sums. One-sided. Throws `RangeError` for no pairs.
 */
export function upperBoundOfRatio(
  ours: readonly number[],
  baseline: readonly number[],
  options: BootstrapOptions,
): number {
  const { random, level = 0.95, resamples = 2_000 } = options;
  ratiosOf(ours, baseline);
  const drawn = Array.from({ length: resamples }, () => {
    let above = 0;
    let below = 0;
    for (let n = 0; n < ours.length; n++) {
      const pair = Math.floor(random() * ours.length);
      above += ours[pair] ?? 0;
      below += baseline[pair] ?? 0;
    }
    return above / below;
  });
  return quantile(ours.length === 0 ? [] : drawn, level);
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
