import { expect, it } from 'vitest';
import { standingOfReports } from './standing.ts';

const reports = (...digests: readonly string[]): ReadonlyMap<string, { readonly digest: string }> =>
  new Map(digests.map((digest, i) => [`p${i}`, { digest }]));

it('three of five that hold the same have converged once the other two are not waited for', () => {
  expect(standingOfReports(reports('a', 'a', 'a'), { members: 5, awaited: 0 })).toEqual({
    kind: 'same',
    fraction: 0.6,
    digest: 'a',
    holders: ['p0', 'p1', 'p2'],
  });
  expect(standingOfReports(reports('a', 'a', 'a'), { members: 5, awaited: 1 }).kind).toBe('open');
});

it.each([
  ['half of the members', reports('a', 'a'), 4, 0.5],
  ['who does not hold the same', reports('b', 'a', 'a', 'a'), 4, 0.75],
  ['nobody', reports(), 3, 0],
])('%s is not enough', (_what, said, members, fraction) => {
  expect(standingOfReports(said, { members, awaited: 0 })).toEqual({ kind: 'open', fraction });
});
