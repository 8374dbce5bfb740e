import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { countDominantTasks, divideDominantly, orderByDominantShare, type TaskDemand } from './dominant.ts';

/** From the tests of Apache Mesos' sorter (src/tests/sorter_tests.cpp, Apache-2.0): who is offered next. */
const sorted: readonly (readonly [
  total: readonly [number, number],
  allocations: Readonly<Record<string, readonly [number, number]>>,
  order: readonly string[],
  weights?: Readonly<Record<string, number>>,
])[] = [
  [[100, 100], { a: [5, 5], b: [6, 6] }, ['a', 'b']],
  [[100, 100], { a: [5, 5], b: [6, 6], c: [1, 1], d: [3, 1] }, ['c', 'd', 'a', 'b']],
  [[50, 100], { b: [2, 2], c: [1, 1], d: [3, 1], e: [1, 5] }, ['c', 'b', 'e', 'd']],
  [[50, 200], { b: [2, 2], c: [1, 16], d: [3, 1], e: [1, 5], f: [5, 1] }, ['e', 'b', 'd', 'c', 'f']],
  [[100, 100], { a: [5, 5], b: [6, 6] }, ['b', 'a'], { a: 1, b: 2 }],
  [
    [100, 100],
    { a: [5, 5], b: [6, 6], c: [4, 4], d: [10, 20] },
    ['d', 'b', 'c', 'a'],
    { a: 1, b: 2, c: 1, d: 10 },
  ],
  [[100, 100], { a: [5, 5], c: [4, 4], d: [20, 45] }, ['c', 'd', 'a'], { a: 1, c: 1, d: 10 }],
  [
    [100, 100],
    { a: [5, 5], c: [4, 4], d: [20, 45], e: [1, 1] },
    ['c', 'd', 'a', 'e'],
    { a: 1, c: 1, d: 10, e: 0.1 },
  ],
  [[10, 100], { a: [2, 1], b: [1, 2] }, ['b', 'a']],
  [[100, 10], { a: [2, 1], b: [1, 2] }, ['a', 'b']],
];

const bundle = ([cpu, mem]: readonly [number, number]) => ({ cpu, mem });

describe.each(
  sorted.map(([total, allocations, order, weights = {}]) => ({ total, allocations, order, weights })),
)('of $total with $allocations', ({ allocations, order, total, weights }) => {
  it(`the order is ${order.join(', ')}`, () => {
    const bundles = Object.entries(allocations).map(([party, pair]) => [party, bundle(pair)]);
    expect(orderByDominantShare(Object.fromEntries(bundles), bundle(total), weights)).toEqual(order);
  });
});

describe('the worked example of Ghodsi et al.', () => {
  const demands: readonly TaskDemand[] = [
    { party: 'a', perTask: { cpu: 1, mem: 4 } },
    { party: 'b', perTask: { cpu: 3, mem: 1 } },
  ];
  const total = { cpu: 9, mem: 18 };

  it('9 cores and 18 GB are 3 tasks for a and 2 for b', () => {
    expect(countDominantTasks(demands, total)).toEqual({ a: 3, b: 2 });
  });

  it.each([1e-100, 1e100])('weights of %d each are as good as none', (weight) => {
    const weighted = demands.map((demand) => ({ ...demand, weight }));
    expect(countDominantTasks(weighted, total)).toEqual({ a: 3, b: 2 });
    expect(divideDominantly(weighted, total)['a']).toBeCloseTo(3);
  });

  it('the same in fractions, for there it comes out even', () => {
    const { a, b } = divideDominantly(demands, total);
    expect(a).toBeCloseTo(3);
    expect(b).toBeCloseTo(2);
  });

  it('who wants only one task leaves the rest to the other', () => {
    const [first, second] = demands;
    if (first === undefined || second === undefined) throw new Error('two demands');
    const { a, b } = divideDominantly([{ ...first, atMost: 1 }, second], total);
    expect(a).toBeCloseTo(1);
    expect(b).toBeCloseTo(8 / 3);
  });
});

const numRuns = process.env['MABEAM_LONG'] === '1' ? 10_000 : 100;
const total = { cpu: 40, mem: 64, disk: 100 };
const resources = Object.keys(total) as readonly (keyof typeof total)[];
const perTask = fc
  .record({ cpu: fc.nat({ max: 9 }), mem: fc.nat({ max: 9 }), disk: fc.nat({ max: 9 }) })
  .map((all): Record<string, number> =>
    Object.fromEntries(Object.entries(all).filter(([, amount]) => amount > 0)),
  )
  .filter((needed) => Object.keys(needed).length > 0);
const demands = fc
  .array(fc.record({ perTask, weight: fc.integer({ min: 1, max: 4 }) }), { minLength: 1, maxLength: 5 })
  .map((all) => all.map((one, at) => ({ party: `p${at}`, ...one })));

/** How many tasks of this kind a bundle is good for. */
const tasksIn = (
  bundle: Readonly<Record<string, number>>,
  needed: Readonly<Record<string, number>>,
): number =>
  Math.min(...Object.entries(needed).map(([resource, amount]) => (bundle[resource] ?? 0) / amount));
const scale = (needed: Readonly<Record<string, number>>, by: number): Record<string, number> =>
  Object.fromEntries(Object.entries(needed).map(([resource, amount]) => [resource, amount * by]));
const usedOf = (
  all: readonly TaskDemand[],
  tasks: Readonly<Record<string, number>>,
  resource: string,
): number => all.reduce((sum, one) => sum + (tasks[one.party] ?? 0) * (one.perTask[resource] ?? 0), 0);

test.prop([demands], { numRuns })('nobody would rather have what another has, at its own weight', (all) => {
  const tasks = divideDominantly(all, total);
  for (const one of all) {
    for (const other of all) {
      const theirs = scale(other.perTask, ((tasks[other.party] ?? 0) * one.weight) / other.weight);
      expect(tasks[one.party]).toBeGreaterThanOrEqual(tasksIn(theirs, one.perTask) - 1e-6);
    }
  }
});

test.prop([demands], { numRuns })(
  'nobody can get more without another getting less, and nothing is given twice',
  (all) => {
    const tasks = divideDominantly(all, total);
    for (const resource of resources)
      expect(usedOf(all, tasks, resource)).toBeLessThanOrEqual(total[resource] + 1e-6);
    for (const one of all) {
      const isStuck = resources.some(
        (resource) =>
          (one.perTask[resource] ?? 0) > 0 && usedOf(all, tasks, resource) >= total[resource] - 1e-6,
      );
      expect(isStuck).toBe(true);
    }
  },
);

test.prop([demands], { numRuns })(
  'everybody has at least what its part of everything would be good for',
  (all) => {
    const tasks = divideDominantly(all, total);
    const weight = all.reduce((sum, one) => sum + one.weight, 0);
    for (const one of all)
      expect(tasks[one.party]).toBeGreaterThanOrEqual(
        tasksIn(scale(total, one.weight / weight), one.perTask) - 1e-6,
      );
  },
);

test.prop([demands], { numRuns })('whole tasks fit, and no further one does', (all) => {
  const tasks = countDominantTasks(all, total);
  const left = Object.fromEntries(
    resources.map((resource) => [resource, total[resource] - usedOf(all, tasks, resource)]),
  );
  for (const amount of Object.values(left)) expect(amount).toBeGreaterThanOrEqual(0);
  for (const one of all) expect(tasksIn(left, one.perTask)).toBeLessThan(1);
});

test.prop([demands, fc.infiniteStream(fc.nat())], { numRuns })(
  'the order of the demands changes nothing',
  (all, draws) => {
    const shuffled = all
      .map((one) => ({ one, place: draws.next().value ?? 0 }))
      .toSorted((x, y) => x.place - y.place)
      .map(({ one }) => one);
    expect(countDominantTasks(shuffled, total)).toEqual(countDominantTasks(all, total));
    const [before, after] = [divideDominantly(all, total), divideDominantly(shuffled, total)];
    for (const { party } of all) expect(after[party]).toBeCloseTo(before[party] ?? -1, 6);
  },
);

test.prop([demands, perTask], { numRuns })(
  'nobody gets more done by a lie about what its tasks need',
  (all, lie) => {
    const [liar, ...others] = all;
    if (liar === undefined) return;
    const lied = divideDominantly([{ ...liar, perTask: lie }, ...others], total)[liar.party] ?? 0;
    const honest = divideDominantly(all, total)[liar.party] ?? 0;
    expect(tasksIn(scale(lie, lied), liar.perTask)).toBeLessThanOrEqual(honest + 1e-6);
  },
);

it('more whole tasks than anybody would count are refused, and not counted for ever', () => {
  const tiny = { party: 'a', perTask: { cpu: 1e-20 } };
  const refusal = expect.objectContaining({ code: 'invalid-amount' });
  expect(() => countDominantTasks([tiny], { cpu: 1 })).toThrow(refusal);
  expect(countDominantTasks([{ ...tiny, atMost: 2 }], { cpu: 1 })).toEqual({ a: 2 });
});

it.each([
  ['unknown-resource', [{ party: 'a', perTask: { gpu: 1 } }], { cpu: 1 }],
  ['invalid-amount', [{ party: 'a', perTask: {} }], { cpu: 1 }],
  ['invalid-amount', [{ party: 'a', perTask: { cpu: 0 } }], { cpu: 1 }],
  ['invalid-amount', [{ party: 'a', perTask: { cpu: 1 }, weight: 1e308 }], { cpu: 1 }],
  ['invalid-amount', [{ party: 'a', perTask: { cpu: 1 }, weight: 5e-324 }], { cpu: 1 }],
  ['invalid-amount', [{ party: 'a', perTask: { cpu: 1e-320 } }], { cpu: 1 }],
  ['invalid-amount', [{ party: 'a', perTask: { cpu: 1 } }], { cpu: 1e308 }],
  ['no-resources', [{ party: 'a', perTask: { cpu: 1 } }], { cpu: 0 }],
])('%s', (code, all, available) => {
  expect(() => divideDominantly(all, available)).toThrow(expect.objectContaining({ code }));
  expect(() => countDominantTasks(all, available)).toThrow(expect.objectContaining({ code }));
});
