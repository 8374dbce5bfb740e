import { parseAgentSpec } from '@mabeam/agents';
import { expect, test } from 'vitest';
import { placeAgent } from './placement.ts';
import type { NodeRecord } from './registry.ts';

const spec = parseAgentSpec({ id: 'words', run: { command: ['words'] } });
const node = (id: string, instances: number): NodeRecord => ({
  v: 1,
  id,
  pid: 1,
  host: 'machine',
  startedAt: '2026-11-24T05:00:00.000Z',
  capacity: { cpu: 2, memory: 8e9 },
  instances,
});

test('the node with the fewest instances is chosen', () => {
  expect(placeAgent(spec, [node('a', 3), node('b', 1), node('c', 2)])).toEqual({ kind: 'placed', node: 'b' });
});

test('among equals the first by id is chosen, whatever the order of the nodes', () => {
  expect(placeAgent(spec, [node('c', 1), node('b', 1), node('d', 1)])).toEqual({ kind: 'placed', node: 'b' });
});

test('what the caller has just placed counts more than the record of the node', () => {
  const load = new Map([['a', 5]]);
  expect(placeAgent(spec, [node('a', 0), node('b', 1)], load)).toEqual({ kind: 'placed', node: 'b' });
});

test('without nodes, and for an agent started elsewhere, there is no suitable node', () => {
  expect(placeAgent(spec, []).kind).toBe('no-suitable-node');
  expect(placeAgent(parseAgentSpec({ id: 'words' }), [node('a', 0)]).kind).toBe('no-suitable-node');
});
