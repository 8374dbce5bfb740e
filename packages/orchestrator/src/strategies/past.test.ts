import { adaptationRate, customVariable } from '@mabeam/variables';
import { describe, expect, test } from 'vitest';
import { valued } from '../../test/team.ts';
import type { AdaptationRecord } from '../adaptation/adaptation-record.ts';
import { earlierChange, paceOf } from './past.ts';

describe('the pace of a variable', () => {
  const rate = (id: string, agents: string[], value: number | { step: number; minIntervalMs: number }) =>
    valued(adaptationRate(id, { agents, initial: 1 }), value);
  const dial = valued(customVariable('dial', { initial: 1, agents: ['a'] }), 1);
  const paceWith = (variable: typeof dial, ...rates: (typeof dial)[]) =>
    paceOf(variable, new Map([dial, ...rates].map((each) => [each.id, each])));

  test('is that of the slowest rate that covers it, in step and in rest', () => {
    const slow = rate('slow', [], { step: 0.5, minIntervalMs: 10 });
    const rare = rate('rare', ['a', 'b'], { step: 0.7, minIntervalMs: 900 });
    const other = rate('other', ['b'], 0.01);
    expect(paceWith(dial, slow, rare, other)).toEqual({ step: 0.5, minIntervalMs: 900 });
    expect(paceWith(dial, other)).toBeUndefined();
  });
  test('of a rate is never its own', () => {
    const own = rate('own', [], 0.2);
    expect(paceWith(own, own)).toBeUndefined();
  });
});

test.each([
  ['voting', true],
  ['committed', true],
  ['evaluating', true],
  ['applied', false],
  ['failure', false],
  ['superseded', false],
] as const)('an adaptation that is %s keeps another from beginning: %s', (outcome, isOpen) => {
  const change = { rule: 'policy.dial', variable: 'dial', from: 1, to: 2 };
  const at = '2026-01-01T00:00:00.000Z';
  const names = { source: 'policy', id: 'x', trigger: '', rule: '' };
  const record: AdaptationRecord = {
    v: 1,
    ...names,
    changes: [],
    proposal: change,
    outcome,
    at,
    triggeredAt: at,
  };
  const { changes, isOpen: isHeld } = earlierChange(record);
  expect(isHeld).toBe(isOpen);
  expect(changes).toEqual(outcome === 'superseded' ? [] : [change]);
});
