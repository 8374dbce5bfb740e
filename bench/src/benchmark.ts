/** What a benchmark is and what it yields. Goals are docs/benchmarks.md's; a figure is never made up: what was not measured says why. */

/** What a comparison has to reach. */
export interface Goal {
  /**
   * What is held against the limit: the median of the rounds' `ratio` to the baseline, the bootstrapped upper 95 % `bound` of
   * the ratio, or our own median `figure`.
   */
  readonly of: 'ratio' | 'bound' | 'figure';
  readonly is: 'at-least' | 'at-most';
  readonly limit: number;
}

/** One measure of ours, beside a baseline of the same run where there is one. */
export interface Comparison {
  /** What was measured: `256 in flight`. */
  readonly measure: string;
  /** `/s`, `ms`, `µs`, `kB`, `MB`. */
  readonly unit: string;
  /** One figure a round; none when it was not measured. */
  readonly ours: readonly number[];
  readonly baseline?: Series;
  readonly goal?: Goal;
  /** Why there is no figure of ours. */
  readonly notMeasured?: string;
}

/** What one contender came to, one figure a round. */
export interface Series {
  readonly name: string;
  readonly figures: readonly number[];
}

export interface Row {
  readonly comparisons: readonly Comparison[];
  /** What a reader must know to read the figures. */
  readonly notes?: readonly string[];
}

/** What a benchmark is given. */
export interface Stage {
  /** A nats-server with JetStream that runs for the benchmarks alone. */
  readonly natsUrl: string;
  /** `quick`: fewer and shorter rounds; the figures are rougher, not different. */
  readonly scale: 'full' | 'quick';
  /** Aborts when the run is given up. */
  readonly signal: AbortSignal;
}

export interface Benchmark {
  /** Kebab-case; what the command line chooses by. */
  readonly name: string;
  /** The goal in words, as in docs/benchmarks.md. */
  readonly goal: string;
  /** The longest it may take, in ms. */
  readonly timeoutMs: number;
  run(stage: Stage): Promise<Row>;
}

/** The number for the scale of the run. */
export function scaled(stage: Stage, sizes: { readonly full: number; readonly quick: number }): number {
  return sizes[stage.scale];
}
