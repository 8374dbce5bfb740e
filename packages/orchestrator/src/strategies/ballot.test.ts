import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { VoteReply } from '@mabeam/agents';
import { countVotes, defaultThreshold, type Ballot } from './ballot.ts';

const ballot = (weights: readonly number[], threshold = defaultThreshold): Ballot => ({
  variable: 'x',
  from: 1,
  to: 2,
  reason: 'test',
  electorate: weights.map((weight, i) => ({ agent: `a${i}`, weight })),
  threshold,
});

const replies = (given: readonly (VoteReply | undefined)[]): ReadonlyMap<string, VoteReply> =>
  new Map(given.flatMap((reply, i) => (reply === undefined ? [] : [[`a${i}`, reply] as const])));

describe('a vote', () => {
  it.each([
    [[1, 1, 1], ['yes', 'yes', undefined], 'ratified'],
    [[1, 1, 1, 1, 1], ['yes', 'yes', 'yes', 'no', 'no'], 'rejected'],
    [[1, 1, 1, 1, 1], ['yes', 'yes', 'yes', 'no', undefined], 'open'],
    [[1, 1, 1], ['no', 'no', undefined], 'rejected'],
    [[1, 1, 1], ['yes', 'timeout', 'unavailable'], 'rejected'],
    [[3, 1, 1], ['yes', 'no', 'no'], 'rejected'],
    [[4, 1, 1], ['yes', 'no', 'no'], 'ratified'],
    [[], [], 'rejected'],
  ] as const)('of weights %j with %j is %s', (weights, given, kind) => {
    expect(countVotes(ballot(weights), replies(given)).kind).toBe(kind);
  });
  it('does not count strangers', () => {
    expect(countVotes(ballot([1]), new Map([['stranger', 'yes']])).kind).toBe('open');
  });
  test.prop([
    fc.array(
      fc.tuple(fc.integer({ min: 1, max: 9 }), fc.constantFrom<VoteReply>('yes', 'no', 'abstain', 'timeout')),
      { minLength: 1, maxLength: 9 },
    ),
    fc.double({ min: 0, max: 1, noNaN: true }),
  ])('once decided it is not turned by what comes later', (voters, threshold) => {
    const given = ballot(
      voters.map(([weight]) => weight),
      threshold,
    );
    const counts = voters.map(
      (_, i) => countVotes(given, replies(voters.slice(0, i + 1).map(([, reply]) => reply))).kind,
    );
    const decided = counts.findIndex((kind) => kind !== 'open');
    expect(counts.at(-1)).not.toBe('open');
    expect(new Set(counts.slice(decided)).size).toBe(1);
  });
});
