import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { edgesOf, graphOf, isEdge, parseGraph, readGraph, topologyPatterns } from './topology.ts';

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

test.prop([
  nodeLists,
  fc.constantFrom(...topologyPatterns),
  fc.nat(),
  fc.array(fc.tuple(fc.nat(11), fc.nat(11))),
])(
  'a graph is always one that can be read again, without self-loops or repeated edges',
  (nodes, pattern, hubAt, pairs) => {
    const name = (i: number): string => nodes[i % nodes.length] ?? 'stranger';
    const edges = pairs.map(([from, to]) => [name(from), name(to)] as const);
    const graph = graphOf({ pattern, hub: name(hubAt), edges }, [...nodes, ...nodes]);
    const texts = graph.edges.map(([from, to]) => `${from} ${to}`);
    expect(new Set(texts).size).toBe(texts.length);
    expect(graph.edges.every(([from, to]) => from !== to)).toBe(true);
    expect(graph.nodes).toEqual(nodes);
    expect(parseGraph(JSON.parse(JSON.stringify(graph)))).toEqual(graph);
  },
);

it('a ring follows the declared order and closes', () => {
  expect(edgesOf({ pattern: 'ring' }, ['c', 'a', 'b'])).toEqual([
    ['c', 'a'],
    ['a', 'b'],
    ['b', 'c'],
  ]);
});

it('a star whose hub is gone has the first node as hub', () => {
  expect(graphOf({ pattern: 'star', hub: 'gone' }, ['a', 'b']).hub).toBe('a');
  expect(graphOf({ pattern: 'star', hub: 'b' }, ['a', 'b']).hub).toBe('b');
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

it('without a graph everybody may talk to everybody; with one only along its edges', () => {
  const star = graphOf({ pattern: 'star', hub: 'a' }, five);
  expect(isEdge(undefined, 'x', 'y')).toBe(true);
  expect(isEdge(star, 'a', 'e')).toBe(true);
  expect(isEdge(star, 'b', 'c')).toBe(false);
  expect(isEdge(star, 'outsider', 'a')).toBe(false);
});

it.each([
  ['no object', 'ring', ''],
  ['another version', { v: 2, topology: 'ring', nodes: [], edges: [] }, 'v'],
  ['an unknown topology', { v: 1, topology: 'blob', nodes: [], edges: [] }, 'topology'],
  ['a node twice', { v: 1, topology: 'ring', nodes: ['a', 'a'], edges: [] }, 'nodes'],
  ['a hub from elsewhere', { v: 1, topology: 'star', hub: 'b', nodes: ['a'], edges: [] }, 'hub'],
  ['an edge to nowhere', { v: 1, topology: 'ring', nodes: ['a'], edges: [['a', 'b']] }, 'edges'],
  ['an edge to itself', { v: 1, topology: 'ring', nodes: ['a'], edges: [['a', 'a']] }, 'edges'],
])('a graph with %s is refused by field', (_, input, field) => {
  expect(readGraph(input)).toMatchObject({ kind: 'invalid', problem: { code: 'invalid-graph', field } });
  expect(() => parseGraph(input)).toThrowError(expect.objectContaining({ code: 'invalid-graph' }));
});
