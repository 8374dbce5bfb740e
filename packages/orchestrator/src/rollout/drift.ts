/**
 * How much the level drifts by itself: what a comparison of before with after has to allow for. Pure.
 *
 * The time before the change is cut into windows of the length of those after it. If nothing drifted, the ranks of its samples
 * would not care which window they fell into, and Kruskal and Wallis' H, over its degrees of freedom f, would be about 1; a drift of
 * the windows' levels of δ standard deviations of a sample makes it 1 + n̄δ², with n̄ samples a window. Only what exceeds the 95 %
 * point of H is counted, so that a few samples do not look like a drift, and twice that deviation is allowed for.
 */
import { centredRanks } from './rank-evidence.ts';

/** The drift that is allowed for anyhow, in standard deviations of a sample. */
export const leastDrift = 0.12;

/** The drift to allow for after windows like these, in standard deviations of a sample: at least `leastDrift`. */
export function estimateDrift(windows: readonly (readonly number[])[]): number {
  const filled = windows.filter((window) => window.length > 0);
  const freedom = filled.length - 1;
  if (freedom < 1) return leastDrift;
  const excess = scatterOf(filled) / freedom / pointOf95(freedom) - 1;
  const perWindow = filled.flat().length / filled.length;
  return Math.max(leastDrift, 2 * Math.sqrt(Math.max(0, excess) / perWindow));
}

/** Kruskal and Wallis' H, with midranks: the scatter of the windows' mean ranks, over the variance of a rank. */
function scatterOf(windows: readonly (readonly number[])[]): number {
  const ranks = centredRanks(windows.flat());
  const variance = ranks.reduce((total, rank) => total + rank * rank, 0) / (ranks.length - 1);
  if (!(variance > 0)) return 0;
  let from = 0;
  let scatter = 0;
  for (const { length } of windows) {
    const sum = ranks.slice(from, from + length).reduce((total, rank) => total + rank, 0);
    scatter += (sum * sum) / length;
    from += length;
  }
  return scatter / variance;
}

/** The 95 % point of χ² with f degrees of freedom, over f, by Wilson and Hilferty. */
function pointOf95(freedom: number): number {
  const spread = 2 / (9 * freedom);
  return (1 - spread + 1.645 * Math.sqrt(spread)) ** 3;
}
