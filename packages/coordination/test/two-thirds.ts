/** A rule of one's own: two thirds of all who are invited. */
import type { CountingRule } from '@mabeam/coordination';

export const twoThirds: CountingRule = {
  name: 'two-thirds',
  standing: ({ alternatives, electorate }, { votes, silent = new Set() }) => {
    const isEnough = (count: number): boolean => 3 * count >= 2 * electorate.length;
    const cast = electorate.map(({ party }) => votes.get(party));
    const support = alternatives.map((_, i) => cast.filter((vote) => vote === i).length);
    const accepted = support.findIndex(isEnough);
    if (accepted >= 0) return { kind: 'accepted', accepted };
    if (!isEnough(electorate.length - cast.filter((vote) => vote === null).length))
      return { kind: 'rejected' };
    const awaited = electorate.filter(({ party }) => !votes.has(party) && !silent.has(party)).length;
    return support.some((count) => isEnough(count + awaited)) ? { kind: 'open' } : { kind: 'hopeless' };
  },
};
