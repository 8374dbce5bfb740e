import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { conflictConformance } from '../conformance/conflict-resolution.ts';
import { detectConflicts, type Conflict, type Wish } from './conflict.ts';
import { overrideBy } from './resolution.ts';
import { conflictStrategies, electLeader, resolveConflicts, strategyOf } from './resolve.ts';
import { holderAt, rotationMs, slotAt } from './schedule.ts';

const temperature: Conflict = {
  id: 't',
  target: 'temperature',
  kind: 'value-incompatible',
  claims: [
    { party: 'coder', value: 0.1 },
    { party: 'writer', value: 1.5 },
  ],
};
const memory: Conflict = {
  id: 'm',
  target: 'memory',
  kind: 'resource-competition',
  available: 100,
  claims: [
    { party: 'a', value: 80 },
    { party: 'b', value: 70 },
  ],
};

const only = (conflict: Conflict, strategy: string, options = {}) => {
  const resolved = resolveConflicts([conflict], strategy, options);
  const [resolution] = resolved.resolutions;
  if (resolution === undefined) throw new Error(`nothing resolved: ${JSON.stringify(resolved)}`);
  return resolution;
};

for (const strategy of [
  ...conflictStrategies,
  'time_sharing',
  'resource_partitioning',
  'negotiated-settlement',
]) {
  describe(`${strategy}`, () => {
    for (const { name, run } of conflictConformance(strategy)) it(name, () => expect(run).not.toThrow());
  });
}

describe("a strategy of one's own", () => {
  const cases = conflictConformance((conflict) => {
    const [winner] = conflict.claims
      .filter(({ value }) => typeof value !== 'number' || value <= (conflict.limits?.max ?? value))
      .filter(({ value }) => typeof value !== 'number' || value >= (conflict.limits?.min ?? value))
      .toSorted((a, b) => (a.party < b.party ? 1 : -1));
    if (winner === undefined) return { kind: 'unresolved', reason: 'nobody is last' };
    const full = { priority: 0, weight: 1, performance: 0, ...winner };
    return {
      kind: 'resolved',
      resolution: overrideBy(conflict, full, { method: 'last', because: 'it is last' }),
    };
  });
  for (const { name, run } of cases) it(name, () => expect(run).not.toThrow());
});

describe('compromise', () => {
  it('0.1 and 1.5 at equal weights meet at 0.8, as a weighted average', () => {
    expect(only(temperature, 'compromise')).toMatchObject({
      value: 0.8,
      compromise: 'weighted-average',
      method: 'weighted-average',
    });
  });

  it('numbers closer than 0.1 meet at their simple average, whatever the weights', () => {
    const claims = [
      { party: 'a', value: 0.5, weight: 9 },
      { party: 'b', value: 0.54 },
    ];
    expect(only({ ...temperature, claims }, 'compromise')).toMatchObject({
      value: 0.52,
      method: 'simple-average',
    });
  });

  it('numbers far apart meet at the median', () => {
    const claims = [0, 1, 10].map((value, at) => ({ party: `p${at}`, value }));
    expect(only({ ...temperature, claims }, 'compromise')).toMatchObject({ value: 1, method: 'median' });
  });

  it('80 and 70 of 100 become 53 and 47', () => {
    expect(only(memory, 'compromise')).toMatchObject({ shares: { a: 53, b: 47 }, method: 'proportional' });
  });

  it('the value that nobody asked for wins when everybody can live with it', () => {
    const conflict: Conflict = {
      ...temperature,
      claims: [
        { party: 'a', value: 'red' },
        { party: 'b', value: 'blue' },
      ],
      alternatives: ['purple'],
      utilities: { a: { '"purple"': 0.7 }, b: { '"purple"': 0.6 } },
    };
    const { compromise, overridden, score, value } = only(conflict, 'compromise');
    expect({ value, compromise }).toEqual({ value: 'purple', compromise: 'alternative-solution' });
    expect(score).toBeCloseTo(0.6);
    expect(overridden.map(({ party, wanted }) => [party, wanted])).toEqual([
      ['a', 'red'],
      ['b', 'blue'],
    ]);
  });

  it('a quarrel over time becomes turns: two parties and slots of ten minutes rotate in 1 200 s', () => {
    const claims = [
      { party: 'a', value: 1 },
      { party: 'b', value: 2, priority: 1 },
    ];
    const { schedule } = only({ ...temperature, kind: 'temporal-constraint', claims }, 'compromise', {
      startMs: 5_000,
    });
    if (schedule === undefined) throw new Error('no schedule');
    expect(rotationMs(schedule)).toBe(1_200_000);
    const at = [4_999, 5_000, 604_999, 605_000, 1_205_000].map((nowMs) => holderAt(schedule, nowMs));
    expect(at).toEqual([undefined, 'b', 'b', 'a', 'b']);
  });
});

test.prop([fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 1_000 }), fc.nat({ max: 100_000 })])(
  'at each instant there is one holder, and it changes only at the edge of a slot',
  (parties, slotMs, offset) => {
    const turns = Array.from({ length: parties }, (_, at) => ({ party: `p${at}`, value: at }));
    const schedule = { startMs: 77, slotMs, turns };
    const slot = slotAt(schedule, 77 + offset);
    expect(slot).toBeDefined();
    expect(slot?.fromMs).toBeLessThanOrEqual(77 + offset);
    expect(slot?.toMs).toBeGreaterThan(77 + offset);
    expect(holderAt(schedule, slot?.toMs ?? 0)).toBe(`p${((slot?.index ?? 0) + 1) % parties}`);
  },
);

describe('priority, votes and leaders', () => {
  const claims = [
    { party: 'a', value: 'x', priority: 3, performance: 0.1 },
    { party: 'b', value: 'y', priority: 7 },
    { party: 'c', value: 'x', priority: 3, performance: 0.9 },
  ];
  const conflict: Conflict = { ...temperature, claims };

  it('the larger priority wins, and the overridden are told by whom', () => {
    const { compromise, overridden, value } = only(conflict, 'priority_override');
    expect({ value, compromise }).toEqual({ value: 'y', compromise: 'priority-override' });
    expect(overridden).toHaveLength(2);
    expect(overridden[0]?.reason).toContain('b has it');
  });

  it('the vote goes to the many, and a jury outvotes them', () => {
    expect(only(conflict, 'voting').value).toBe('x');
    const ballots = { t: ['j1', 'j2'].map((voter) => ({ voter, ranking: ['"y"'] })) };
    expect(only(conflict, 'voting', { ballots }).value).toBe('y');
  });

  it('who votes twice has voted once', () => {
    const ballots = { t: ['b', 'b', 'b'].map((voter) => ({ voter, ranking: ['"y"'] })) };
    expect(only(conflict, 'voting', { ballots }).value).toBe('x');
  });

  it('a tied vote goes to the value of the more important party', () => {
    expect(only({ ...conflict, claims: claims.slice(1) }, 'voting').value).toBe('y');
  });

  it('leaders are elected by priority, then by performance, and among the living', () => {
    expect(electLeader(conflict)?.party).toBe('b');
    expect(electLeader(conflict, new Set(['a', 'c']))?.party).toBe('c');
    expect(only(conflict, 'leader_decision')).toMatchObject({ leader: 'b', value: 'y' });
  });

  it('what the leader has decided counts, not what it had claimed', () => {
    const decisions = { t: { leader: 'c', value: 'z' } };
    expect(only(conflict, 'leader-election', { decisions })).toMatchObject({ leader: 'c', value: 'z' });
  });
});

describe('resolving', () => {
  it('a strategy nobody knows is refused with the names there are', () => {
    expect(strategyOf('coin_toss')).toBeUndefined();
    expect(() => resolveConflicts([temperature], 'coin-toss')).toThrow(/priority-based/);
  });

  it('where the strategy finds nothing the most important party decides', () => {
    const words = {
      ...temperature,
      claims: [
        { party: 'a', value: 'x' },
        { party: 'b', value: 'y' },
      ],
    };
    expect(only(words, 'resource-partitioning')).toMatchObject({
      value: 'x',
      compromise: 'priority-override',
    });
  });

  it('claims that all lie outside of the limits stay unresolved, by name', () => {
    const narrow = { ...temperature, limits: { min: 5 } };
    expect(resolveConflicts([memory, narrow], 'priority-based')).toMatchObject({
      kind: 'unresolved',
      unresolved: [{ conflict: 't' }],
      resolutions: [{ conflict: 'm' }],
    });
  });

  it.each([
    [
      'a party that claims twice',
      { ...temperature, claims: [...temperature.claims, { party: 'coder', value: 1 }] },
    ],
    ['a weight of 0', { ...temperature, claims: [{ party: 'a', value: 1, weight: 0 }] }],
    ['a weight that sums overflow by', { ...temperature, claims: [{ party: 'a', value: 1, weight: 1e308 }] }],
    ['half a unit', { ...memory, claims: [{ party: 'a', value: 0.5 }] }],
  ])('%s is refused', (_, conflict) => {
    expect(() => resolveConflicts([conflict], 'voting')).toThrow(
      expect.objectContaining({ code: 'invalid-conflict' }),
    );
  });
});

describe('detecting', () => {
  const wishes: readonly Wish[] = [
    { party: 'a', kind: 'set', target: 'temperature', value: 0.1 },
    { party: 'b', kind: 'set', target: 'temperature', value: 1.5 },
    { party: 'b', kind: 'set', target: 'model', value: { n: 1, m: 2 } },
    { party: 'a', kind: 'set', target: 'model', value: { m: 2, n: 1 } },
    { party: 'a', kind: 'use', resource: 'memory', amount: 40 },
    { party: 'a', kind: 'use', resource: 'memory', amount: 40 },
    { party: 'b', kind: 'use', resource: 'memory', amount: 70 },
    { party: 'a', kind: 'use', resource: 'cpu', amount: 4 },
    { party: 'a', kind: 'reserve', target: 'printer', fromMs: 0, toMs: 10 },
    { party: 'b', kind: 'reserve', target: 'printer', fromMs: 9, toMs: 20 },
    { party: 'c', kind: 'reserve', target: 'printer', fromMs: 20, toMs: 30 },
  ];
  const found = detectConflicts(wishes, { memory: 100, cpu: 4 });

  it('finds the three kinds, and neither agreement nor touching windows', () => {
    expect(found.map(({ id, claims }) => [id, claims.map(({ party }) => party)])).toEqual([
      ['resource-memory', ['a', 'b']],
      ['time-printer-0', ['a', 'b']],
      ['value-temperature', ['a', 'b']],
    ]);
  });

  it('what is found can be resolved at once', () => {
    expect(resolveConflicts(found).resolutions.map(({ method }) => method)).toEqual([
      'proportional',
      'turns',
      'weighted-average',
    ]);
  });

  test.prop([fc.shuffledSubarray([...wishes], { minLength: wishes.length })])(
    'the order of wishes changes nothing',
    (shuffled) => {
      expect(detectConflicts(shuffled, { memory: 100, cpu: 4 })).toEqual(found);
    },
  );
});
