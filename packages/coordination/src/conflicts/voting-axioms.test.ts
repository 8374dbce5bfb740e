/** What the voting rules are known by: the axioms of social choice that each keeps, on whole and on partial ballots. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { countVotes, votingRules, type Ballot, type VotingRule } from './voting.ts';

const numRuns = process.env['MABEAM_LONG'] === '1' ? 10_000 : 100;
const candidates = ['a', 'b', 'c', 'd'] as const;
type Name = (typeof candidates)[number];

interface Said extends Ballot {
  readonly ranking: readonly Name[];
  readonly weight: number;
}

/** Ballots of different voters; `least` candidates are ranked on each. */
function profile(least: number): fc.Arbitrary<readonly Said[]> {
  const ballot = fc.record({
    ranking: fc.shuffledSubarray([...candidates], { minLength: least }),
    weight: fc.integer({ min: 1, max: 9 }),
  });
  return fc
    .array(ballot, { minLength: 1, maxLength: 9 })
    .map((all) => all.map((one, at): Said => ({ voter: `v${at}`, ...one })));
}
const whole = profile(candidates.length);
const partial = profile(0);

/** The winners, in the order of their names. Scores of these ballots are whole or halves: equal ones are the same. */
function winners(ballots: readonly Ballot[], rule: VotingRule): readonly string[] {
  const scores = countVotes(candidates, ballots, rule);
  const best = Math.max(...scores.values());
  return [...scores].flatMap(([name, score]) => (score === best ? [name] : [])).toSorted();
}

/** By how much weight more voters rank one above the other. */
function lead(ballots: readonly Said[], one: Name, other: Name): number {
  return ballots.reduce(
    (sum, { ranking, weight }) => sum + (ranking.indexOf(one) < ranking.indexOf(other) ? weight : -weight),
    0,
  );
}

describe.each(votingRules)('%s', (rule) => {
  test.prop(
    [
      partial,
      fc.shuffledSubarray([...candidates], { minLength: candidates.length }),
      fc.infiniteStream(fc.nat()),
    ],
    {
      numRuns,
    },
  )(
    'is anonymous and neutral: whoever the voters and whatever the candidates are called',
    (ballots, renamed, draws) => {
      const nameOf = new Map(candidates.map((name, i) => [name, renamed[i] ?? name]));
      const shuffled = ballots
        .map((one) => ({ one, place: draws.next().value ?? 0 }))
        .toSorted((x, y) => x.place - y.place)
        .map(({ one }, i) => ({
          ...one,
          voter: `w${i}`,
          ranking: one.ranking.map((name) => nameOf.get(name) ?? name),
        }));
      const before = winners(ballots, rule).map((name) => candidates.find((one) => one === name) ?? 'a');
      expect(winners(shuffled, rule)).toEqual(before.map((name) => nameOf.get(name) ?? name).toSorted());
    },
  );

  test.prop([whole, fc.nat({ max: 8 }), fc.nat({ max: 3 })], { numRuns })(
    'is monotone: a winner that one voter lifts by any number of places still wins',
    (ballots, at, places) => {
      const [winner] = candidates.filter((name) => winners(ballots, rule).includes(name));
      if (winner === undefined) return expect.unreachable();
      const lifted = ballots.map((one, i) => {
        if (i !== at % ballots.length) return one;
        const others = one.ranking.filter((name) => name !== winner);
        return {
          ...one,
          ranking: others.toSpliced(Math.max(0, one.ranking.indexOf(winner) - places), 0, winner),
        };
      });
      expect(winners(lifted, rule)).toContain(winner);
    },
  );

  test.prop([partial, fc.nat({ max: 8 }), fc.shuffledSubarray([...candidates])], { numRuns })(
    'counts one ballot a voter: of two that one has cast the first might as well not be there',
    (ballots, at, ranking) => {
      const voter = ballots[at % ballots.length];
      if (voter === undefined) return expect.unreachable();
      expect(winners([{ ...voter, ranking, weight: 99 }, ...ballots], rule)).toEqual(winners(ballots, rule));
    },
  );

  test.prop([whole], { numRuns })('elects nobody whom everybody ranks below another', (ballots) => {
    for (const winner of candidates.filter((name) => winners(ballots, rule).includes(name))) {
      const beaters = candidates.filter((name) =>
        ballots.every(({ ranking }) => ranking.indexOf(name) < ranking.indexOf(winner)),
      );
      expect(beaters).toEqual([]);
    }
  });
});

test.prop([whole], { numRuns })(
  'plurality, and copeland, elect whom more than half of the weight puts first',
  (ballots) => {
    const weightOf = (all: readonly Said[]): number => all.reduce((sum, { weight }) => sum + weight, 0);
    const [first] = ballots;
    // A favourite of more than half is made: of chance alone there would be few.
    const favourite = first?.ranking[0] ?? 'a';
    const others = ballots.slice(1);
    const all = [...others, { voter: 'most', ranking: first?.ranking ?? [], weight: weightOf(others) + 1 }];
    for (const rule of ['plurality', 'copeland'] as const) expect(winners(all, rule)).toEqual([favourite]);
  },
);

describe.each(['plurality', 'borda'] as const)('%s', (rule) => {
  test.prop([partial, partial], { numRuns })(
    'is consistent: what two electorates both elect, both together elect, and nothing else',
    (one, other) => {
      const both = winners(one, rule).filter((name) => winners(other, rule).includes(name));
      fc.pre(both.length > 0);
      const joined = [...one, ...other.map((ballot) => ({ ...ballot, voter: `other ${ballot.voter}` }))];
      expect(winners(joined, rule)).toEqual(both);
    },
  );

  test.prop([whole, fc.shuffledSubarray([...candidates], { minLength: candidates.length })], { numRuns })(
    'punishes nobody for voting: who comes besides and prefers the only winner does not lose it',
    (ballots, ranking) => {
      const [winner, second] = winners(ballots, rule);
      fc.pre(second === undefined && winner === ranking[0]);
      expect(winners([...ballots, { voter: 'late', ranking, weight: 3 }], rule)).toEqual([winner]);
    },
  );
});

test.prop([whole], { numRuns })(
  'copeland elects alone whoever beats all others in pairs, and neither it nor borda elects who loses to all others',
  (ballots) => {
    const others = (one: Name): readonly Name[] => candidates.filter((name) => name !== one);
    const champion = candidates.find((one) => others(one).every((other) => lead(ballots, one, other) > 0));
    const loser = candidates.find((one) => others(one).every((other) => lead(ballots, other, one) > 0));
    if (champion !== undefined) expect(winners(ballots, 'copeland')).toEqual([champion]);
    for (const rule of ['copeland', 'borda'] as const)
      if (loser !== undefined) expect(winners(ballots, rule)).not.toContain(loser);
  },
);
