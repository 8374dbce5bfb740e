/**
 * What the ranks of one window say against the candidate. Pure statistics; no arm, time or metric is known here.
 *
 * A block holds the samples that both arms gave in one window. If the candidate is as good as the incumbent, any of them might as
 * well have come from the other arm: given the pooled values, every choice of the candidate's m of all N = m + n is equally
 * likely. So the law of the candidate's rank sum W (midranks, worse is larger) is known exactly, whatever the metric's
 * scale, shape and outliers, and whatever the level drifts to from one window to the next.
 *
 * Z = (W - m(N+1)/2) / sd,  sd² = (mn / N) · Σ(r - r̄)² / (N - 1)      standard over all choices
 */

/** The samples of one window, larger is worse. */
export interface Block {
  readonly incumbent: readonly number[];
  readonly candidate: readonly number[];
}

/** The candidate's ranks among all, centred, and what they vary by. */
interface Ranked {
  /** Centred midranks: the candidate's first. */
  readonly ranks: readonly number[];
  readonly ours: number;
  /** Their sum over the candidate's, and its standard deviation over all choices; 0 when all values are equal. */
  readonly sum: number;
  readonly deviation: number;
}

/**
 * Logarithm of the e-value of a block: exp(λ(Z - d)) / E[exp(λZ)], the expectation taken over all choices. Its expectation is at
 * most 1 as long as the candidate's true shift is no more than d (`drift`), in standard deviations of Z. λ > 0 is the `bet`.
 * 0 when an arm is empty or all values are equal.
 */
export function blockEvidence(block: Block, bet: number, drift = 0): number {
  const { deviation, ours, ranks, sum } = rankBlock(block);
  if (deviation === 0) return 0;
  const tilt = bet / deviation;
  return tilt * sum - bet * drift - logMeanTilt(ranks, ours, tilt);
}

/**
 * The share of all choices whose rank sum is at least the candidate's, less `drift` standard deviations: a p-value. Exact for
 * blocks of some tens of samples; larger ones take the normal law with a correction for continuity, whose tail is heavier than
 * the rank sum's. 1 when an arm is empty or all values are equal.
 */
export function blockPValue(block: Block, drift = 0): number {
  const ranked = rankBlock(block);
  const { deviation, sum } = ranked;
  if (deviation === 0) return 1;
  const least = sum - drift * deviation;
  return workOf(ranked) <= exactWork
    ? exactTail(ranked, least)
    : normalTail((least - smallestStep / 2) / deviation);
}

/** Additions up to which the whole distribution is worked out: some milliseconds. */
const exactWork = 5_000_000;
/** Centred midranks are multiples of a half. */
const smallestStep = 0.5;

function rankBlock({ candidate, incumbent }: Block): Ranked {
  const values = [...candidate, ...incumbent];
  const [ours, all] = [candidate.length, values.length];
  const ranks = centredRanks(values);
  const squares = ranks.reduce((total, rank) => total + rank * rank, 0);
  const variance = all < 2 ? 0 : ((ours * (all - ours)) / all) * (squares / (all - 1));
  const sum = ranks.slice(0, ours).reduce((total, rank) => total + rank, 0);
  return { ranks, ours, sum, deviation: Math.sqrt(variance) };
}

/** Midranks less their mean (N + 1) / 2, in the order of the values. */
export function centredRanks(values: readonly number[]): readonly number[] {
  const sorted = values.map((value, index) => ({ value, index })).toSorted((a, b) => a.value - b.value);
  const ranks = values.map(() => 0);
  for (let from = 0; from < sorted.length;) {
    let to = from + 1;
    while (to < sorted.length && sorted[to]?.value === sorted[from]?.value) to++;
    const midrank = (from + 1 + to) / 2 - (sorted.length + 1) / 2;
    for (const { index } of sorted.slice(from, to)) ranks[index] = midrank;
    from = to;
  }
  return ranks;
}

/**
 * log E[exp(t · sum of a random choice of `ours` ranks)]. With A(i, k) the mean over choices of k out of the first i,
 * A(i, k) = (1 - k/i) A(i-1, k) + (k/i) w_i A(i-1, k-1): means, not sums, so nothing overflows.
 */
function logMeanTilt(ranks: readonly number[], ours: number, tilt: number): number {
  const means = new Float64Array(ours + 1).fill(0);
  means[0] = 1;
  ranks.forEach((rank, index) => {
    const count = index + 1;
    const weight = Math.exp(tilt * rank);
    for (let k = Math.min(count, ours); k >= 1; k--)
      means[k] = (1 - k / count) * at(means, k) + (k / count) * weight * at(means, k - 1);
  });
  return Math.log(at(means, ours));
}

function workOf({ ours, ranks }: Ranked): number {
  return ours * ranks.length * ours * 2 * ranks.length;
}

/** The same recursion over the whole distribution of the sum, in half ranks counted from the least. */
function exactTail({ ours, ranks }: Ranked, least: number): number {
  const lowest = Math.min(...ranks);
  const steps = ranks.map((rank) => Math.round((rank - lowest) / smallestStep));
  const widest = ours * Math.max(...steps);
  const law = Array.from({ length: ours + 1 }, () => new Float64Array(widest + 1));
  law[0]?.fill(1, 0, 1);
  steps.forEach((step, index) => {
    const count = index + 1;
    for (let k = Math.min(count, ours); k >= 1; k--) shift(law[k], law[k - 1], { step, part: k / count });
  });
  // A hair less, so that the observed sum itself is never lost to rounding.
  const from = Math.max(0, Math.ceil((least - ours * lowest) / smallestStep - 1e-6));
  return Math.min(1, law[ours]?.subarray(from).reduce((total, chance) => total + chance, 0) ?? 1);
}

function shift(
  into: Float64Array | undefined,
  from: Float64Array | undefined,
  { part, step }: { readonly part: number; readonly step: number },
): void {
  if (into === undefined || from === undefined) return;
  for (let sum = into.length - 1; sum >= 0; sum--)
    into[sum] = (1 - part) * at(into, sum) + (sum < step ? 0 : part * at(from, sum - step));
}

function at(figures: Float64Array, index: number): number {
  return figures[index] ?? 0;
}

/** 1 - Φ(z), by the continued fraction in the tail and its series near the middle; relative error below 1e-7. */
function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z > 3) {
    let fraction = z;
    for (let k = 60; k >= 1; k--) fraction = z + k / fraction;
    return density / fraction;
  }
  let [term, total] = [z, z];
  for (let k = 1; k < 80; k++) {
    term *= (z * z) / (2 * k + 1);
    total += term;
  }
  return 0.5 - density * total;
}
