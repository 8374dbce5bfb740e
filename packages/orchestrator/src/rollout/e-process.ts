/**
 * Is the candidate worse than the incumbent? A sequential test: evidence is weighed window by window and may be acted on at any of
 * them, with at most `alpha` false alarms over the whole rollout. Pure.
 *
 * Wealth starts at E_0 = 1 and is staked on "worse" at each window k of the K planned:
 *
 *   k < K   E_k = E_{k-1} · exp(λ Z_k) / E[exp(λ Z_k)]     λ = √(2 ln(1/α) / K)          (rank-evidence.ts)
 *   k = K   E_K = E_{K-1} / q  if p_K ≤ q,  else 0         q = min(1, β α E_{K-1}), β = 0.7
 *
 * Each factor is a bet that is fair, or worse, when the candidate is as good: its conditional expectation is at most 1. So E is a
 * nonnegative supermartingale, and by Ville's inequality P(some E_k ≥ 1/α) ≤ α (Ville 1939; Howard, Ramdas, McAuliffe and Sekhon,
 * "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 2021). That the wealth of a bettor
 * measures evidence, and the stake may be chosen freely as long as it is chosen before the outcome: Waudby-Smith and Ramdas,
 * "Estimating means of bounded random variables by betting", JRSS B 2024; between two samples: Shekhar and Ramdas, "Nonparametric
 * two-sample testing by betting", IEEE Transactions on Information Theory 2024. λ is the slope at which a walk of K unit steps
 * crosses ln(1/α) soonest. The last window is known beforehand to be the last, so nothing need be kept back: the whole wealth goes
 * on the one question that is left, does this window complete 1/α? β keeps 30 % of the level for noise that is not as assumed.
 *
 * Assumed: within a window the samples of both arms are exchangeable when the candidate is as good. In a canary the hash of the
 * conversation sees to it, however the level drifts. Before and after share no randomisation: the whole stream has to be
 * exchangeable, and is not where machines change. There `drift` (drift.ts) takes off what may come from drifting: e is no larger than
 * without it. A rollout over a step of the level, as there was none before, is still blamed for it (docs/rollback-evidence.md).
 */
import { blockEvidence, blockPValue, type Block } from './rank-evidence.ts';

/** How evidence is weighed. */
export interface WeighingOptions {
  /** Between 0 and 1: how often a candidate that is as good may be found worse, over the whole rollout. */
  readonly alpha: number;
  /** How many windows are planned, K: block K is the last, and nothing is weighed after it. */
  readonly windows: number;
  /** Standard deviations of a sample that the level may have drifted by itself between the arms; 0 when absent (canary). */
  readonly drift?: number | undefined;
}

/** What the windows so far came to. */
export interface Weighing {
  /** E after each window, in order: the wealth of one who bets on "worse". */
  readonly eValues: readonly number[];
  /** Has it reached 1 / alpha at any of them? What has been found stays found. */
  readonly isWorse: boolean;
}

/** The part of the level that the last window may use up. */
const lastStake = 0.7;

/** Weighs the windows so far, in order; `blocks` are as many as have ended, at most `windows`. Larger values are worse. */
export function weighBlocks(
  blocks: readonly Block[],
  { alpha, drift = 0, windows }: WeighingOptions,
): Weighing {
  const bet = Math.sqrt((2 * Math.log(1 / alpha)) / windows);
  const eValues: number[] = [];
  let wealth = 1;
  for (const [index, block] of blocks.slice(0, windows).entries()) {
    if (wealth >= 1 / alpha) break;
    const allowed = drift * Math.sqrt(pairsIn(block));
    wealth *=
      index === windows - 1
        ? lastFactor(blockPValue(block, allowed), lastStake * alpha * wealth)
        : Math.exp(blockEvidence(block, bet, allowed));
    eValues.push(wealth);
  }
  return { eValues, isWorse: wealth >= 1 / alpha };
}

/** All on one card: it pays 1/q in a share q of cases, at most; without samples there is nothing to stake on. */
function lastFactor(p: number, q: number): number {
  if (p === 1) return 1;
  return p <= q ? 1 / q : 0;
}

/** mn / (m + n): a shift of one standard deviation of a sample shifts Z by the root of this. */
function pairsIn({ candidate, incumbent }: Block): number {
  const all = candidate.length + incumbent.length;
  return all === 0 ? 0 : (candidate.length * incumbent.length) / all;
}
