/** Weighted consensus: the weighted mean of what the parties want, or what most of the weight wants. No rounds. Pure. */
import { poolWishes } from './average.ts';
import { inOrder } from './position.ts';
import { endWith, hasPreference, type Strategy } from './strategy.ts';

/** The strategy. Weights may be multiplied by what was learned of the parties (`terms.reliabilities`). */
export function weightedConsensus(): Strategy {
  return {
    name: 'weighted-consensus',
    opening: 'prefer',
    isReady: hasPreference,
    settle: (positions, terms) => {
      const ordered = inOrder(positions).filter(hasPreference);
      // A weight at the end of what a number can be would leave it when it is multiplied.
      const heaviest = Math.max(...ordered.map(({ weight }) => weight));
      const wishes = ordered.map((position) => ({
        ...position,
        value: position.preferred,
        weight: (position.weight / heaviest) * (terms.reliabilities[position.party] ?? 1),
      }));
      const value = poolWishes(wishes, terms.range);
      return endWith(
        value === undefined ? { kind: 'no-feasible-value' } : { kind: 'agreed', value, rounds: 0 },
      );
    },
  };
}
