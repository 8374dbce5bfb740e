/** Clopper and Pearson's exact upper bound of a rate. Pure. */

/**
 * The rate at which `hits` or fewer of `trials` would come in a share 1 - `level` of cases: with confidence `level` (one-sided) the
 * true rate is not above it. Found by halving, to 1e-9. 1 when every trial hit.
 */
export function upperBound(hits: number, trials: number, level: number): number {
  if (hits >= trials) return 1;
  let [low, high] = [hits / trials, 1];
  while (high - low > 1e-9) {
    const rate = (low + high) / 2;
    if (chanceOfAtMost(hits, trials, rate) > 1 - level) low = rate;
    else high = rate;
  }
  return high;
}

function chanceOfAtMost(hits: number, trials: number, rate: number): number {
  let logTerm = trials * Math.log1p(-rate);
  let chance = Math.exp(logTerm);
  for (let k = 1; k <= hits; k++) {
    logTerm += Math.log((trials - k + 1) / k) + Math.log(rate) - Math.log1p(-rate);
    chance += Math.exp(logTerm);
  }
  return chance;
}
