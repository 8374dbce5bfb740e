import { pickArm } from '@mabeam/variables';
import { expect, test } from 'vitest';
import { evidenceSchema } from './evidence.ts';
import type { Guard } from './guard.ts';
import { arrivalLimitMs, judgeRollout, settleRollout, type RolloutObservations } from './judge.ts';
import { beginRollout, type Rollout, type StandingValue } from './rollout.ts';
import { rolloutSchema } from './rollout-schema.ts';
import type { Score } from './samples.ts';

const begun = Date.parse('2026-01-31T12:00:00.000Z');
const windowMs = 1_000;
const guard: Guard = {
  metric: 'quality',
  direction: 'below',
  windowMs,
  windows: 3,
  tolerance: 0.05,
  alpha: 0.01,
};
const end = begun + 3 * windowMs;
const at = (ms: number): Date => new Date(ms);

function rolloutOf(over: Partial<Guard> = {}, variables: readonly string[] = ['x']): Rollout {
  const changes = variables.map((variable) => ({
    variable,
    kind: 'custom' as const,
    from: 0,
    to: 1,
    expect: 1,
  }));
  return beginRollout({ id: 'a1', cause: 'mine', changes }, { ...guard, ...over }, at(begun)).rollout;
}

const canary = rolloutOf({ share: 0.5 });
const whole = rolloutOf();

/** What the bucket holds while the rollout is at work. */
function standingOf(rollout: Rollout): Map<string, StandingValue> {
  const candidate = { value: 1, share: rollout.guard.share ?? 1, salt: 'a1' };
  const entry = rollout.mode === 'canary' ? { value: 0, candidate } : { value: 1 };
  return new Map(rollout.changes.map(({ variable }) => [variable, { ...entry, cause: 'mine', revision: 7 }]));
}

interface Scoring {
  /** Scores in each window. */
  readonly perWindow?: number;
  /** By how much the candidate's are smaller. */
  readonly loss?: number;
  readonly arms?: readonly ('candidate' | 'incumbent')[];
}

/** Scores around 1 with a spread of a tenth, and as many before in each window's time. */
function scoresOf(
  rollout: Rollout,
  { arms = ['candidate', 'incumbent'], loss = 0, perWindow = 30 }: Scoring,
): Score[] {
  const first = rollout.mode === 'canary' ? 0 : -9;
  return Array.from({ length: (3 - first) * perWindow }, (_, i): Score => {
    const offset = first * windowMs + Math.floor((i * windowMs) / perWindow);
    const conversation = `c${i}`;
    const arm =
      rollout.mode === 'canary'
        ? pickArm({ salt: 'a1', share: rollout.guard.share ?? 0 }, conversation)
        : offset < 0
          ? 'incumbent'
          : 'candidate';
    const noise = (((i * 7919) % 101) - 50) / 500;
    return {
      metric: arms.includes(arm) ? 'quality' : 'none',
      value: 1 + noise - (arm === 'candidate' ? loss : 0),
      conversation,
      at: begun + offset,
    };
  });
}

function observe(
  rollout: Rollout,
  scoring: Scoring = {},
  over: Partial<RolloutObservations> = {},
): RolloutObservations {
  return {
    scores: scoresOf(rollout, scoring),
    standing: standingOf(rollout),
    arrival: { at: begun, applied: 2, of: 2 },
    ...over,
  };
}

test('a canary that is as good is promoted when the last window is over, and not before', () => {
  const early = judgeRollout(canary, observe(canary), at(end - 1));
  expect(early).toMatchObject({ kind: 'continue', lookAtMs: end });
  expect(judgeRollout(canary, observe(canary), at(end))).toMatchObject({
    kind: 'promote',
    outcome: 'success',
    writes: [{ variable: 'x', value: 1, expect: 7 }],
  });
});

test('a whole change that is as good stays, and nothing is written', () => {
  const verdict = judgeRollout(whole, observe(whole), at(end));
  expect(verdict).toMatchObject({ kind: 'finish', outcome: 'success', writes: [] });
});

test.each([
  ['canary', canary],
  ['before and after', whole],
])(
  'a loss of a fifth is taken back exactly, within three windows, with its evidence: %s',
  (_name, rollout) => {
    const verdict = judgeRollout(rollout, observe(rollout, { loss: 0.2 }), at(end));
    expect(verdict).toMatchObject({ kind: 'roll-back', outcome: 'rolled-back' });
    if (verdict.kind === 'continue') return;
    expect(verdict.writes).toEqual([{ variable: 'x', value: 0, expect: 7 }]);
    const { evidence } = verdict;
    expect(evidenceSchema.parse(JSON.parse(JSON.stringify(evidence)))).toEqual(evidence);
    expect(Math.max(...evidence.eValues)).toBeGreaterThanOrEqual(evidence.threshold);
    expect(evidence.relativeImpact).toBeLessThan(-0.1);
  },
);

test('a large loss with many scores does not wait for the last window', () => {
  const verdict = judgeRollout(canary, observe(canary, { loss: 0.4 }), at(begun + windowMs));
  expect(verdict.kind).toBe('roll-back');
});

test('where more is bad, more is a loss, and the impact is still signed for the better', () => {
  const rollout = rolloutOf({ share: 0.5, direction: 'above' });
  const better = judgeRollout(rollout, observe(rollout, { loss: 0.2 }), at(end));
  const worse = judgeRollout(rollout, observe(rollout, { loss: -0.2 }), at(end));
  expect([better.kind, worse.kind]).toEqual(['promote', 'roll-back']);
  expect([better.evidence.impact, worse.evidence.impact].map((impact) => Math.sign(impact ?? 0))).toEqual([
    1, -1,
  ]);
});

test('a loss that is certain but within the tolerance is no ground for a roll-back, and is told', () => {
  const verdict = judgeRollout(canary, observe(canary, { loss: 0.045, perWindow: 900 }), at(end));
  expect(verdict).toMatchObject({ kind: 'promote', outcome: 'partial-success' });
  expect(verdict.evidence.reason).toContain('tolerance');
});

test('a write by somebody else since supersedes it: nothing is written, however bad the scores', () => {
  const standing = new Map([['x', { value: 5, cause: 'by hand', revision: 9 }]]);
  const verdict = judgeRollout(canary, observe(canary, { loss: 0.4 }, { standing }), at(end));
  expect(verdict).toMatchObject({ kind: 'superseded', outcome: 'superseded', writes: [] });
});

test('a variable that was deleted supersedes it as well', () => {
  const verdict = judgeRollout(whole, observe(whole, {}, { standing: new Map() }), at(end));
  expect(verdict).toMatchObject({ kind: 'superseded', writes: [] });
});

test('of two variables one overwritten: the other’s candidate is withdrawn, the overwritten one left alone', () => {
  const rollout = rolloutOf({ share: 0.5 }, ['x', 'y']);
  const standing = standingOf(rollout).set('x', { value: 5, cause: 'by hand', revision: 9 });
  expect(judgeRollout(rollout, observe(rollout, {}, { standing }), at(end))).toMatchObject({
    kind: 'superseded',
    writes: [{ variable: 'y', value: 0, expect: 7 }],
  });
});

test('without any score a canary ends as a failure and its candidate is withdrawn', () => {
  const verdict = judgeRollout(canary, observe(canary, { arms: [] }), at(end));
  expect(verdict).toMatchObject({ kind: 'roll-back', outcome: 'failure', writes: [{ value: 0 }] });
});

test('without any score a whole change stays, as a partial success', () => {
  const verdict = judgeRollout(whole, observe(whole, { arms: [] }), at(end));
  expect(verdict).toMatchObject({ kind: 'finish', outcome: 'partial-success', writes: [] });
});

test('a candidate that is no longer scored while the incumbent is has fallen silent, and is taken back', () => {
  const verdict = judgeRollout(canary, observe(canary, { arms: ['incumbent'] }), at(end));
  expect(verdict).toMatchObject({ kind: 'roll-back', outcome: 'rolled-back' });
  expect(verdict.evidence.reason).toContain('silent');
});

test('until it has arrived nothing is weighed; from then on the windows count', () => {
  const waiting = { applied: 1, of: 2 };
  const verdict = judgeRollout(canary, observe(canary, { loss: 0.4 }, { arrival: waiting }), at(end));
  expect(verdict).toMatchObject({ kind: 'continue', lookAtMs: begun + arrivalLimitMs });
  const late = { at: begun + 500, applied: 2, of: 2 };
  expect(judgeRollout(canary, observe(canary, {}, { arrival: late }), at(end)).kind).toBe('continue');
  expect(judgeRollout(canary, observe(canary, {}, { arrival: late }), at(end + 500)).kind).toBe('promote');
});

test('a change that has arrived nowhere in time is taken back as a failure', () => {
  const arrival = { applied: 0, of: 2 };
  const verdict = judgeRollout(whole, observe(whole, {}, { arrival }), at(begun + arrivalLimitMs));
  expect(verdict).toMatchObject({ kind: 'roll-back', outcome: 'failure', writes: [{ value: 0 }] });
});

test('a change that works only in part of the instances can be no more than a partial success', () => {
  const arrival = { applied: 1, of: 2 };
  const scores = scoresOf(canary, {}).map((score) => ({ ...score, at: score.at + arrivalLimitMs }));
  const verdict = judgeRollout(canary, observe(canary, {}, { arrival, scores }), at(end + arrivalLimitMs));
  expect(verdict).toMatchObject({ kind: 'promote', outcome: 'partial-success' });
});

test('what is decided stays decided, whatever is observed afterwards', () => {
  const verdict = judgeRollout(canary, observe(canary, { loss: 0.3 }), at(end));
  if (verdict.kind === 'continue') throw new Error('still open');
  const settled = settleRollout(canary, verdict);
  expect(rolloutSchema.parse(JSON.parse(JSON.stringify(settled)))).toEqual(settled);
  expect(judgeRollout(settled, observe(canary), at(end + 9_000))).toEqual({
    kind: 'finish',
    outcome: 'rolled-back',
    evidence: verdict.evidence,
    writes: [],
  });
});
