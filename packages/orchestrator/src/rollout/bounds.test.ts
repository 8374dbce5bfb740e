import { fc, test } from '@fast-check/vitest';
import { customVariable } from '@mabeam/variables';
import { expect } from 'vitest';
import { boundAdaptation, shortenStep, type BoundedProposal, type EarlierChange } from './bounds.ts';

const definition = customVariable('limit', { initial: 5, min: 0, max: 10, step: 0.5 });
const earlier = (actedAt: number, isOpen = false, variable = 'limit'): EarlierChange => ({
  changes: [{ variable }],
  isOpen,
  actedAt,
});
const proposal = (over: Partial<BoundedProposal> = {}): BoundedProposal => ({
  definition,
  from: 5,
  to: 9,
  cooldownMs: 1_000,
  history: [],
  now: 10_000,
  ...over,
});

test('a variable that nobody has changed moves to where it is wanted', () => {
  expect(boundAdaptation(proposal())).toEqual({ kind: 'free', to: 9, isShortened: false });
});

test('while one change of it is open another is not begun, however long ago', () => {
  expect(boundAdaptation(proposal({ history: [earlier(0, true)] }))).toEqual({ kind: 'in-flight' });
});

test('an open change of another variable is no hindrance', () => {
  expect(boundAdaptation(proposal({ history: [earlier(9_999, true, 'other')] })).kind).toBe('free');
});

test('it rests until the cooldown after its last act is over, to the millisecond', () => {
  const history = [earlier(2_000), earlier(9_500)];
  expect(boundAdaptation(proposal({ history, now: 10_499 }))).toEqual({ kind: 'resting', until: 10_500 });
  expect(boundAdaptation(proposal({ history, now: 10_500 })).kind).toBe('free');
});

test('the rate may ask for a longer rest than the cooldown', () => {
  const rate = { step: 1, minIntervalMs: 5_000 };
  expect(boundAdaptation(proposal({ history: [earlier(6_000)], rate }))).toEqual({
    kind: 'resting',
    until: 11_000,
  });
});

test('at rate 0 nothing moves', () => {
  expect(boundAdaptation(proposal({ rate: 0 }))).toEqual({ kind: 'frozen' });
  expect(boundAdaptation(proposal({ rate: { step: 0, minIntervalMs: 0 } }))).toEqual({ kind: 'frozen' });
});

test('a step longer than the rate allows is shortened, on the steps of the domain', () => {
  expect(boundAdaptation(proposal({ rate: 0.12 }))).toEqual({ kind: 'free', to: 6, isShortened: true });
  expect(boundAdaptation(proposal({ rate: 0.12, to: 1 }))).toEqual({
    kind: 'free',
    to: 4,
    isShortened: true,
  });
});

test('a value without a range moves as it is proposed to', () => {
  expect(shortenStep({ domain: {} }, { from: 1, to: 1e6 }, 0.01)).toBe(1e6);
  expect(shortenStep({ domain: { min: 0, max: 1 } }, { from: ['a'], to: ['a', 'b'] }, 0.01)).toEqual([
    'a',
    'b',
  ]);
});

const place = fc.integer({ min: 0, max: 20 }).map((halves) => halves / 2);

test.prop([place, place, fc.double({ min: 0.01, max: 1, noNaN: true })])(
  'a shortened step goes the right way, no further than wanted nor than allowed, and stays on the steps',
  (from, to, rate) => {
    const moved = Number(shortenStep(definition, { from, to }, rate));
    expect(Math.abs(moved - from)).toBeLessThanOrEqual(rate * 10 + 1e-9);
    expect(Math.abs(moved - from)).toBeLessThanOrEqual(Math.abs(to - from));
    expect((moved - from) * (to - from)).toBeGreaterThanOrEqual(0);
    expect(Number.isInteger(moved * 2)).toBe(true);
  },
);
