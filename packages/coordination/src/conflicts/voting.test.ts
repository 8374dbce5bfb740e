import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { Borda, Copeland, FirstPastThePost, utils } from 'votes';
import { countVotes, votingRules, type Ballot } from './voting.ts';

const names = ['a', 'b', 'c', 'd'] as const;
const candidates = [...names];
const ballot = fc.record({
  ranking: fc.shuffledSubarray([...names], { minLength: names.length }),
  weight: fc.integer({ min: 1, max: 9 }),
});
const profile = fc
  .array(ballot, { minLength: 1, maxLength: 9 })
  .map((all) => all.map((one, at): Ballot => ({ voter: `v${at}`, ...one })));

const winners = (ballots: readonly Ballot[], rule: (typeof votingRules)[number]): string[] => {
  const scores = countVotes(candidates, ballots, rule);
  const best = Math.max(...scores.values());
  return [...scores].filter(([, score]) => Math.abs(score - best) < 1e-9).map(([name]) => name);
};

test.prop([profile])('the library `votes` counts the same scores', (ballots) => {
  const theirs = ballots.map(({ ranking, weight = 1 }) => ({ ranking: ranking.map((one) => [one]), weight }));
  const given = { candidates, ballots: theirs };
  const scores = (rule: (typeof votingRules)[number]) =>
    Object.fromEntries(countVotes(candidates, ballots, rule));
  expect(scores('plurality')).toEqual(new FirstPastThePost(given).scores());
  expect(scores('borda')).toEqual(new Borda(given).scores());
  expect(scores('copeland')).toEqual(new Copeland(utils.matrixFromBallots(theirs, candidates)).scores());
});

describe.each(votingRules)('%s', (rule) => {
  test.prop([profile])('does not care who voted first, nor who is who', (ballots) => {
    expect(winners(ballots.toReversed(), rule)).toEqual(winners(ballots, rule));
    const swap = (name: string): string => ({ a: 'b', b: 'a' })[name] ?? name;
    const swapped = ballots.map((one) => ({ ...one, ranking: one.ranking.map(swap) }));
    expect(winners(swapped, rule).map(swap).toSorted()).toEqual(winners(ballots, rule).toSorted());
  });

  test.prop([profile])('whom everybody puts first wins alone', (ballots) => {
    const all = ballots.map((one) => ({
      ...one,
      ranking: ['c', ...one.ranking.filter((name) => name !== 'c')],
    }));
    expect(winners(all, rule)).toEqual(['c']);
  });

  test.prop([profile, fc.nat({ max: 8 })])(
    'a winner that one voter comes to like better still wins',
    (ballots, at) => {
      const [winner = ''] = winners(ballots, rule);
      const raised = ballots.map((one, index) =>
        index === at % ballots.length
          ? { ...one, ranking: [winner, ...one.ranking.filter((name) => name !== winner)] }
          : one,
      );
      expect(winners(raised, rule)).toContain(winner);
    },
  );

  test.prop([profile])('nobody gains by voting twice', (ballots) => {
    expect(winners([...ballots, ...ballots], rule)).toEqual(winners(ballots, rule));
  });
});

test.prop([profile])('copeland elects whoever beats all others in pairs', (ballots) => {
  const beats = (one: string, other: string): boolean =>
    ballots.reduce(
      (lead, { ranking, weight = 1 }) =>
        lead + (ranking.indexOf(one) < ranking.indexOf(other) ? weight : -weight),
      0,
    ) > 0;
  const champion = candidates.find((one) => candidates.every((other) => other === one || beats(one, other)));
  fc.pre(champion !== undefined);
  expect(winners(ballots, 'copeland')).toEqual([champion]);
});

it('a ballot that names strangers counts for those who stand', () => {
  const scores = countVotes(['a', 'b'], [{ voter: 'v', ranking: ['z', 'b'] }], 'plurality');
  expect([...scores]).toEqual([
    ['a', 0],
    ['b', 1],
  ]);
});
