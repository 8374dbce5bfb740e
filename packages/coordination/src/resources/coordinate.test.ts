import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { divisionConformance } from '../conformance/fair-division.ts';
import { coordinateResources, fillWater } from './coordinate.ts';
import { poolOf, type ResourceRequest } from './request.ts';
import { splitByRemainder } from './whole-units.ts';

const numRuns = process.env['MABEAM_LONG'] === '1' ? 10_000 : 100;
const request = fc.record({
  party: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  resource: fc.constant('memory'),
  amount: fc.integer({ min: 1, max: 60 }),
  priority: fc.integer({ min: 0, max: 3 }),
  weight: fc.integer({ min: 1, max: 5 }),
});
const requests = fc.uniqueArray(request, { minLength: 1, maxLength: 6, selector: ({ party }) => party });
const amountOf = (
  all: readonly { readonly party: string; readonly amount: number }[],
  party: string,
): number => all.find((one) => one.party === party)?.amount ?? 0;

describe('conformance', () => {
  for (const { name, run } of divisionConformance(coordinateResources))
    it(name, () => expect(run).not.toThrow());
});

test.prop([requests, fc.nat({ max: 120 })], { numRuns })(
  'all that is wanted and there is granted, and not a unit more',
  (all, memory) => {
    const { grants } = coordinateResources(all, { memory });
    const wanted = all.reduce((sum, { amount }) => sum + amount, 0);
    expect(grants.reduce((sum, { amount }) => sum + amount, 0)).toBe(Math.min(wanted, memory));
  },
);

test.prop([requests, fc.nat({ max: 120 })], { numRuns })(
  'a lower priority gets nothing while a higher one wants more',
  (all, memory) => {
    const { grants } = coordinateResources(all, { memory });
    for (const short of all.filter(({ amount, party }) => amountOf(grants, party) < amount)) {
      for (const lower of all.filter(({ priority }) => priority < short.priority))
        expect(amountOf(grants, lower.party)).toBe(0);
    }
  },
);

test.prop([requests, fc.nat({ max: 120 }), fc.nat({ max: 5 })], { numRuns })(
  'a request never gets less because its priority was raised',
  (all, memory, at) => {
    const chosen = all[at % all.length];
    if (chosen === undefined) return;
    const raised = all.map((one) => (one === chosen ? { ...one, priority: one.priority + 1 } : one));
    const before = amountOf(coordinateResources(all, { memory }).grants, chosen.party);
    expect(amountOf(coordinateResources(raised, { memory }).grants, chosen.party)).toBeGreaterThanOrEqual(
      before,
    );
  },
);

test.prop([requests, fc.nat({ max: 120 })], { numRuns })(
  'max-min: who is short has, by weight, no less than anybody of its priority, but for one unit',
  (all, memory) => {
    const { grants } = coordinateResources(all, { memory });
    for (const short of all.filter(({ amount, party }) => amountOf(grants, party) < amount)) {
      for (const peer of all.filter(({ priority }) => priority === short.priority)) {
        const level = (amountOf(grants, peer.party) - 1) / peer.weight;
        expect((amountOf(grants, short.party) + 1) / short.weight).toBeGreaterThanOrEqual(level - 1e-9);
      }
    }
  },
);

test.prop([fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { minLength: 1, maxLength: 8 })], {
  numRuns,
})('rounding gives each part its floor or one more, and loses nothing', (parts) => {
  const total = Math.round(parts.reduce((sum, part) => sum + part, 0));
  const exact = parts.map((part) => (part * total) / (parts.reduce((sum, one) => sum + one, 0) || 1));
  const whole = splitByRemainder(total, exact);
  if (parts.some((part) => part > 1e-3)) expect(whole.reduce((sum, part) => sum + part, 0)).toBe(total);
  for (const [at, part] of whole.entries()) expect(Math.abs(part - (exact[at] ?? 0))).toBeLessThan(1 + 1e-6);
});

const anything = fc.uniqueArray(
  fc.record({
    party: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    resource: fc.constantFrom('memory', 'cpu'),
    amount: fc.integer({ min: 1, max: 60 }),
    priority: fc.integer({ min: 0, max: 2 }),
    weight: fc.integer({ min: 1, max: 3 }),
    isAtomic: fc.boolean(),
  }),
  { minLength: 1, maxLength: 10, selector: ({ party, resource }) => `${party} ${resource}` },
);

test.prop(
  [
    anything.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
    fc.nat({ max: 120 }),
  ],
  { numRuns },
)('the order of the requests changes nothing, whole ones among them', ([all, shuffled], memory) => {
  const available = { memory, cpu: 50 };
  expect(coordinateResources(shuffled, available)).toEqual(coordinateResources(all, available));
});

it('water rises by weight: 10 for weights 1 and 3, of which one wants only 2', () => {
  expect(
    fillWater(
      [
        { amount: 9, weight: 1 },
        { amount: 9, weight: 3 },
      ],
      10,
    ),
  ).toEqual([2.5, 7.5]);
  expect(
    fillWater(
      [
        { amount: 2, weight: 3 },
        { amount: 9, weight: 1 },
      ],
      10,
    ),
  ).toEqual([2, 8]);
});

it('an atomic request is granted whole or not at all, and what it leaves goes to the others', () => {
  const all: ResourceRequest[] = [
    { party: 'a', resource: 'memory', amount: 80, isAtomic: true },
    { party: 'b', resource: 'memory', amount: 70 },
  ];
  const { denied, grants } = coordinateResources(all, { memory: 100 });
  expect(grants).toEqual([expect.objectContaining({ party: 'b', amount: 70 })]);
  expect(denied).toEqual([{ party: 'a', resource: 'memory', amount: 80, reason: 'exhausted' }]);
  expect(coordinateResources(all, { memory: 60 }).denied[0]?.reason).toBe('over-capacity');
});

it('two that share are deducted once', () => {
  const all: ResourceRequest[] = [
    { party: 'a', resource: 'gpu', amount: 6, conditions: [{ kind: 'share-with', party: 'b' }] },
    { party: 'b', resource: 'gpu', amount: 4, conditions: [{ kind: 'share-with', party: 'a' }] },
    { party: 'c', resource: 'gpu', amount: 4 },
  ];
  const { grants } = coordinateResources(all, { gpu: 10 });
  expect(grants.map(({ party, amount }) => [party, amount])).toEqual([
    ['a', 6],
    ['b', 4],
    ['c', 4],
  ]);
});

it('an indefinite grant is a lease of half a minute that may be renewed', () => {
  const all: ResourceRequest[] = [
    { party: 'a', resource: 'cpu', amount: 1 },
    { party: 'b', resource: 'cpu', amount: 1, durationMs: 500 },
  ];
  const [a, b] = coordinateResources(all, poolOf({ memory: 1, cpuWeight: 0.5 })).grants;
  expect(a).toMatchObject({ durationMs: 30_000, isRenewable: true });
  expect(b).toMatchObject({ durationMs: 500, isRenewable: false });
});

it.each([
  ['unknown-resource', [{ party: 'a', resource: 'gpu', amount: 1 }], { memory: 1 }, {}],
  ['invalid-amount', [{ party: 'a', resource: 'memory', amount: 0 }], { memory: 1 }, {}],
  ['invalid-amount', [{ party: 'a', resource: 'memory', amount: 1 }], { memory: 0.5 }, {}],
  ['invalid-amount', [{ party: 'a', resource: 'memory', amount: 1, weight: 1e308 }], { memory: 1 }, {}],
  ['invalid-amount', [{ party: 'a', resource: 'memory', amount: 1, weight: 5e-324 }], { memory: 1 }, {}],
  ['no-resources', [{ party: 'a', resource: 'memory', amount: 1 }], {}, {}],
  ['over-capacity', [{ party: 'a', resource: 'memory', amount: 2 }], { memory: 1 }, { isAtomic: true }],
])('%s', (code, all, available, options) => {
  expect(() => coordinateResources(all, available, options)).toThrow(expect.objectContaining({ code }));
});
