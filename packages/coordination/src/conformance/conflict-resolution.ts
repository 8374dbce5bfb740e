/**
 * What every strategy for conflicts must keep to, ours and a user's own: cases with a name and a check that throws an
 * AssertionError. Run them in any test runner: `for (const {name, run} of conflictConformance("voting")) it(name, run)`.
 */
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import type { Json } from '@mabeam/variables';
import { canonicalText } from '../negotiation/canonical.ts';
import type { Conflict } from '../conflicts/conflict.ts';
import { resolveConflicts, type ConflictStrategy } from '../conflicts/resolve.ts';
import type { Resolution } from '../conflicts/resolution.ts';
import type { ConformanceCase } from './negotiation.ts';

const numbers: Conflict = {
  id: 'numbers',
  target: 'temperature',
  kind: 'value-incompatible',
  claims: [
    { party: 'a', value: 0.1, priority: 1 },
    { party: 'b', value: 1.5, priority: 1 },
    { party: 'c', value: 0.4, weight: 2 },
  ],
  limits: { min: 0, max: 2 },
};
const words: Conflict = {
  id: 'words',
  target: 'model',
  kind: 'value-incompatible',
  claims: [
    { party: 'a', value: 'large' },
    { party: 'b', value: 'small', priority: 2 },
    { party: 'c', value: { name: 'own', size: 3 } },
  ],
};
const amounts: Conflict = {
  id: 'amounts',
  target: 'memory',
  kind: 'resource-competition',
  available: 100,
  claims: [
    { party: 'a', value: 80 },
    { party: 'b', value: 70 },
  ],
};
const windows: Conflict = {
  id: 'windows',
  target: 'printer',
  kind: 'temporal-constraint',
  claims: [
    { party: 'a', value: { fromMs: 0, toMs: 10 } },
    { party: 'b', value: { fromMs: 5, toMs: 15 }, priority: 1 },
  ],
};
const conflicts = [numbers, words, amounts, windows];

/** The cases for one strategy: a name, or a function. */
export function conflictConformance(strategy: string | ConflictStrategy): ConformanceCase[] {
  const resolve = (given: readonly Conflict[]): readonly Resolution[] =>
    resolveConflicts(given, strategy).resolutions;
  return [
    {
      name: 'each conflict has one resolution, in the order of the conflicts',
      run: () =>
        deepStrictEqual(
          resolve(conflicts).map(({ conflict }) => conflict),
          conflicts.map(({ id }) => id),
        ),
    },
    {
      name: 'the order of the claims changes nothing',
      run: () => {
        const turned = conflicts.map((one) => ({ ...one, claims: one.claims.toReversed() }));
        deepStrictEqual(resolve(turned), resolve(conflicts));
      },
    },
    {
      name: 'what was handed in is not touched',
      run: () => {
        const before = JSON.stringify(conflicts);
        resolve(conflicts);
        strictEqual(JSON.stringify(conflicts), before);
      },
    },
    {
      name: 'all parties are named as affected, and who does not get what it wanted is told why',
      run: () => {
        for (const [at, resolution] of resolve(conflicts).entries()) checkParties(conflicts[at], resolution);
      },
    },
    {
      name: 'a number stays within the limits',
      run: () => {
        const narrow = { ...numbers, limits: { min: 0.3, max: 0.5 } };
        const [found] = resolve([narrow]);
        ok(typeof found?.value === 'number' && found.value >= 0.3 && found.value <= 0.5);
      },
    },
    {
      name: 'no more is given than there is',
      run: () => {
        const [found] = resolve([amounts]);
        const given = Object.values(found?.shares ?? {}).reduce((sum, share) => sum + share, 0);
        ok(given <= 100, `${given} of 100 is given`);
      },
    },
    {
      name: 'a conflict without claims is unresolved, not invented',
      run: () => strictEqual(resolveConflicts([{ ...words, claims: [] }], strategy).kind, 'unresolved'),
    },
  ];
}

function checkParties(conflict: Conflict | undefined, resolution: Resolution): void {
  if (conflict === undefined) throw new TypeError('there are as many resolutions as conflicts');
  deepStrictEqual(resolution.affected, conflict.claims.map(({ party }) => party).toSorted());
  for (const { party, value } of conflict.claims) {
    const told = resolution.overridden.find((one) => one.party === party);
    if (canonicalText(value) === canonicalText(gotBy(resolution, party))) continue;
    ok(told !== undefined && told.reason !== '', `${party} is not told why`);
    deepStrictEqual(told.wanted, value);
  }
}

function gotBy({ shares, value }: Resolution, party: string): Json {
  return shares?.[party] ?? value;
}
