import { seededRandom, simulate, type PartyStep, type SimulatedParty } from '@mabeam/testing';
import { describe, expect, it } from 'vitest';
import {
  standingOf,
  voteAlgorithms,
  writePaper,
  type BallotPaper,
  type Choice,
  type Standing,
} from './paper.ts';

type Message =
  | { readonly kind: 'ask' }
  | { readonly kind: 'vote'; readonly choice: Choice }
  | { readonly kind: 'told'; readonly standing: Standing };
interface State {
  readonly votes: ReadonlyMap<string, Choice>;
  /** The standings this party came to believe, without repetition. */
  readonly believed: readonly Standing[];
}
type Step = PartyStep<State, Message>;

const isDecided = ({ kind }: Standing): boolean => kind === 'accepted' || kind === 'rejected';

/** Asks until it is decided; what was decided it tells again and again. The first vote of a party counts. */
function asker(paper: BallotPaper): SimulatedParty<State, Message> {
  const all = paper.electorate.map(({ party }) => party);
  const send = (state: State, message: Message): Step => ({
    state,
    sends: all.map((to) => ({ to, message })),
    timers: [{ timer: 'again', afterMs: 20 }],
  });
  return {
    initial: { votes: new Map(), believed: [] },
    step: (state, input): Step => {
      const [decided] = state.believed;
      if (input.kind !== 'message')
        return send(state, decided ? { kind: 'told', standing: decided } : { kind: 'ask' });
      const { from, message } = input;
      if (message.kind !== 'vote' || state.votes.has(from) || decided !== undefined)
        return { state, sends: [], timers: [] };
      const votes = new Map([...state.votes, [from, message.choice]]);
      const standing = standingOf(paper, { votes });
      if (!isDecided(standing)) return { state: { ...state, votes }, sends: [], timers: [] };
      return send({ votes, believed: [standing] }, { kind: 'told', standing });
    },
  };
}

/** Votes for each of its choices whenever it is asked: an honest voter has one. */
function voter(choices: readonly Choice[]): SimulatedParty<State, Message> {
  return {
    initial: { votes: new Map(), believed: [] },
    step: (state, input): Step => {
      const message = input.kind === 'message' ? input.message : undefined;
      if (message?.kind === 'ask') {
        const sends = choices.map((choice) => ({ to: 'asker', message: { kind: 'vote' as const, choice } }));
        return { state, sends, timers: [] };
      }
      if (message?.kind !== 'told') return { state, sends: [], timers: [] };
      const isNews = !state.believed.some(
        (known) => JSON.stringify(known) === JSON.stringify(message.standing),
      );
      return {
        state: isNews ? { ...state, believed: [...state.believed, message.standing] } : state,
        sends: [],
        timers: [],
      };
    },
  };
}

/** One vote under a network that misbehaves: what the voters want, and what came of it. */
function poll(seed: number): {
  readonly paper: BallotPaper;
  readonly wanted: readonly (readonly Choice[])[];
  readonly states: ReadonlyMap<string, State>;
} {
  const random = seededRandom(seed);
  const upTo = (n: number): number => Math.floor(random() * n);
  const size = 1 + upTo(7);
  const choice = (): Choice => [0, 0, 1, null][upTo(4)] ?? null;
  const wanted = Array.from({ length: size }, () => (upTo(4) === 0 ? [choice(), choice()] : [choice()]));
  const electorate = wanted.map((_, i) => ({ party: `p${i}`, weight: (1 + upTo(30)) / 10 }));
  const algorithm = voteAlgorithms[upTo(3)] ?? 'unanimous';
  const paper = writePaper({
    space: 's',
    round: `r${seed}`,
    algorithm,
    electorate,
    alternatives: ['a', 'b'],
  });
  const parties = new Map([
    ['asker', asker(paper)],
    ...wanted.map((choices, i) => [`p${i}`, voter(choices)] as const),
  ]);
  const groups = [
    ['asker', ...[...wanted.keys()].filter((i) => i % 2 === 0)].map((i) => (i === 'asker' ? i : `p${i}`)),
  ];
  const { states } = simulate(parties, {
    seed,
    weather: {
      dropRate: random() * 0.5,
      duplicateRate: random() * 0.5,
      maxDelayMs: 60,
      partitions: [{ fromMs: 10, toMs: 100, groups }],
      healsAtMs: 400,
    },
    crashes: upTo(2) === 0 ? [{ party: `p${upTo(size)}`, atMs: upTo(60), backAtMs: 300 }] : [],
    untilMs: 700,
  });
  return { paper, wanted, states };
}

const runs = process.env['MABEAM_LONG'] === '1' ? 20_000 : 1_500;

describe('single-decree votes under loss, delay, repetition, partition and crashes', () => {
  it('never have two decisions, decide only what was voted for, and tell everybody who is alive', () => {
    let decisions = 0;
    const unexplained: number[] = [];
    for (let seed = 0; seed < runs; seed++) {
      const { paper, wanted, states } = poll(seed);
      const [decided] = states.get('asker')?.believed ?? [];
      const told = [...states].filter(([id]) => id !== 'asker').map(([, { believed }]) => believed);
      expect(new Set(told.map((believed) => JSON.stringify(believed))), `seed ${seed}`).toEqual(
        new Set([JSON.stringify(decided === undefined ? [] : [decided])]),
      );
      if (decided === undefined) continue;
      decisions += 1;
      // Validity: somebody's choices, one of each voter, carry the decision.
      if (!outcomes(paper, wanted).includes(JSON.stringify(decided))) unexplained.push(seed);
    }
    expect(unexplained).toEqual([]);
    expect(decisions).toBeGreaterThan(runs / 2);
  }, 600_000);

  it('gain nobody anything by a second vote: the outcome is one that single votes have, too', () => {
    const paper = writePaper({
      space: 's',
      round: 'r',
      algorithm: 'simple-majority',
      electorate: [{ party: 'p0' }, { party: 'p1' }, { party: 'p2' }],
      alternatives: ['a', 'b'],
    });
    const parties = new Map([
      ['asker', asker(paper)],
      ['p0', voter([0, 0, 0, 0, 0])],
      ['p1', voter([1])],
      ['p2', voter([null])],
    ]);
    const { states } = simulate(parties, { seed: 1, weather: { duplicateRate: 0.9 }, untilMs: 500 });
    expect(states.get('asker')?.believed).toEqual([]);
    expect(states.get('asker')?.votes.size).toBe(3);
  });
});

/** What the standing can be when each voter has one of its votes counted. */
function outcomes(paper: BallotPaper, wanted: readonly (readonly Choice[])[]): readonly string[] {
  let ballots: readonly (readonly Choice[])[] = [[]];
  for (const choices of wanted)
    ballots = ballots.flatMap((head) => choices.map((choice) => [...head, choice]));
  return ballots.map((ballot) =>
    JSON.stringify(standingOf(paper, { votes: new Map(ballot.map((choice, i) => [`p${i}`, choice])) })),
  );
}
