import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { capWeights, expertiseWeights } from './expertise.ts';
import { standingOf, writePaper, type BallotPaper, type Choice, type VoteAlgorithm } from './paper.ts';

const paperOf = (
  parties: number | readonly number[],
  algorithm: VoteAlgorithm = 'simple-majority',
  { alternatives = ['a', 'b'], threshold }: { alternatives?: readonly string[]; threshold?: number } = {},
): BallotPaper => {
  const weights = typeof parties === 'number' ? Array.from({ length: parties }, () => 1) : parties;
  const electorate = weights.map((weight, i) => ({ party: `p${i}`, weight }));
  return writePaper({ space: 'orders', round: 'r1', algorithm, threshold, electorate, alternatives });
};
const votes = (...choices: readonly (Choice | undefined)[]): ReadonlyMap<string, Choice> =>
  new Map(choices.flatMap((choice, i) => (choice === undefined ? [] : [[`p${i}`, choice] as const])));

describe('a simple majority', () => {
  it('of a, a, b is a with 2 of 3', () => {
    expect(standingOf(paperOf(3), { votes: votes(0, 0, 1) })).toEqual({ kind: 'accepted', accepted: 0 });
  });

  it('is one of the invited: 2 of 10 in favour and 8 silent are none', () => {
    const silent = new Set(Array.from({ length: 8 }, (_, i) => `p${i + 2}`));
    expect(standingOf(paperOf(10), { votes: votes(0, 0), silent })).toEqual({ kind: 'hopeless' });
  });

  it('of an even number needs one more than half', () => {
    expect(standingOf(paperOf(4), { votes: votes(0, 0) }).kind).toBe('open');
    expect(standingOf(paperOf(4), { votes: votes(0, 0, 0) }).kind).toBe('accepted');
    expect(standingOf(paperOf(4), { votes: votes(0, 0, null, null) }).kind).toBe('rejected');
  });

  it('stops as soon as it is decided, either way', () => {
    expect(standingOf(paperOf(5), { votes: votes(1, 1, 1) })).toEqual({ kind: 'accepted', accepted: 1 });
    expect(standingOf(paperOf(5), { votes: votes(null, null, null) })).toEqual({ kind: 'rejected' });
    expect(standingOf(paperOf(5), { votes: votes(0, 0, 1, 1) })).toEqual({ kind: 'open' });
    expect(standingOf(paperOf(5), { votes: votes(0, 0, 1, 1, null) })).toEqual({ kind: 'hopeless' });
  });
});

describe('a weighted vote', () => {
  it('needs more than the threshold of all weight', () => {
    const paper = paperOf([3, 1, 1, 1], 'weighted-voting');
    expect(standingOf(paper, { votes: votes(0) }).kind).toBe('open');
    expect(standingOf(paper, { votes: votes(0, null, null, null) }).kind).toBe('rejected');
    expect(standingOf(paper, { votes: votes(0, 0) }).kind).toBe('accepted');
  });

  it('does not make a majority of a tie by rounding', () => {
    const paper = paperOf([0.1, 0.2, 0.3], 'weighted-voting');
    expect(standingOf(paper, { votes: votes(0, 0, null) }).kind).toBe('rejected');
  });

  it('takes another threshold', () => {
    const paper = paperOf([1, 1, 1, 1, 1], 'weighted-voting', { threshold: 0.6 });
    expect(standingOf(paper, { votes: votes(0, 0, 0) }).kind).toBe('open');
    expect(standingOf(paper, { votes: votes(0, 0, 0, 0) }).kind).toBe('accepted');
  });
});

describe('weights and thresholds at their ends', () => {
  it('are refused where their sum would overflow or vanish', () => {
    for (const weight of [Number.MAX_VALUE, 1e301, 5e-324, 0, -1, -0, Number.NaN, Infinity])
      expect(() => paperOf([weight, weight, weight], 'weighted-voting'), `weight ${weight}`).toThrow(
        expect.objectContaining({ code: 'invalid-weights' }),
      );
  });

  it('decide nothing by themselves: without a vote it is open, with all it is accepted', () => {
    for (const weights of [
      [1e300, 1e300, 1e300],
      [1e-300, 1e-300, 1e-300],
    ]) {
      const paper = paperOf(weights, 'weighted-voting');
      expect(standingOf(paper, { votes: votes() }).kind).toBe('open');
      expect(standingOf(paper, { votes: votes(null) }).kind).toBe('open');
      expect(standingOf(paper, { votes: votes(0, 0) }).kind).toBe('accepted');
    }
    for (const threshold of [1 - 1e-8, 1 - 1e-9, 1 - 1e-10, 1 - Number.EPSILON / 2]) {
      const paper = paperOf([1, 1, 1], 'weighted-voting', { threshold });
      expect(standingOf(paper, { votes: votes() }).kind, `threshold ${threshold}`).toBe('open');
      expect(standingOf(paper, { votes: votes(0, 0, 0) }).kind).toBe('accepted');
      expect(standingOf(paper, { votes: votes(0, 0, null) }).kind).toBe('rejected');
    }
  });
});

describe('a threshold below a half', () => {
  it('accepts only what no vote can overtake that may still come', () => {
    const paper = paperOf([1, 1, 1, 1, 1], 'weighted-voting', { threshold: 0.3 });
    expect(standingOf(paper, { votes: votes(1, 1) }).kind).toBe('open');
    expect(standingOf(paper, { votes: votes(1, 1, null, null) })).toEqual({ kind: 'accepted', accepted: 1 });
    expect(standingOf(paper, { votes: votes(1, 1, 0, 0) }).kind).toBe('open');
    expect(standingOf(paper, { votes: votes(1, 1, 0, 0, null) })).toEqual({ kind: 'accepted', accepted: 0 });
  });

  it('is reached by a single proposal as soon as it has enough, whatever else is said', () => {
    const paper = paperOf(5, 'weighted-voting', { threshold: 0.3, alternatives: ['a'] });
    expect(standingOf(paper, { votes: votes(0, 0) })).toEqual({ kind: 'accepted', accepted: 0 });
  });

  it('is not reached while those who are silent could overtake it: another asker may hear them', () => {
    const paper = paperOf(5, 'weighted-voting', { threshold: 0.3 });
    const silent = new Set(['p2', 'p3', 'p4']);
    expect(standingOf(paper, { votes: votes(0, 0), silent }).kind).toBe('hopeless');
  });
});

describe('unanimity', () => {
  it('needs everybody, and the first no ends it', () => {
    expect(standingOf(paperOf(3, 'unanimous'), { votes: votes(0, 0, 0) }).kind).toBe('accepted');
    expect(standingOf(paperOf(3, 'unanimous'), { votes: votes(undefined, null) }).kind).toBe('rejected');
    expect(standingOf(paperOf(3, 'unanimous'), { votes: votes(0, 1) }).kind).toBe('hopeless');
    expect(standingOf(paperOf(3, 'unanimous'), { votes: votes(0, 0), silent: new Set(['p2']) }).kind).toBe(
      'hopeless',
    );
  });
});

const algorithms: readonly VoteAlgorithm[] = ['simple-majority', 'weighted-voting', 'unanimous'];
const polls = fc.record({
  algorithm: fc.constantFrom(...algorithms),
  weights: fc.array(
    fc.integer({ min: 1, max: 30 }).map((tenths) => tenths / 10),
    { minLength: 1, maxLength: 9 },
  ),
  choices: fc.array(fc.constantFrom<(Choice | undefined)[]>(0, 1, null, undefined), {
    minLength: 9,
    maxLength: 9,
  }),
});

describe('every rule', () => {
  it('keeps a decision whatever votes follow', () => {
    fc.assert(
      fc.property(
        polls,
        fc.array(fc.constantFrom<Choice[]>(0, 1, null), { minLength: 9, maxLength: 9 }),
        (poll, more) => {
          const paper = paperOf(poll.weights, poll.algorithm);
          const early = standingOf(paper, { votes: votes(...poll.choices) });
          fc.pre(early.kind !== 'open');
          const full = poll.choices.map((choice, i) => (choice === undefined ? more[i] : choice));
          const late = standingOf(paper, { votes: votes(...full) });
          expect(late.kind === 'rejected' && early.kind === 'hopeless' ? early : late).toEqual(early);
        },
      ),
    );
  });

  it('accepts nothing that has not more than half of the weight behind it, and never two things', () => {
    fc.assert(
      fc.property(polls, ({ algorithm, weights, choices }) => {
        const standing = standingOf(paperOf(weights, algorithm), { votes: votes(...choices) });
        if (standing.kind !== 'accepted') return;
        const counted = algorithm === 'weighted-voting' ? weights : weights.map(() => 1);
        const behind = counted.reduce(
          (sum, weight, i) => (choices[i] === standing.accepted ? sum + weight : sum),
          0,
        );
        expect(2 * behind).toBeGreaterThan(counted.reduce((sum, weight) => sum + weight, 0));
      }),
    );
  });

  it('does not care for the order of parties and votes', () => {
    fc.assert(
      fc.property(polls, ({ algorithm, weights, choices }) => {
        const electorate = weights.map((weight, i) => ({ party: `p${i}`, weight }));
        const parts = { space: 'orders', round: 'r1', algorithm, alternatives: ['a', 'b'] };
        const turned = writePaper({ ...parts, electorate: electorate.toReversed() });
        expect(turned).toEqual(writePaper({ ...parts, electorate }));
        const backwards = new Map([...votes(...choices)].toReversed());
        expect(standingOf(turned, { votes: backwards })).toEqual(
          standingOf(turned, { votes: votes(...choices) }),
        );
      }),
    );
  });

  it('counts nothing of strangers and of what is not on the paper', () => {
    const noise = new Map<string, Choice>([...votes(0, 7, 7), ['stranger', 0], ['other', 0]]);
    expect(standingOf(paperOf(3), { votes: noise }).kind).not.toBe('accepted');
  });
});

describe('a paper', () => {
  it.each([
    ['nobody', { electorate: [] }, 'no-participants'],
    ['a name twice', { electorate: [{ party: 'a' }, { party: 'a' }] }, 'duplicate-participants'],
    ['no weight', { electorate: [{ party: 'a', weight: 0 }] }, 'invalid-weights'],
    ['a name with a dot', { electorate: [{ party: 'a.b' }] }, 'invalid-id'],
    ['a key that is none', { electorate: [{ party: 'a', key: 'U1' }] }, 'invalid-proposal'],
    ['a threshold of 1', { threshold: 1 }, 'invalid-weights'],
  ])('is not written for %s', (_, wrong, code) => {
    const parts = {
      space: 's',
      round: 'r',
      algorithm: 'weighted-voting' as const,
      electorate: [{ party: 'a' }],
    };
    const writing = (): unknown => writePaper({ ...parts, alternatives: [1], ...wrong });
    expect(writing).toThrow(expect.objectContaining({ code }));
  });
});

describe('weights by expertise', () => {
  it('count accuracy and domain most, and stay from 0.1 to 3', () => {
    const none = { accuracy: 0, consistency: 0, domain: 0, past: 0 };
    const all = { accuracy: 1, consistency: 1, domain: 1, past: 1 };
    const weights = expertiseWeights(
      { none, all, accurate: { ...none, accuracy: 1 }, steady: { ...none, consistency: 1 } },
      { cap: 1 },
    );
    expect(weights['none']).toBeCloseTo(0.1);
    expect(weights['all']).toBeCloseTo(3);
    expect(weights['accurate']).toBeCloseTo(0.9);
    expect(weights['steady']).toBeCloseTo(0.6);
    expect(() => expertiseWeights({ odd: { ...none, past: 1.1 } })).toThrow(
      expect.objectContaining({ code: 'invalid-weights' }),
    );
  });

  it('give nobody more than half, and capping once more changes nothing', () => {
    expect(capWeights({ a: 3, b: 0.4, c: 0.6 }, 0.5)).toEqual({ a: 1, b: 0.4, c: 0.6 });
    const weight = fc.integer({ min: 1, max: 300 }).map((n) => n / 100);
    const teams = fc.array(weight, { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(teams, fc.constantFrom(0.2, 0.3, 0.5, 0.9), (given, cap) => {
        const weights = capWeights(Object.fromEntries(given.map((one, i) => [`p${i}`, one])), cap);
        const capped = Object.values(weights);
        const total = capped.reduce((sum, one) => sum + one, 0);
        const limit = Math.max(cap, 1 / capped.length);
        for (const [i, one] of capped.entries()) {
          expect(one / total).toBeLessThanOrEqual(limit + 1e-9);
          expect(one).toBeLessThanOrEqual(given[i] ?? 0);
        }
        const again = Object.values(capWeights(weights, cap));
        for (const [i, one] of again.entries()) expect(one).toBeCloseTo(capped[i] ?? 0, 9);
      }),
    );
  });

  it('leave nobody who outvotes all others together', () => {
    const weights = capWeights({ expert: 3, a: 0.5, b: 0.5 }, 0.5);
    const electorate = Object.entries(weights).map(([party, weight]) => ({ party, weight }));
    const paper = writePaper({
      space: 's',
      round: 'r',
      algorithm: 'weighted-voting',
      electorate,
      alternatives: [1],
    });
    expect(standingOf(paper, { votes: new Map([['expert', 0]]) }).kind).toBe('open');
  });
});
