/** Which rules answer what, who goes first, and what a decision hands on to a rollout. */
import { customVariable, type VariableState } from '@mabeam/variables';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { valued } from '../../test/team.ts';
import type { AdaptationRecord } from './adaptation-record.ts';
import type { AdaptationRule } from './adaptation-rule.ts';
import { mostReversals, reversalMemoryMs } from './oscillation.ts';
import { decideAdaptation, type RuleSituation } from './rules.ts';

function rule(id: string, more: Partial<AdaptationRule> = {}): AdaptationRule {
  const on = { event: 'task.failed' };
  return { v: 1, id, on, adapt: 'level', by: { increase: 1 }, cooldownMs: 0, ...more };
}

const guard = {
  metric: 'quality',
  direction: 'below',
  windowMs: 60_000,
  windows: 3,
  tolerance: 0.05,
  alpha: 0.01,
} as const;

function variable(id: string, value: number): [string, VariableState] {
  return [id, valued(customVariable(id, { initial: 0, min: 0, max: 9, step: 1 }), value)];
}

function decide(rules: readonly AdaptationRule[], more: Partial<RuleSituation> = {}) {
  const variables = new Map([variable('level', 5), variable('other', 5)]);
  const occasion = { event: 'task.t1.failed' };
  return decideAdaptation({ rules, occasion, body: {}, variables, history: [], now: 1_000_000, ...more });
}

function acted(by: string, at: number, more: Partial<AdaptationRecord> = {}): AdaptationRecord {
  const iso = new Date(at).toISOString();
  const changes = [{ rule: by, variable: 'level', from: 4, to: 5 }];
  const about = { v: 1, source: '', id: iso, trigger: '', rule: by, changes, outcome: 'applied' } as const;
  return { ...about, at: iso, triggeredAt: iso, committedAt: iso, ...more };
}

describe('a rule answers', () => {
  it.each([
    ['task.failed', 'task.t1.failed', true],
    ['task.*.failed', 'task.t1.failed', true],
    ['task.t1.failed', 'task.t1.failed', true],
    ['task.t2.failed', 'task.t1.failed', false],
    ['*.failed', 'task.t1.failed', true],
    ['task.*', 'task.t1.failed', true],
    ['task.completed', 'task.t1.failed', false],
    ['mail.failed', 'task.t1.failed', false],
    ['task.failed', 'task.t1.by.failed', false],
  ])('on %s the event %s: %s', (filter, event, answers) => {
    const decision = decide([rule('a', { on: { event: filter } })], { occasion: { event } });
    expect(decision.kind).toBe(answers ? 'adapt' : 'no-rule');
  });
  it('triggers by their name only, and no event that is called so', () => {
    const on = { trigger: 'late' };
    expect(decide([rule('a', { on })], { occasion: { trigger: 'late' } }).kind).toBe('adapt');
    expect(decide([rule('a', { on })], { occasion: { event: 'late.x.y' } }).kind).toBe('no-rule');
    expect(decide([rule('a')], { occasion: { trigger: 'task.t1.failed' } }).kind).toBe('no-rule');
  });
  it('only where its conditions hold, and the decision says which does not', () => {
    const picky = rule('a', { where: { attempts: { atLeast: 3 } } });
    expect(decide([picky], { body: { attempts: 3 } }).kind).toBe('adapt');
    expect(decide([picky], { body: { attempts: 2 } })).toEqual({
      kind: 'no-rule',
      reason: 'a: attempts is not as its `where` asks',
    });
  });
});

describe('rules that contradict each other', () => {
  it('go by the larger priority, then the smaller id; one changes the variable', () => {
    const rules = [
      rule('a', { by: { set: 1 } }),
      rule('z', { by: { set: 2 }, priority: 1 }),
      rule('b', { adapt: 'other' }),
    ];
    for (const order of [rules, rules.toReversed()])
      expect(decide(order)).toMatchObject({
        rule: 'z',
        changes: [{ rule: 'z', to: 2 }, { rule: 'b' }],
        reason: 'a: z already changes level',
      });
  });
});

describe('a limit', () => {
  const limited = rule('a', { atMost: { changes: 2, perMs: 1_000 } });
  it('lets a rule act so often in any stretch, and says how long it rests', () => {
    const history = [acted('a', 999_100), acted('a', 999_500)];
    expect(decide([limited], { history: history.slice(1) }).kind).toBe('adapt');
    expect(decide([limited], { history })).toMatchObject({
      kind: 'cooldown',
      reason: 'a: rests for another 100 ms: at most 2 in 1000 ms',
    });
    expect(decide([limited], { history, now: 1_000_100 }).kind).toBe('adapt');
  });
  test.prop([fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 60 })])(
    'is kept whenever triggers come',
    (waits) => {
      const history: AdaptationRecord[] = [];
      let now = 1_000_000;
      for (const wait of waits) {
        now += wait;
        if (decide([limited], { history, now }).kind === 'adapt') history.push(acted('a', now));
      }
      const times = history.map(({ at }) => Date.parse(at));
      for (const from of times)
        expect(times.filter((at) => at >= from && at < from + 1_000).length).toBeLessThanOrEqual(2);
    },
  );
});

describe('a guarded change', () => {
  it('is handed on with its guard and the share of its canary, beside what is changed at once', () => {
    const rules = [rule('a', { guard, canary: 0.1 }), rule('b', { adapt: 'other' })];
    expect(decide(rules)).toEqual({
      kind: 'adapt',
      rule: 'a',
      changes: [{ rule: 'b', variable: 'other', from: 5, to: 6 }],
      guarded: { guard: { ...guard, share: 0.1 }, change: { rule: 'a', variable: 'level', from: 5, to: 6 } },
    });
  });
  it('waits for another one of the same occasion', () => {
    expect(decide([rule('a', { guard }), rule('b', { guard, adapt: 'other' })])).toMatchObject({
      guarded: { change: { rule: 'a' } },
      changes: [],
      reason: expect.stringContaining('b: one guarded change a time'),
    });
  });
  it('that is being judged keeps its variable as it is', () => {
    const history = [acted('x', 0, { outcome: 'evaluating' })];
    expect(decide([rule('a')], { history })).toMatchObject({
      kind: 'noop',
      reason: expect.stringContaining('in-flight'),
    });
    expect(decide([rule('a', { adapt: 'other' })], { history }).kind).toBe('adapt');
  });
});

describe('a variable', () => {
  it('that would turn round too soon is left alone, with the reason oscillation', () => {
    const down = rule('a', { by: { decrease: 1 } });
    const history = [acted('x', 999_500)];
    expect(decide([down], { history })).toMatchObject({
      kind: 'noop',
      reason: expect.stringMatching(/oscillation.*500 ms/),
    });
    expect(decide([rule('a')], { history }).kind).toBe('adapt');
    expect(decide([down], { history, now: 1_000_500 }).kind).toBe('adapt');
  });
  test.prop([
    fc.array(fc.record({ up: fc.boolean(), wait: fc.integer({ min: 0, max: 60_000 }) }), {
      minLength: 50,
      maxLength: 150,
    }),
    fc.constantFrom(1, 100),
  ])('turns round no more often than the bound, whatever triggers come', (sequence, hurry) => {
    const rules = [
      rule('up', { on: { trigger: 'up' } }),
      rule('down', { on: { trigger: 'down' }, by: { decrease: 1 } }),
    ];
    const history: AdaptationRecord[] = [];
    let [value, now] = [5, 0];
    for (const { up, wait } of sequence) {
      now += Math.ceil(wait / hurry);
      const occasion = { trigger: up ? 'up' : 'down' };
      const decision = decide(rules, {
        occasion,
        history,
        now,
        variables: new Map([variable('level', value)]),
      });
      if (decision.kind !== 'adapt') continue;
      history.push(acted('x', now, { changes: decision.changes }));
      value = Number(decision.changes[0]?.to);
    }
    const ways = history.map(({ changes: [change] }) => Number(change?.to) - Number(change?.from));
    const turns = ways.filter((way, index) => index > 0 && way !== ways[index - 1]).length;
    expect(turns).toBeLessThanOrEqual(mostReversals() * (Math.floor(now / reversalMemoryMs) + 1));
  });
});
