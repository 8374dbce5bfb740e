import {
  communicationTopology,
  customVariable,
  performanceThreshold,
  agentSelection,
} from '@mabeam/variables';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { selection, valued } from '../../test/team.ts';
import type { AdaptationRecord } from './adaptation-record.ts';
import { parseRule, type AdaptationRule } from './adaptation-rule.ts';
import { decideAdaptation, lastActedAt, modifyValue } from './rules.ts';

function rule(id: string, more: Partial<AdaptationRule> = {}): AdaptationRule {
  return {
    v: 1,
    id,
    on: { trigger: 'quality-low' },
    adapt: 'active',
    by: { add: ['links'] },
    cooldownMs: 1_000,
    ...more,
  };
}

function decide(
  rules: readonly AdaptationRule[],
  history: readonly AdaptationRecord[] = [],
  now = 100_000,
  body?: unknown,
) {
  const variables = [
    selection(['words', 'links', 'headers'], ['words']),
    valued(performanceThreshold('threshold', { initial: 0.5, min: 0, max: 1, step: 0.1 }), 0.9),
  ];
  return decideAdaptation({
    rules,
    occasion: { trigger: 'quality-low' },
    body,
    variables: new Map(variables.map((variable) => [variable.id, variable])),
    history,
    now,
  });
}

function adapted(ruleId: string, at: number): AdaptationRecord {
  const iso = new Date(at).toISOString();
  return {
    v: 1,
    source: '',
    id: String(at),
    trigger: 'quality-low',
    rule: ruleId,
    changes: [{ rule: ruleId, variable: 'active', from: [], to: [] }],
    outcome: 'applied',
    at: iso,
    triggeredAt: iso,
    committedAt: iso,
  };
}

describe('what a trigger leads to', () => {
  test('a rule changes its variable', () => {
    expect(decide([rule('a')])).toEqual({
      kind: 'adapt',
      rule: 'a',
      changes: [{ rule: 'a', variable: 'active', from: ['words'], to: ['words', 'links'] }],
    });
  });
  test('a trigger no rule names is no-rule', () => {
    expect(decide([rule('a', { on: { trigger: 'other' } })])).toEqual({ kind: 'no-rule' });
  });
  test('a value that is already so is a noop that says so', () => {
    expect(decide([rule('a', { by: { add: ['words'] } })])).toMatchObject({
      kind: 'noop',
      reason: 'a: the value is already so',
    });
  });
  test('a value outside the domain is never proposed', () => {
    expect(decide([rule('a', { by: { set: ['stranger'] } })])).toMatchObject({ kind: 'noop' });
  });
  test('a missing variable is a noop, not a crash', () => {
    expect(decide([rule('a', { adapt: 'gone' })])).toMatchObject({
      kind: 'noop',
      reason: expect.stringContaining('gone'),
    });
  });
  test('rules are taken by id, a variable is changed once, and the decision says who was passed over', () => {
    const decision = decide([
      rule('b', { by: { set: ['headers'] } }),
      rule('c', { adapt: 'threshold', by: { decrease: 0.2 } }),
      rule('a'),
    ]);
    expect(decision).toMatchObject({
      kind: 'adapt',
      rule: 'a',
      changes: [
        { rule: 'a', variable: 'active', to: ['words', 'links'] },
        { rule: 'c', variable: 'threshold', to: 0.7 },
      ],
      reason: 'b: a already changes active',
    });
  });
});

describe('the cooldown', () => {
  test('a rule that has just acted rests', () => {
    expect(decide([rule('a')], [adapted('a', 99_500)])).toMatchObject({
      kind: 'cooldown',
      reason: expect.stringContaining('500 ms'),
    });
  });
  test('a rested rule acts again', () => {
    expect(decide([rule('a')], [adapted('a', 99_000)])).toMatchObject({ kind: 'adapt' });
  });
  test("another rule's adaptation does not make a rule rest", () => {
    expect(decide([rule('a')], [adapted('b', 99_999)])).toMatchObject({ kind: 'adapt' });
  });
  test('where one rests and another would change nothing, nothing is to do; where all rest, they rest', () => {
    const idle = rule('b', { adapt: 'threshold', by: { set: 0.9 } });
    expect(decide([rule('a'), idle], [adapted('a', 99_999)])).toMatchObject({ kind: 'noop' });
    expect(decide([rule('a'), rule('c')], [adapted('a', 99_999), adapted('c', 99_999)])).toMatchObject({
      kind: 'cooldown',
    });
  });
  test('one resting rule does not stop another', () => {
    const decision = decide(
      [rule('a'), rule('b', { adapt: 'threshold', by: { set: 0.1 } })],
      [adapted('a', 99_999)],
    );
    expect(decision).toMatchObject({ kind: 'adapt', rule: 'b' });
  });
});

describe('a value that is taken from the body', () => {
  const agreed = rule('agreed', { adapt: 'threshold', by: { take: 'outcome.value' } });
  const bringing = (value: unknown) => decide([agreed], [], 100_000, { outcome: { value } });
  test('becomes the value of the variable', () => {
    expect(bringing(0.3)).toMatchObject({
      kind: 'adapt',
      changes: [{ rule: 'agreed', variable: 'threshold', from: 0.9, to: 0.3 }],
    });
  });
  it.each([[7], ['high'], [null], [{ value: 0.3 }]])('is not proposed when it is invalid: %j', (value) => {
    expect(bringing(value)).toMatchObject({ kind: 'noop' });
  });
  test('is not taken when the variable has another value than the one it was meant for', () => {
    const meant = rule('meant', { adapt: 'threshold', by: { take: { to: 'to', from: 'from' } } });
    const decided = (from: unknown) => decide([meant], [], 100_000, { from, to: 0.3 }).kind;
    expect([0.9, 0.8, undefined].map(decided)).toEqual(['adapt', 'noop', 'noop']);
  });
  it.each([[undefined], [{ outcome: 'agreed' }], [{ outcome: {} }]])(
    'changes nothing when it is not there, and says so: %j',
    (body) => {
      expect(decide([agreed], [], 100_000, body)).toEqual({
        kind: 'noop',
        reason: 'agreed: it brings no outcome.value',
      });
    },
  );
});

describe('modifications', () => {
  const threshold = performanceThreshold('threshold', { initial: 0.5, min: 0, max: 1, step: 0.1 });
  test('increase stops at the end of the domain', () => {
    expect(modifyValue(threshold, 0.9, { increase: 0.5 })).toEqual({ kind: 'modified', value: 1 });
    expect(modifyValue(threshold, 0.1, { decrease: 0.5 })).toEqual({ kind: 'modified', value: 0 });
  });
  test('an end of the domain that is not on its steps is not reached', () => {
    const coarse = customVariable('n', { initial: 0, min: 0, max: 1, step: 0.3 });
    expect(modifyValue(coarse, 0.6, { increase: 5 })).toEqual({ kind: 'modified', value: 0.9 });
  });
  test('sums are decimal numbers as people write them', () => {
    expect(modifyValue(threshold, 0.1, { increase: 0.2 })).toEqual({ kind: 'modified', value: 0.3 });
  });
  test('add to a number, and increase of a list, do not fit', () => {
    expect(modifyValue(threshold, 0.1, { add: ['a'] }).kind).toBe('unfit');
    expect(modifyValue(agentSelection('s', { agents: ['a'] }), ['a'], { increase: 1 }).kind).toBe('unfit');
    expect(modifyValue(communicationTopology('t'), { pattern: 'mesh' }, { remove: ['a'] }).kind).toBe(
      'unfit',
    );
  });
  test('remove keeps the order of the others', () => {
    const agents = ['a', 'b', 'c'];
    const modified = modifyValue(agentSelection('s', { agents }), ['c', 'b', 'a'], { remove: ['b'] });
    expect(modified).toEqual({ kind: 'modified', value: ['c', 'a'] });
  });
  test.prop([
    fc.integer({ min: -50, max: 50 }),
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 20 }).map((n) => n / 8),
    fc.double({ min: 0.001, max: 100, noNaN: true }),
    fc.boolean(),
    fc.double({ min: 0, max: 1, noNaN: true }),
  ])(
    'a stepped number always stays inside its domain and on its steps',
    (min, steps, step, by, up, share) => {
      const max = min + steps * step;
      const definition = customVariable('n', { initial: min, min, max, step });
      const value = min + Math.floor(share * steps) * step;
      const modified = modifyValue(definition, value, up ? { increase: by } : { decrease: by });
      const number = modified.kind === 'modified' ? Number(modified.value) : Number.NaN;
      expect(number).toBeGreaterThanOrEqual(min);
      expect(number).toBeLessThanOrEqual(max);
      expect(Math.abs((number - min) / step - Math.round((number - min) / step))).toBeLessThan(1e-6);
    },
  );
});

describe('what a guard judges or has judged', () => {
  const rollout = {
    v: 1,
    id: 'a1',
    mode: 'canary',
    guard: {
      metric: 'quality',
      direction: 'below',
      windowMs: 1_000,
      windows: 3,
      tolerance: 0.05,
      alpha: 0.01,
      share: 0.1,
    },
    changes: [{ variable: 'active', from: [], to: [] }],
    cause: 'mine',
    committedAt: new Date(90_000).toISOString(),
  } as const;
  const evidence = {
    metric: 'quality',
    mode: 'canary',
    incumbent: { samples: 9 },
    candidate: { samples: 9 },
    eValues: [200],
    threshold: 100,
    windows: 1,
    windowsPlanned: 3,
    decidedAt: new Date(99_500).toISOString(),
    reason: 'worse',
  } as const;

  test('the rule rests for its cooldown after the taking back, not after the change', () => {
    const decision = { outcome: 'rolled-back', evidence } as const;
    const record = {
      ...adapted('a', 90_000),
      outcome: 'rolled-back',
      rollout: { ...rollout, decision },
    } as const;
    expect(decide([rule('a')], [record], 100_499)).toMatchObject({ kind: 'cooldown' });
    expect(decide([rule('a')], [record], 100_500)).toMatchObject({ kind: 'adapt' });
  });

  test('the rule rests as well after somebody has taken its change back by hand', () => {
    const undoneAt = new Date(99_500).toISOString();
    const record = { ...adapted('a', 90_000), outcome: 'rolled-back', undoneAt } as const;
    expect(decide([rule('a')], [record], 100_499)).toMatchObject({ kind: 'cooldown' });
    expect(decide([rule('a')], [record], 100_500)).toMatchObject({ kind: 'adapt' });
    expect(lastActedAt(record)).toBe(99_500);
  });

  test('a person’s change of the variable is not held against the rules', () => {
    const turn = (at: number, from: readonly string[], to: readonly string[], rule: string) => ({
      ...adapted('b', at),
      changes: [{ rule, variable: 'active', from, to }],
    });
    const wide = ['words', 'links'];
    const history = (by: string) => [turn(99_600, ['words'], wide, by), turn(99_900, wide, ['words'], by)];
    expect(decide([rule('a')], history('b'), 100_000)).toMatchObject({ kind: 'noop' });
    expect(decide([rule('a')], history(''), 100_000)).toMatchObject({ kind: 'adapt' });
  });
});

describe('reading a rule', () => {
  test('a rule without a cooldown rests for half a minute', () => {
    const read = parseRule({ v: 1, id: 'a', on: { trigger: 't' }, adapt: 'x', by: { set: null } });
    expect(read).toMatchObject({ cooldownMs: 30_000, by: { set: null } });
  });
  test('what it says of occasions, limits and guards is kept, with its defaults', () => {
    const written = {
      v: 1,
      id: 'a',
      on: { event: 'task.*.failed' },
      where: { code: 'timeout', attempts: { atLeast: 3 } },
      adapt: 'x',
      by: { increase: 1 },
      atMost: { changes: 2, perMs: 60_000 },
      priority: 4,
      guard: { metric: 'quality' },
      canary: 0.1,
    };
    expect(parseRule(written)).toEqual({
      ...written,
      cooldownMs: 30_000,
      guard: {
        metric: 'quality',
        direction: 'below',
        windowMs: 60_000,
        windows: 3,
        tolerance: 0.05,
        alpha: 0.01,
      },
    });
  });
  it.each([
    [{ v: 1, id: 'a', on: { event: 'failed' }, adapt: 'x', by: { set: 1 } }, 'on.event'],
    [{ v: 1, id: 'a', on: { trigger: 't' }, adapt: 'x', by: { set: 1 }, canary: 2 }, 'canary'],
    [{ v: 1, id: 'a', on: { trigger: 't' }, adapt: 'x', by: {} }, 'exactly one'],
    [{ v: 1, id: 'a', on: { trigger: 't' }, adapt: 'x', by: { set: 1, increase: 1 } }, 'exactly one'],
    [{ v: 1, id: 'a', on: {}, adapt: 'x', by: { set: 1 } }, 'on.trigger'],
    [{ v: 2, id: 'a', on: { trigger: 't' }, adapt: 'x', by: { set: 1 } }, 'v'],
    ['nonsense', ''],
  ])('%j is refused with the field at fault', (given, named) => {
    expect(() => parseRule(given)).toThrow(expect.objectContaining({ code: 'rule-invalid' }));
    expect(() => parseRule(given)).toThrow(named);
  });
});
