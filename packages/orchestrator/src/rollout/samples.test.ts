import { pickArm } from '@mabeam/variables';
import { expect, test } from 'vitest';
import { beginRollout, type Rollout } from './rollout.ts';
import {
  forTest,
  gatherSamples,
  scoresNeededFrom,
  windowsBefore,
  windowsEnded,
  type Score,
} from './samples.ts';

const begun = Date.parse('2026-01-31T12:00:00.000Z');

function rolloutOf(share?: number): Rollout {
  const guard = {
    metric: 'm',
    direction: 'below',
    windowMs: 1_000,
    windows: 2,
    tolerance: 0.05,
    alpha: 0.01,
  } as const;
  const changes = [{ variable: 'x', kind: 'custom', from: 0, to: 1, expect: 1 }] as const;
  const whole = share === undefined ? guard : { ...guard, share };
  return beginRollout({ id: 'a1', cause: 'a1', changes }, whole, new Date(begun)).rollout;
}

const canary = rolloutOf(0.5);
const whole = rolloutOf();
const all = { ended: 2, startedAt: begun };

function score(value: number, at: number, conversation?: string): Score {
  return { metric: 'm', value, at: begun + at, ...(conversation === undefined ? {} : { conversation }) };
}

/** The first conversations the hash puts into an arm. */
function conversations(arm: 'candidate' | 'incumbent', count: number): readonly string[] {
  const names = Array.from({ length: 100 }, (_, i) => `c${i}`);
  return names.filter((name) => pickArm({ salt: 'a1', share: 0.5 }, name) === arm).slice(0, count);
}

const inCanary = conversations('candidate', 6);
const outside = conversations('incumbent', 6);

test('the arm of a score is that of its conversation', () => {
  const scores = [
    ...inCanary.slice(0, 3).map((name, i) => score(i, 10, name)),
    ...outside.slice(0, 3).map((name, i) => score(10 + i, 20, name)),
  ];
  expect(gatherSamples(canary, scores, { ended: 1, startedAt: begun })).toEqual([
    { incumbent: [10, 11, 12], candidate: [0, 1, 2] },
  ]);
});

test('a conversation counts once, by its first score since the beginning', () => {
  const [name = ''] = inCanary;
  const scores = [score(1, -5, name), score(3, 1_500, name), score(2, 5, name)];
  const [, last] = gatherSamples(canary, scores, all);
  expect(last).toEqual({ incumbent: [], candidate: [2] });
});

test('a canary passes over scores without a conversation; before and after counts each', () => {
  const scores = [score(1, 5), score(2, 6), score(3, 1_006)];
  expect(gatherSamples(canary, scores, all)[1]).toEqual({ incumbent: [], candidate: [] });
  expect(gatherSamples(whole, scores, all)[1]?.candidate).toEqual([1, 2, 3]);
});

test('other metrics and what is no number are passed over', () => {
  const scores = [{ ...score(1, 5), metric: 'other' }, score(Number.NaN, 6), score(Infinity, 7)];
  expect(gatherSamples(whole, scores, all)[1]?.candidate).toEqual([]);
});

test('a window with fewer than three of an arm waits for the next, and the last takes what there is', () => {
  const early = [
    ...inCanary.slice(0, 2).map((name) => score(1, 10, name)),
    ...outside.map((name) => score(2, 10, name)),
  ];
  expect(gatherSamples(canary, early, { ended: 1, startedAt: begun })).toEqual([
    { incumbent: [], candidate: [] },
  ]);
  const [first, last] = gatherSamples(canary, early, all);
  expect(first).toEqual({ incumbent: [], candidate: [] });
  expect([last?.incumbent.length, last?.candidate.length]).toEqual([6, 2]);
});

test('what comes after a window has ended does not change it', () => {
  const scores = [...inCanary, ...outside].map((name, i) => score(i, 100 + i, name));
  const then = gatherSamples(canary, scores, { ended: 1, startedAt: begun });
  const later = [...scores, ...Array.from({ length: 40 }, (_, i) => score(99, 1_000 + i, `late${i}`))];
  expect(gatherSamples(canary, later, all)[0]).toEqual(then[0]);
});

test('before is the three times as long before the commit, dealt to the windows evenly', () => {
  expect(scoresNeededFrom(whole)).toBe(begun - 6_000);
  expect(scoresNeededFrom(canary)).toBe(begun);
  const before = [-6_001, -6_000, -4_000, -3_000, -2_000, -1_500, -1].map((at, i) => score(i, at));
  const after = Array.from({ length: 6 }, (_, i) => score(10, i * 300));
  const blocks = gatherSamples(whole, [...before, ...after], all);
  const dealt = blocks.map(({ incumbent }) => incumbent);
  expect(dealt.map(({ length }) => length)).toEqual([3, 3]);
  expect(dealt.flat().toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(windowsBefore(whole, before)).toEqual([[1], [], [2], [3], [4, 5], [6]]);
});

test('a window has ended when all of its time is over, and there are no more than planned', () => {
  expect([999, 1_000, 1_999, 9_000].map((ms) => windowsEnded(whole, begun, begun + ms))).toEqual([
    0, 1, 1, 2,
  ]);
  expect(windowsEnded(whole, begun, begun - 5_000)).toBe(0);
});

test('the test gets larger for worse', () => {
  expect(forTest({ incumbent: [0.5], candidate: [1, 2] }, whole)).toEqual({
    incumbent: [-0.5],
    candidate: [-1, -2],
  });
});

test('of more than four hundred of an arm so many are drawn, the same each time, and of a rhythm all its beats', () => {
  const block = { incumbent: [0.5], candidate: Array.from({ length: 1_000 }, (_, i) => i % 2) };
  const { candidate } = forTest(block, whole);
  expect(candidate).toHaveLength(400);
  expect(candidate.filter((value) => value === -1).length).toBeGreaterThan(150);
  expect(candidate.filter((value) => value === -1).length).toBeLessThan(250);
  expect(forTest(block, whole).candidate).toEqual(candidate);
});

test('scores that come before in a rhythm of as many as there are windows are not dealt each to a window of its own', () => {
  const before = Array.from({ length: 200 }, (_, i) => score(i % 2, -6_000 + i * 30));
  const after = Array.from({ length: 6 }, (_, i) => score(1, i * 300));
  for (const { incumbent } of gatherSamples(whole, [...before, ...after], all)) {
    const ones = incumbent.filter((value) => value === 1).length;
    expect(ones).toBeGreaterThan(30);
    expect(ones).toBeLessThan(70);
  }
});
