/**
 * The conformance suite of rules by which votes are counted: what each of ours keeps, and a rule of one's own must, or its
 * certificates prove nothing.
 *
 *   for (const { name, run } of voteConformance(myRule)) test(name, run);
 *
 * Cases are pure and seeded; a case throws when the rule breaks it, with the paper and the votes on which it does.
 */
import { deepStrictEqual, notStrictEqual, ok } from 'node:assert/strict';
import {
  ruleName,
  standingBy,
  writePaper,
  type BallotPaper,
  type Choice,
  type CountingRule,
  type Standing,
  type VoteAlgorithm,
} from '../consensus/paper.ts';
import { seededRandom, type Random } from '../negotiation/random.ts';
import { shuffled, type ConformanceCase } from './negotiation.ts';

/** How the suite is run. */
export interface VoteConformanceOptions {
  /** Random polls a case. Default 200. */
  readonly runs?: number;
  /** Seed of the polls. Default 1. */
  readonly seed?: number;
}

/** A paper, what was voted on it so far, and who will not vote any more. */
interface Poll {
  readonly paper: BallotPaper;
  readonly votes: ReadonlyMap<string, Choice>;
  readonly silent: ReadonlySet<string>;
}

type Check = (poll: Poll, standing: (poll: Poll) => Standing, random: Random) => void;

const cases: Readonly<Record<string, Check>> = {
  'accepts only what is on the paper, and what somebody voted for': (poll, standing) => {
    const found = standing(poll);
    if (found.kind !== 'accepted') return;
    ok(poll.paper.alternatives[found.accepted] !== undefined, show(poll));
    ok(
      poll.paper.electorate.some(({ party }) => poll.votes.get(party) === found.accepted),
      show(poll),
    );
  },
  'takes silence neither for consent nor for refusal': (poll, standing) => {
    const everybody = new Set(poll.paper.electorate.map(({ party }) => party));
    const heard = standing({ ...poll, silent: new Set() });
    const [now, silenced] = [standing(poll), standing({ ...poll, silent: everybody })];
    if (isDecided(heard)) {
      deepStrictEqual([now, silenced], [heard, heard], show(poll));
      return;
    }
    ok(!isDecided(now) && !isDecided(silenced), show(poll));
  },
  'keeps a decision whatever votes follow': (poll, standing, random) => {
    const early = standing(poll);
    if (isDecided(early)) deepStrictEqual(standing(withVotes(poll, random)), early, show(poll));
  },
  'gives up only what no vote that is awaited could save': (poll, standing, random) => {
    if (standing(poll).kind !== 'hopeless') return;
    notStrictEqual(standing(withVotes(poll, random)).kind, 'accepted', show(poll));
  },
  'does not care for the order of parties and votes': (poll, standing, random) => {
    const electorate = shuffled(poll.paper.electorate, random);
    const votes = new Map(shuffled([...poll.votes], random));
    deepStrictEqual(
      standing({ ...poll, paper: { ...poll.paper, electorate: [...electorate] }, votes }),
      standing(poll),
      show(poll),
    );
  },
  'counts no stranger': (poll, standing, random) => {
    const strangers = [['stranger', 0] as const, ['zoe', null] as const, ['other', 1] as const];
    const votes = new Map([...poll.votes, ...strangers.slice(random.unit() < 0.5 ? 1 : 0)]);
    deepStrictEqual(standing({ ...poll, votes }), standing(poll), show(poll));
  },
  'is helped no more by a vote for what is not on the paper than by a no': (poll, standing, random) => {
    const { party } = random.pick(asList(poll.paper.electorate));
    const withVote = (choice: Choice): Standing =>
      standing({ ...poll, votes: new Map([...poll.votes, [party, choice] as const]) });
    const found = withVote(poll.paper.alternatives.length + 7);
    if (found.kind === 'accepted') deepStrictEqual(withVote(null), found, show(poll));
  },
  'is not undone by one more vote for what it accepts': (poll, standing, random) => {
    const found = standing(poll);
    if (found.kind !== 'accepted') return;
    const { party } = random.pick(asList(poll.paper.electorate));
    const votes = new Map([...poll.votes, [party, found.accepted] as const]);
    deepStrictEqual(standing({ ...poll, votes }), found, show(poll));
  },
  'accepts what everybody votes for': (poll, standing, random) => {
    const accepted = Math.floor(random.unit() * poll.paper.alternatives.length);
    const votes = new Map(poll.paper.electorate.map(({ party }) => [party, accepted] as const));
    deepStrictEqual(
      standing({ ...poll, votes, silent: new Set() }),
      { kind: 'accepted', accepted },
      show(poll),
    );
  },
  'leaves nothing open when nobody is left to ask': (poll, standing) => {
    const silent = new Set(
      poll.paper.electorate.map(({ party }) => party).filter((party) => !poll.votes.has(party)),
    );
    notStrictEqual(standing({ ...poll, silent }).kind, 'open', show(poll));
  },
  'says the same again, and changes nothing that it is handed': (poll, standing) => {
    const before = structuredClone(poll);
    deepStrictEqual(standing(poll), standing(poll), show(poll));
    deepStrictEqual(poll, before);
  },
};

/** The cases a rule must pass, one of ours by name or one of one's own. Throws `invalid-id` and `invalid-proposal` for its name. */
export function voteConformance(
  rule: VoteAlgorithm | CountingRule,
  { runs = 200, seed = 1 }: VoteConformanceOptions = {},
): readonly ConformanceCase[] {
  const rules = typeof rule === 'object' ? [rule] : [];
  const standing = ({ paper, votes, silent }: Poll): Standing => {
    const found = standingBy(rules, paper, { votes, silent });
    ok(found !== undefined, `the rule ${paper.algorithm} is not known`);
    return found;
  };
  return Object.entries(cases).map(([name, check]) => ({
    name: `${ruleName(rule)}: ${name}`,
    run: () => {
      const random = seededRandom(seed);
      for (let i = 0; i < runs; i++) check(pollOf(rule, random), standing, random);
    },
  }));
}

function isDecided({ kind }: Standing): boolean {
  return kind === 'accepted' || kind === 'rejected';
}

/** A poll in which nobody has voted, some, or all; of thresholds below and above a half. */
function pollOf(rule: VoteAlgorithm | CountingRule, random: Random): Poll {
  const upTo = (n: number): number => Math.floor(random.unit() * n);
  const electorate = Array.from({ length: 1 + upTo(7) }, (_, i) => ({
    party: `p${i}`,
    weight: (1 + upTo(30)) / 10,
  }));
  const paper = writePaper({
    space: 'conformance',
    round: 'r-1',
    algorithm: rule,
    threshold: random.pick([undefined, undefined, 0, 0.2, 0.5, 0.66, 0.9] as const),
    electorate,
    alternatives: ['a', 'b', 'c'].slice(0, 1 + upTo(3)),
  });
  const choice = choicesOf(paper, random);
  const share = random.unit();
  const votes = new Map<string, Choice>();
  const silent = new Set<string>();
  for (const { party } of electorate) {
    if (random.unit() < share) votes.set(party, choice());
    else if (random.unit() < 0.3) silent.add(party);
  }
  return { paper, votes, silent };
}

/** With the votes of some of those who have not voted and are not silent. */
function withVotes(poll: Poll, random: Random): Poll {
  const choice = choicesOf(poll.paper, random);
  const votes = new Map(poll.votes);
  for (const { party } of poll.paper.electorate) {
    const isAwaited = !poll.votes.has(party) && !poll.silent.has(party);
    if (isAwaited && random.unit() < 0.7) votes.set(party, choice());
  }
  return { ...poll, votes };
}

/** Chances, of which one favourite is as likely as all others: few polls are decided by chance alone. */
function choicesOf({ alternatives }: BallotPaper, random: Random): () => Choice {
  const any = (): Choice => {
    const place = Math.floor(random.unit() * (alternatives.length + 1));
    return place < alternatives.length ? place : null;
  };
  const favourite = any();
  return () => (random.unit() < 0.5 ? favourite : any());
}

function asList<T>(items: readonly T[]): readonly [T, ...T[]] {
  const [first, ...rest] = items;
  if (first === undefined) throw new Error('a poll has somebody');
  return [first, ...rest];
}

function show({ paper, votes, silent }: Poll): string {
  return `with ${JSON.stringify({ paper, votes: [...votes], silent: [...silent] })}`;
}
