import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { edgesOf } from './topology.ts';

const five = ['a', 'b', 'c', 'd', 'e'];
const nodeLists = fc.uniqueArray(
  fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/).filter((id) => !['space', 'all'].includes(id)),
  {
    minLength: 2,
    maxLength: 12,
  },
);

it.each([
  ['broadcast', 5],
  ['ring', 5],
  ['star', 8],
  ['mesh', 20],
] as const)('%s of five agents has %i edges', (pattern, count) => {
  expect(edgesOf({ pattern }, five)).toHaveLength(count);
});

test.prop([nodeLists])('edge counts follow the table for any team', (nodes) => {
  const n = nodes.length;
  expect(edgesOf({ pattern: 'broadcast' }, nodes)).toHaveLength(n);
  expect(edgesOf({ pattern: 'ring' }, nodes)).toHaveLength(n);
  expect(edgesOf({ pattern: 'star' }, nodes)).toHaveLength(2 * (n - 1));
  expect(edgesOf({ pattern: 'mesh' }, nodes)).toHaveLength(n * (n - 1));
});

it('a ring follows the declared order and closes', () => {
  expect(edgesOf({ pattern: 'ring' }, ['c', 'a', 'b'])).toEqual([
    ['c', 'a'],
    ['a', 'b'],
    ['b', 'c'],
  ]);
});

it('nobody alone has an edge, except from the space', () => {
  expect(edgesOf({ pattern: 'ring' }, ['a'])).toEqual([]);
  expect(edgesOf({ pattern: 'star' }, ['a'])).toEqual([]);
  expect(edgesOf({ pattern: 'star' }, [])).toEqual([]);
  expect(edgesOf({ pattern: 'mesh' }, ['a'])).toEqual([]);
  expect(edgesOf({ pattern: 'broadcast' }, ['a'])).toEqual([['space', 'a']]);
});

it('custom edges lose those whose ends are not present', () => {
  const edges = [
    ['a', 'b'],
    ['b', 'gone'],
  ] as const;
  expect(edgesOf({ pattern: 'custom', edges }, ['a', 'b'])).toEqual([['a', 'b']]);
});
