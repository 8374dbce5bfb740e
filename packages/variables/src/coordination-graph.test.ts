import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import {
  countEdges,
  edgesIn,
  graphOf,
  isDeclared,
  isEdge,
  parseGraph,
  peersIn,
  readGraph,
} from './coordination-graph.ts';
import { edgesOf, topologyPatterns } from './topology.ts';

const five = ['a', 'b', 'c', 'd', 'e'];
const team = (size: number): string[] => Array.from({ length: size }, (_, n) => `agent-${n}`);
const nodeLists = fc.uniqueArray(
  fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/).filter((id) => !['space', 'all', 'outsider'].includes(id)),
  { minLength: 2, maxLength: 12 },
);

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
    const texts = edgesIn(graph).map(([from, to]) => `${from} ${to}`);
    expect(new Set(texts).size).toBe(texts.length);
    expect(edgesIn(graph).every(([from, to]) => from !== to)).toBe(true);
    expect(countEdges(graph)).toBe(texts.length);
    expect(graph.nodes).toEqual(nodes);
    expect(parseGraph(JSON.parse(JSON.stringify(graph)))).toEqual(graph);
  },
);

it('a star whose hub is gone has the first node as hub', () => {
  expect(graphOf({ pattern: 'star', hub: 'gone' }, ['a', 'b']).hub).toBe('a');
  expect(graphOf({ pattern: 'star', hub: 'b' }, ['a', 'b']).hub).toBe('b');
});

it('without a graph everybody may talk to everybody; with one only along its edges', () => {
  const star = graphOf({ pattern: 'star', hub: 'a' }, five);
  expect(isEdge(undefined, 'x', 'y')).toBe(true);
  expect(isEdge(star, 'a', 'e')).toBe(true);
  expect(isEdge(star, 'b', 'c')).toBe(false);
  expect(isEdge(star, 'outsider', 'a')).toBe(false);
});

test.prop([nodeLists, fc.constantFrom(...topologyPatterns), fc.nat(), fc.boolean()])(
  'each question about a graph has the answer that its edges give, listed or not',
  (nodes, pattern, hubAt, isListed) => {
    const name = (i: number): string => nodes[i % nodes.length] ?? 'stranger';
    const edges = nodes.map((from, i) => [from, name(i * 2 + 1)] as const);
    const derived = graphOf({ pattern, hub: name(hubAt), edges }, nodes);
    const graph = isListed ? parseGraph({ ...derived, edges: edgesIn(derived) }) : derived;
    const listed = edgesOf({ pattern, hub: name(hubAt), edges }, nodes);
    const named = new Set(listed.map(String));
    for (const from of [...nodes, 'outsider', 'space']) {
      const peers = listed.filter(([sender]) => sender === from).map(([, to]) => to);
      expect(peersIn(graph, from)).toEqual(peers);
      for (const to of [...nodes, 'outsider', 'space'])
        expect(isEdge(graph, from, to)).toBe(named.has(String([from, to])));
    }
    expect(countEdges(graph)).toBe(listed.length);
  },
);

it('in a listed graph of 89,700 edges each pair is looked up without going through them again', () => {
  const edges = edgesOf({ pattern: 'mesh' }, team(300));
  let readings = 0;
  const counted = {
    ...graphOf({ pattern: 'mesh' }, team(300)),
    get edges() {
      readings += 1;
      return edges;
    },
  };
  const nodes = [...counted.nodes, 'outsider'];
  const allowed = nodes.flatMap((from) => nodes.filter((to) => isEdge(counted, from, to)));
  expect(allowed).toHaveLength(300 * 299);
  expect(readings).toBeLessThanOrEqual(2);
});

it.each(['broadcast', 'ring', 'star', 'mesh'] as const)(
  'a %s of 10,000 agents with the longest names fits into one message',
  (pattern) => {
    const nodes = Array.from({ length: 10_000 }, (_, n) => `a${n}`.padEnd(63, '-'));
    const graph = graphOf({ pattern }, nodes);
    expect(JSON.stringify(graph).length).toBeLessThan(1_048_576);
    expect(isEdge(graph, nodes[0] ?? '', nodes[1] ?? '')).toBe(pattern !== 'broadcast');
  },
);

it('an edge that is listed counts, also where the pattern has none: the list is the newer word', () => {
  const graph = parseGraph({ v: 1, topology: 'ring', nodes: five, edges: [['a', 'c']] });
  expect([isEdge(graph, 'a', 'c'), isEdge(graph, 'a', 'b')]).toEqual([true, false]);
});

it('the edges of one graph say nothing about those of the next', () => {
  const ring = graphOf({ pattern: 'ring' }, five);
  const star = graphOf({ pattern: 'star', hub: 'a' }, five);
  expect([isEdge(ring, 'b', 'c'), isEdge(star, 'b', 'c')]).toEqual([true, false]);
  expect([isEdge(ring, 'a', 'e'), isEdge(star, 'a', 'e')]).toEqual([false, true]);
});

it('the peers of a node come in the order of the edges, and nobody can change them for others', () => {
  const mesh = graphOf({ pattern: 'mesh' }, five);
  const peers = peersIn(mesh, 'b');
  expect(peers).toEqual(['a', 'c', 'd', 'e']);
  expect(() => Array.prototype.push.call(peers, 'x')).toThrow(TypeError);
  expect(peersIn(mesh, 'outsider')).toEqual([]);
});

it.each([
  ['no object', 'ring', ''],
  ['another version', { v: 2, topology: 'ring', nodes: [], edges: [] }, 'v'],
  ['an unknown topology', { v: 1, topology: 'blob', nodes: [], edges: [] }, 'topology'],
  ['a node twice', { v: 1, topology: 'ring', nodes: ['a', 'a'], edges: [] }, 'nodes'],
  ['a hub from elsewhere', { v: 1, topology: 'star', hub: 'b', nodes: ['a'], edges: [] }, 'hub'],
  ['custom and no edges', { v: 1, topology: 'custom', nodes: ['a'] }, 'edges'],
  ['an edge to nowhere', { v: 1, topology: 'ring', nodes: ['a'], edges: [['a', 'b']] }, 'edges'],
  ['an edge to itself', { v: 1, topology: 'ring', nodes: ['a'], edges: [['a', 'a']] }, 'edges'],
])('a graph with %s is refused by field', (_, input, field) => {
  expect(readGraph(input)).toMatchObject({ kind: 'invalid', problem: { code: 'invalid-graph', field } });
  expect(() => parseGraph(input)).toThrowError(expect.objectContaining({ code: 'invalid-graph' }));
});

it('an edge declared with a kind is in the graph when both its ends are, for that kind, and is no edge of the pattern', () => {
  const declared = [
    { from: 'b', to: 'c', kind: 'data' },
    { from: 'b', to: 'absent', kind: 'data' },
  ];
  const graph = graphOf({ pattern: 'star', hub: 'a' }, ['a', 'b', 'c'], declared);
  expect(graph.declared).toEqual(declared.slice(0, 1));
  expect(isDeclared(graph, { from: 'b', to: 'c', kind: 'data' })).toBe(true);
  expect(isDeclared(graph, { from: 'b', to: 'c', kind: 'command' })).toBe(false);
  expect(isDeclared(graph, { from: 'c', to: 'b', kind: 'data' })).toBe(false);
  expect([isEdge(graph, 'b', 'c'), countEdges(graph)]).toEqual([false, 4]);
  expect(parseGraph(JSON.parse(JSON.stringify(graph)))).toEqual(graph);
  expect(readGraph({ ...graph, declared })).toMatchObject({
    kind: 'invalid',
    problem: { field: 'declared' },
  });
});
