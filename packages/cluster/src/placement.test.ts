import { parseAgentSpec, type AgentSpecInput } from '@mabeam/agents';
import { describe, expect, test } from 'vitest';
import { placeAgent, placementScore, type PlacementFacts } from './placement.ts';
import type { NodeRecord } from './registry.ts';

const specOf = (more: Partial<AgentSpecInput> = {}) =>
  parseAgentSpec({ id: 'words', run: { command: ['words'] }, ...more });
const spec = specOf();
const node = (id: string, instances: number, capacity = { cpu: 2, memory: 8e9 }): NodeRecord => ({
  v: 1,
  id,
  pid: 1,
  host: 'machine',
  startedAt: '2026-11-24T05:00:00.000Z',
  capacity,
  instances,
});
const placed = (id: string) => ({ kind: 'placed', node: id });

describe('of nodes that differ in nothing else', () => {
  test('the one with the fewest instances is chosen', () => {
    expect(placeAgent(spec, [node('a', 3), node('b', 1), node('c', 2)])).toEqual(placed('b'));
  });

  test('among equals the first by id is chosen, whatever the order of the nodes', () => {
    expect(placeAgent(spec, [node('c', 1), node('b', 1), node('d', 1)])).toEqual(placed('b'));
  });

  test('what the caller has just placed counts more than the record of the node', () => {
    const load = new Map([['a', 5]]);
    expect(placeAgent(spec, [node('a', 0), node('b', 1)], { load })).toEqual(placed('b'));
  });

  test('a larger machine bears more instances', () => {
    const large = { cpu: 64, memory: 8e9 };
    expect(placeAgent(spec, [node('a', 2), node('b', 10, large)])).toEqual(placed('b'));
  });

  test('one that does not have an instance of the agent already is chosen', () => {
    const siblings = new Map([['a', 1]]);
    expect(placeAgent(spec, [node('a', 1), node('b', 2)], { siblings })).toEqual(placed('b'));
  });

  test('the one the instance was on before is chosen', () => {
    expect(placeAgent(spec, [node('a', 1), node('b', 2)], { former: 'b' })).toEqual(placed('b'));
  });

  test('the one nearer to those it talks to is chosen', () => {
    const nearness = new Map([
      ['a', 0.2],
      ['b', 0.9],
    ]);
    expect(placeAgent(spec, [node('a', 1), node('b', 2)], { nearness })).toEqual(placed('b'));
  });
});

describe('a node without room', () => {
  const needy = specOf({ resources: { memory: 4e9, cpuWeight: 1 } });

  test('is not chosen, however good it is otherwise', () => {
    const reserved = new Map([['a', { memory: 5e9, cpu: 0 }]]);
    expect(placeAgent(needy, [node('a', 0), node('b', 50)], { reserved, former: 'a' })).toEqual(placed('b'));
  });

  test('leaves an agent without a place when there is no other', () => {
    const reserved = new Map([['a', { memory: 0, cpu: 1.5 }]]);
    expect(placeAgent(needy, [node('a', 0)], { reserved })).toMatchObject({
      kind: 'no-suitable-node',
      cause: 'no-room',
    });
  });

  test('is one that lacks a byte, not one whose fractions do not add up', () => {
    const tenth = specOf({ resources: { cpuWeight: 0.1 } });
    const full = new Map([['a', { memory: 0, cpu: 0.1 + 0.2 }]]);
    const small = { cpu: 0.4, memory: 8e9 };
    expect(placeAgent(tenth, [node('a', 0, small)], { reserved: full })).toEqual(placed('a'));
    const whole = specOf({ resources: { memory: 8e9 + 9 } });
    expect(placeAgent(whole, [node('a', 0)]).kind).toBe('no-suitable-node');
  });
});

test('more room counts more than fewer instances', () => {
  const reserved = new Map([['a', { memory: 7e9, cpu: 0 }]]);
  expect(placeAgent(spec, [node('a', 0), node('b', 4)], { reserved })).toEqual(placed('b'));
});

test('without nodes, and for an agent started elsewhere, there is no suitable node', () => {
  expect(placeAgent(spec, [])).toMatchObject({ kind: 'no-suitable-node', cause: 'no-node' });
  const elsewhere = parseAgentSpec({ id: 'words' });
  expect(placeAgent(elsewhere, [node('a', 0)])).toMatchObject({ cause: 'started-elsewhere' });
});

describe('the score', () => {
  const none: PlacementFacts = {
    resource: 0,
    load: 1,
    capability: 0,
    network: 0,
    affinity: 0,
    antiAffinity: 0,
  };

  test.each([
    ['resource', { resource: 1 }, 0.3],
    ['load', { load: 0 }, 0.25],
    ['capability', { capability: 1 }, 0.2],
    ['network', { network: 1 }, 0.15],
    ['affinity', { affinity: 1 }, 0.1],
    ['anti-affinity', { antiAffinity: 1 }, -0.1],
  ])('weighs %s alone as it ought to', (_name, fact, weight) => {
    expect(placementScore({ ...none, ...fact })).toBeCloseTo(weight, 12);
  });
});
