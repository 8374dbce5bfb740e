import { expect, it } from 'vitest';
import { planChanges, withoutEqual } from './change-set.ts';
import { agentSelection, performanceThreshold } from './constructors.ts';
import { foldChanges, type KeyChange } from './fold.ts';
import { historyOf, valueAt } from './history.ts';
import { emptyView } from './view.ts';

const authorship = { by: 'operator', cause: 'test', at: new Date('2026-01-31T12:00:00Z') };
const threshold = performanceThreshold('threshold', { initial: 0.5, min: 0, max: 1 });
const team = agentSelection('team', { agents: ['a', 'b'] });

function put(key: string, revision: number, body: unknown): KeyChange & { at: Date } {
  return {
    key,
    revision,
    operation: 'put',
    data: new TextEncoder().encode(JSON.stringify(body)),
    at: authorship.at,
  };
}

function entry(value: unknown): object {
  return { v: 1, value, definitionRevision: 1, by: 'test', at: '2026-01-31T12:00:00.000Z', cause: '' };
}

const view = foldChanges(emptyView(), [
  {
    revision: 9,
    entries: [
      put('definition.threshold', 1, threshold),
      put('definition.team', 2, team),
      put('space.threshold', 3, entry(0.7)),
    ],
  },
]);

it('a plan expects of each key the revision that its value was validated on', () => {
  const plan = planChanges(
    view,
    [
      { id: 'threshold', value: 0.8 },
      { id: 'team', value: 'b' },
    ],
    authorship,
  );
  expect(plan.basedOn).toBe(9);
  expect(plan.writes).toEqual([
    {
      key: 'space.threshold',
      expect: 3,
      body: {
        v: 1,
        value: 0.8,
        definitionRevision: 1,
        by: 'operator',
        at: '2026-01-31T12:00:00.000Z',
        cause: 'test',
      },
    },
    { key: 'space.team', expect: 0, body: expect.objectContaining({ value: ['b'], definitionRevision: 2 }) },
  ]);
  expect(plan.changes).toEqual([
    { id: 'threshold', from: 0.7, to: 0.8, isDifferent: true },
    { id: 'team', from: ['a', 'b'], to: ['b'], isDifferent: true },
  ]);
});

it('a plan over a rejected revision expects that one, so that the good value can be written again', () => {
  const spoilt = foldChanges(view, [{ revision: 10, entries: [put('space.threshold', 10, entry(7))] }]);
  const [write] = planChanges(spoilt, [{ id: 'threshold', value: 0.7, ifRevision: 3 }], authorship).writes;
  expect(write?.expect).toBe(10);
});

it.each([
  ['an unknown variable', [{ id: 'treshold', value: 1 }], 'unknown-variable'],
  ['a value out of its domain', [{ id: 'threshold', value: 2 }], 'out-of-domain'],
  ['a stale revision', [{ id: 'threshold', value: 1, ifRevision: 2 }], 'stale-revision'],
  [
    'the same variable twice',
    [
      { id: 'threshold', value: 1 },
      { id: 'threshold', value: 0 },
    ],
    'duplicate-change',
  ],
  [
    'one bad value among good ones',
    [
      { id: 'team', value: 'a' },
      { id: 'threshold', value: -1 },
    ],
    'out-of-domain',
  ],
])('a change set with %s is refused as a whole', (_, wishes, code) => {
  expect(() => planChanges(view, wishes, authorship)).toThrowError(expect.objectContaining({ code }));
});

it('an unknown variable is answered with those there are, a stale revision with the current one', () => {
  expect(() => planChanges(view, [{ id: 'treshold', value: 1 }], authorship)).toThrowError(
    /there are: team, threshold/,
  );
  expect(() => planChanges(view, [{ id: 'threshold', value: 1, ifRevision: 2 }], authorship)).toThrowError(
    expect.objectContaining({ details: { id: 'threshold', expected: 2, current: 3 } }),
  );
});

it.each(['', '  ', 'x'.repeat(129)])('nobody called "%s" may change anything', (by) => {
  expect(() => planChanges(view, [], { ...authorship, by })).toThrowError(
    expect.objectContaining({ code: 'invalid-author' }),
  );
});

it('a plan without the equal ones keeps writes and changes together', () => {
  const plan = planChanges(
    view,
    [
      { id: 'threshold', value: 0.7 },
      { id: 'team', value: 'b' },
    ],
    authorship,
  );
  const kept = withoutEqual(plan);
  expect(kept.writes.map(({ key }) => key)).toEqual(['space.team']);
  expect(kept.changes.map(({ id }) => id)).toEqual(['team']);
});

it('history is newest first and says what was rejected or deleted', () => {
  const kept = [
    put('space.threshold', 3, entry(0.7)),
    put('space.threshold', 5, entry(7)),
    put('space.threshold', 6, 'garbage'),
    { ...put('space.threshold', 8, ''), operation: 'delete' as const },
  ];
  const records = historyOf(threshold, kept);
  expect(records.map(({ kind, revision }) => [kind, revision])).toEqual([
    ['deleted', 8],
    ['rejected', 6],
    ['rejected', 5],
    ['value', 3],
  ]);
  const state = view.variables.get('threshold');
  if (state === undefined) throw new Error('threshold is declared above');
  expect(valueAt(state, records, 3)).toBe(0.7);
  expect(valueAt(state, records, 0)).toBe(0.5);
  expect(valueAt(state, records, 8)).toBe(0.5);
  expect(() => valueAt(state, records, 5)).toThrowError(expect.objectContaining({ code: 'out-of-domain' }));
  expect(() => valueAt(state, records, 4)).toThrowError(
    expect.objectContaining({ code: 'unknown-revision' }),
  );
});

it('a candidate is written beside the value, held to the same domain, and is a reason to write what is the same', () => {
  const wish = (value: unknown) => [
    { id: 'threshold', value: 0.7, candidate: { value, share: 0.1, salt: 'a1' } },
  ];
  const plan = planChanges(view, wish(0.9), authorship);
  expect(plan.writes[0]?.body).toMatchObject({
    value: 0.7,
    candidate: { value: 0.9, share: 0.1, salt: 'a1' },
  });
  expect(withoutEqual(plan).writes).toHaveLength(1);
  expect(() => planChanges(view, wish(7), authorship)).toThrow(
    expect.objectContaining({ code: 'out-of-domain' }),
  );
});
