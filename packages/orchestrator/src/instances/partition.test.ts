import { graphOf, type Edge } from '@mabeam/variables';
import { expect, test } from 'vitest';
import { unreachedIn } from './partition.ts';

const edges: readonly Edge[] = [
  ['a', 'b'],
  ['c', 'b'],
  ['c', 'd'],
];

test('a custom graph holds together by its edges in either direction, and falls apart without the agent between', () => {
  expect(unreachedIn(graphOf({ pattern: 'custom', edges }, ['a', 'b', 'c', 'd']))).toEqual([]);
  expect(unreachedIn(graphOf({ pattern: 'custom', edges }, ['a', 'b', 'd']))).toEqual(['d']);
  expect(unreachedIn(graphOf({ pattern: 'custom', edges }, ['a', 'c', 'd']))).toEqual(['c', 'd']);
});

test('a pattern never falls apart, nor does a graph of nobody', () => {
  expect(unreachedIn(graphOf({ pattern: 'ring' }, ['a', 'b', 'c']))).toEqual([]);
  expect(unreachedIn(graphOf({ pattern: 'custom', edges: [] }, []))).toEqual([]);
});
