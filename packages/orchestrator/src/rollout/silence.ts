/**
 * Has the candidate fallen silent? A change that makes conversations fail leaves no score of them, so no rank would ever tell.
 *
 * Under the hash of a canary the scored conversations of the candidate are binomial: of `all`, each with probability `share`, if the
 * candidate is scored as often as the incumbent. Few enough of them are evidence by themselves.
 */

/** P(Binomial(all, share) ≤ candidate) ≤ level? Never for all = 0, nor at share 1, where there is nobody to compare with. */
export function isSilent({
  all,
  candidate,
  level,
  share,
}: {
  readonly candidate: number;
  readonly all: number;
  readonly share: number;
  readonly level: number;
}): boolean {
  if (all === 0 || share >= 1) return false;
  let logTerm = all * Math.log1p(-share);
  let chance = Math.exp(logTerm);
  for (let k = 1; k <= candidate && chance <= level; k++) {
    logTerm += Math.log((all - k + 1) / k) + Math.log(share) - Math.log1p(-share);
    chance += Math.exp(logTerm);
  }
  return chance <= level;
}
