import type { VariableKind } from '@mabeam/variables';
import { expect, test } from 'vitest';
import { guardSchema, type Guard } from './guard.ts';
import { beginRollout, isCanaryKind, isOwn, type Proposal, type Rollout } from './rollout.ts';
import { rolloutSchema } from './rollout-schema.ts';

const now = new Date('2026-01-31T12:00:00.000Z');
const guard: Guard = {
  metric: 'quality',
  direction: 'below',
  windowMs: 1_000,
  windows: 3,
  tolerance: 0.05,
  alpha: 0.01,
};

function proposal(kind: VariableKind): Proposal {
  return {
    id: 'a1',
    cause: 'trigger a1',
    changes: [{ variable: 'threshold', kind, from: 0.5, to: 0.7, expect: 12 }],
  };
}

test('a canary leaves the value and puts the candidate beside it, salted with the adaptation', () => {
  const { rollout, writes, notice } = beginRollout(
    proposal('performance-threshold'),
    { ...guard, share: 0.1 },
    now,
  );
  expect(rollout.mode).toBe('canary');
  expect(writes).toEqual([
    { variable: 'threshold', value: 0.5, candidate: { value: 0.7, share: 0.1, salt: 'a1' }, expect: 12 },
  ]);
  expect(notice).toBeUndefined();
});

test('without a share everybody gets the value', () => {
  const { rollout, writes } = beginRollout(proposal('custom'), guard, now);
  expect(rollout.mode).toBe('before-after');
  expect(writes).toEqual([{ variable: 'threshold', value: 0.7, expect: 12 }]);
});

test('a share of 1 is no canary, for nobody is left to compare with', () => {
  expect(beginRollout(proposal('custom'), { ...guard, share: 1 }, now).rollout.mode).toBe('before-after');
});

test.each([
  'agent-selection',
  'communication-topology',
  'coordination-pattern',
  'resource-allocation',
] as const)('a canary of kind %s is unsupported, and is guarded by before and after', (kind) => {
  const plan = beginRollout(proposal(kind), { ...guard, share: 0.1 }, now);
  expect(isCanaryKind(kind)).toBe(false);
  expect([plan.rollout.mode, plan.notice?.code]).toEqual(['before-after', 'canary-unsupported']);
  expect(plan.writes).toEqual([{ variable: 'threshold', value: 0.7, expect: 12 }]);
});

test('one structural variable makes the whole change set a matter of before and after', () => {
  const both: Proposal = {
    ...proposal('custom'),
    changes: [
      ...proposal('custom').changes,
      { variable: 'active', kind: 'agent-selection', from: ['a'], to: ['a', 'b'], expect: 3 },
    ],
  };
  const plan = beginRollout(both, { ...guard, share: 0.1 }, now);
  expect(plan.writes.every(({ candidate }) => candidate === undefined)).toBe(true);
  expect(plan.notice?.message).toContain('active');
});

test('a rollout is plain JSON, and read back the same', () => {
  const { rollout } = beginRollout(proposal('custom'), { ...guard, share: 0.1 }, now);
  expect(rolloutSchema.parse(JSON.parse(JSON.stringify(rollout)))).toEqual(rollout);
  expect(rolloutSchema.safeParse({ ...rollout, changes: [] }).success).toBe(false);
  expect(rolloutSchema.safeParse({ ...rollout, committedAt: 'yesterday' }).success).toBe(false);
});

const canary = beginRollout(proposal('custom'), { ...guard, share: 0.1 }, now).rollout;
const whole = beginRollout(proposal('custom'), guard, now).rollout;
const candidate = { value: 0.7, share: 0.1, salt: 'a1' };

test.each<[string, Rollout, object, boolean]>([
  ['a canary as it was written', canary, { value: 0.5, candidate }, true],
  ['a canary at another share', canary, { value: 0.5, candidate: { ...candidate, share: 0.3 } }, true],
  ['a canary whose candidate is gone', canary, { value: 0.5 }, false],
  ['another rollout’s candidate', canary, { value: 0.5, candidate: { ...candidate, salt: 'a2' } }, false],
  ['another candidate value', canary, { value: 0.5, candidate: { ...candidate, value: 0.8 } }, false],
  ['a whole change as it was written', whole, { value: 0.7 }, true],
  ['another value', whole, { value: 0.71 }, false],
  ['a whole change with somebody’s candidate', whole, { value: 0.7, candidate }, false],
  ['the same written by somebody else', whole, { value: 0.7, cause: 'by hand' }, false],
])('%s: is it the rollout’s own?', (_name, rollout, entry, own) => {
  const standing = { value: 0.7, cause: 'trigger a1', revision: 13, ...entry };
  const [change] = rollout.changes;
  expect(change !== undefined && isOwn(rollout, change, standing)).toBe(own);
});

test('a deleted variable is nobody’s', () => {
  const [change] = whole.changes;
  expect(change !== undefined && isOwn(whole, change, undefined)).toBe(false);
});

test('a guard that says little gets three windows, 5 % and one false alarm in a hundred', () => {
  expect(guardSchema.parse({ metric: 'quality', direction: 'below', windowMs: 1_000 })).toEqual(guard);
  expect(guardSchema.safeParse({ ...guard, share: 0 }).success).toBe(false);
});
