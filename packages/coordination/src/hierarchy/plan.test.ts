import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { assertPlan, divideTasks, orderTasks, superiorsOf, wrongAssignment, type PlanTask } from './plan.ts';

const parties = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const subordinates = parties.map((party, at) => ({ party, capabilities: at < 3 ? ['code'] : ['test'] }));

describe('who reports to whom', () => {
  const of = (strategy: 'tree' | 'star' | 'layered', branching: number) => [
    ...superiorsOf({ strategy, branching }, 'boss', parties).values(),
  ];

  it('in a star everybody to the coordinator', () => {
    expect(of('star', 2)).toEqual(Array.from({ length: 7 }, () => 'boss'));
  });

  it('in a tree each to the one above, of which none has more than the branching', () => {
    expect(of('tree', 2)).toEqual(['boss', 'boss', 'a', 'a', 'b', 'b', 'c']);
  });

  it('in layers each to the first of the layer above', () => {
    expect(of('layered', 2)).toEqual(['boss', 'boss', 'a', 'a', 'c', 'c', 'e']);
  });
});

const tasks = fc
  .integer({ min: 1, max: 8 })
  .chain((count) =>
    fc.tuple(
      ...Array.from({ length: count }, (_, at) =>
        fc
          .subarray(Array.from({ length: at }, (_one, other) => `t${other}`))
          .map((dependsOn): PlanTask => ({ id: `t${at}`, dependsOn })),
      ),
    ),
  );

test.prop([tasks, fc.nat()])(
  'each task comes after those it depends on, whatever order they are given in',
  (all, turn) => {
    const given = [...all.slice(turn % all.length), ...all.slice(0, turn % all.length)];
    const order = orderTasks({ goal: 'x', tasks: given }).map(({ id }) => id);
    expect(order.toSorted()).toEqual(all.map(({ id }) => id).toSorted());
    for (const { dependsOn = [], id } of all)
      for (const other of dependsOn) expect(order.indexOf(other)).toBeLessThan(order.indexOf(id));
  },
);

test.prop([tasks])('the usual division gives each task once, to somebody able, and evenly', (all) => {
  const needing = all.map((task) => ({ ...task, requires: ['code'] }));
  const division = divideTasks(needing, subordinates);
  expect(division.map(({ task }) => task)).toEqual(all.map(({ id }) => id));
  expect(wrongAssignment(division, needing, subordinates, [])).toBeUndefined();
  const loads = ['a', 'b', 'c'].map((party) => division.filter((one) => one.party === party).length);
  expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
});

it.each([
  [
    'twice',
    [
      { task: 't', party: 'a' },
      { task: 't', party: 'b' },
    ],
  ],
  ['not asked for', [{ task: 'z', party: 'a' }]],
  ['no subordinate', [{ task: 't', party: 'boss' }]],
  ['cannot do', [{ task: 't', party: 'g' }]],
  ['has refused', [{ task: 't', party: 'c' }]],
])('an answer is unfit when a task is %s', (why, assignments) => {
  const refused = [{ task: 't', party: 'c' }];
  expect(wrongAssignment(assignments, [{ id: 't', requires: ['code'] }], subordinates, refused)).toContain(
    why,
  );
});

it('who has refused is not chosen again, and what nobody can do is left out', () => {
  const refused = [{ task: 't', party: 'a' }];
  expect(divideTasks([{ id: 't', requires: ['code'] }], subordinates, [], refused)).toEqual([
    { task: 't', party: 'b' },
  ]);
  expect(divideTasks([{ id: 't', requires: ['fly'] }], subordinates)).toEqual([]);
});

it.each([
  [
    'cyclic-plan',
    [
      { id: 'x', dependsOn: ['y'] },
      { id: 'y', dependsOn: ['x'] },
    ],
  ],
  ['invalid-plan', [{ id: 'x' }, { id: 'x' }]],
  ['invalid-plan', [{ id: 'x', dependsOn: ['nowhere'] }]],
])('%s', (code, all) => {
  expect(() => assertPlan({ goal: 'g', tasks: all }, subordinates)).toThrow(
    expect.objectContaining({ code }),
  );
});
