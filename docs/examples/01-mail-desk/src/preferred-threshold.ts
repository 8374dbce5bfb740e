/**
 * Which threshold a specialist would like, by its own opinions on the mail whose labels it has been told. Pure.
 *
 * The verdict adds log-odds up, so if each member knew where its own log-odds best part spam from ham, the mean of those places would
 * be the place for the team. Between two heaps of unequal width that is nearer to the narrower one: (m₁s₀ + m₀s₁) ∕ (s₀ + s₁), with the
 * means m and deviations s of ham (0) and spam (1). The place is then moved towards 0.5, which is what a probability means by itself,
 * as if sixty further mails of each label had spoken for that: a few dozen do not say more.
 */
import { mean, standardDeviation } from 'simple-statistics';
import type { Label } from './mail-entry.ts';
import { logOddsOf, probabilityOf } from './specialists/opinion.ts';

/** The log-odds that a specialist gave to the last mails of each label, before it was told which it was. */
export interface OwnOpinions {
  readonly ham: readonly number[];
  readonly spam: readonly number[];
}

const remembered = 60;
const leastSeen = 10;
const prior = 60;
/** As in the verdict: nearer to 0 or 1 counts as if it were not. */
const floor = 0.01;
/** A heap is never thinner than this, in log-odds. */
const leastDeviation = 0.2;

/** No opinions yet. */
export function noOpinions(): OwnOpinions {
  return { ham: [], spam: [] };
}

/** The opinions with one more among them. */
export function noteOpinion(opinions: OwnOpinions, label: Label, probability: number): OwnOpinions {
  const logOdds = logOddsOf(probability, floor);
  return { ...opinions, [label]: [...opinions[label], logOdds].slice(-remembered) };
}

/**
 * The threshold that would suit a specialist, 0 to 1. Undefined, and it stands aside, with fewer than ten mails of either label, and
 * when its opinions do not lean towards what the mails are: who cannot tell them apart cannot say where to part them.
 */
export function preferredThreshold({ ham, spam }: OwnOpinions): number | undefined {
  const seen = Math.min(ham.length, spam.length);
  if (seen < leastSeen) return undefined;
  const [m0, m1] = [mean([...ham]), mean([...spam])];
  if (m1 <= m0) return undefined;
  const [s0, s1] = [deviationOf(ham), deviationOf(spam)];
  const own = probabilityOf((m1 * s0 + m0 * s1) / (s0 + s1));
  return 0.5 + (own - 0.5) * (seen / (seen + prior));
}

function deviationOf(logOdds: readonly number[]): number {
  return standardDeviation([...logOdds]) + leastDeviation;
}
