import { communicationTopology, countEdges } from '@mabeam/variables';
import { describe, expect, test } from 'vitest';
import { agentOf, selection, valued } from '../../test/team.ts';
import { activeAgents, desiredGraph, desiredInstances } from './desired.ts';

const team = [agentOf('judge'), agentOf('words'), agentOf('links', { replicas: 2 }), agentOf('reader')];
const names = (instances: ReturnType<typeof desiredInstances>) =>
  instances.map((i) => `${i.agent}.${i.ordinal}`);

describe('which instances are desired', () => {
  test('without a selection every agent runs, each replica once', () => {
    expect(names(desiredInstances(team, []))).toEqual([
      'judge.0',
      'links.0',
      'links.1',
      'reader.0',
      'words.0',
    ]);
  });
  test('an agent governed by a selection that does not select it does not run; others run always', () => {
    const variables = [selection(['words', 'links'], ['words'])];
    expect(names(desiredInstances(team, variables))).toEqual(['judge.0', 'reader.0', 'words.0']);
  });
  test('one of several selections is enough', () => {
    const variables = [selection(['words', 'links'], []), selection(['links'], ['links'], 'other')];
    expect(names(desiredInstances(team, variables))).toEqual(['judge.0', 'links.0', 'links.1', 'reader.0']);
  });
  test('an agent that is started elsewhere takes part and is not started here', () => {
    const elsewhere = [agentOf('words'), agentOf('guest', { run: undefined })];
    expect(activeAgents(elsewhere, []).map(({ spec }) => spec.id)).toEqual(['guest', 'words']);
    expect(names(desiredInstances(elsewhere, []))).toEqual(['words.0']);
  });
  test('a scale within the bounds counts more than the definition, and is a choice of its time', () => {
    const at = '2026-02-01T00:00:00.000Z';
    const scales = new Map([
      ['scale.links', { v: 1, replicas: 9, by: 'test', at, cause: 'test' } as const],
      ['scale.words', { v: 1, replicas: 9, by: 'test', at, cause: 'test' } as const],
    ]);
    const scalable = [agentOf('links', { bounds: { min: 1, max: 3 } }), agentOf('words')];
    const instances = desiredInstances(scalable, [], scales);
    expect(names(instances)).toEqual(['links.0', 'links.1', 'links.2', 'words.0']);
    expect(instances.map(({ selectedAt }) => selectedAt)).toEqual([at, at, at, undefined]);
  });
  test('no replicas, no instances', () => {
    expect(desiredInstances([agentOf('words', { replicas: 0 })], [])).toEqual([]);
  });
});

describe('the graph that ought to hold', () => {
  const topology = (value: { pattern: string; hub?: string }, agents: string[] = []) =>
    valued(communicationTopology('talk', { agents }), value);
  test('without a topology there is none', () => {
    expect(desiredGraph(team, [])).toBeUndefined();
  });
  test('it spans the active agents among those of the topology, in the declared order', () => {
    const variables = [
      selection(['words', 'links'], ['words']),
      topology({ pattern: 'ring' }, ['words', 'links', 'judge']),
    ];
    expect(desiredGraph(team, variables)).toEqual({
      v: 1,
      topology: 'ring',
      nodes: ['words', 'judge'],
    });
  });
  test('a hub that is not selected is replaced by the first node', () => {
    const variables = [
      selection(['words'], []),
      topology({ pattern: 'star', hub: 'words' }, ['words', 'judge', 'reader']),
    ];
    const eager = team.map((agent) =>
      agent.spec.id === 'reader' ? agentOf('reader', { role: 'coordinator' }) : agent,
    );
    expect(desiredGraph(eager, variables)).toMatchObject({ hub: 'judge', nodes: ['judge', 'reader'] });
  });
  test('a hub that has failed is replaced by a coordinator, else by the larger priority, else by the smaller id', () => {
    const star = [topology({ pattern: 'star', hub: 'lost' }, ['lost', 'b', 'a', 'c'])];
    const hubOf = (more: Readonly<Record<string, Parameters<typeof agentOf>[1]>>) => {
      const agents = ['a', 'b', 'c'].map((id) => agentOf(id, more[id]));
      return desiredGraph([...agents, { ...agentOf('lost'), standing: 'absent' }], star)?.hub;
    };
    expect(hubOf({ b: { priority: 9 }, c: { role: 'coordinator' } })).toBe('c');
    expect(hubOf({ c: { priority: 9 } })).toBe('c');
    expect(hubOf({})).toBe('a');
  });
  test('who was given up after a failure does not run and is not wired', () => {
    const agents = [agentOf('a'), { ...agentOf('b'), standing: 'given-up' } as const];
    expect(names(desiredInstances(agents, [selection(['b'], ['b'])]))).toEqual(['a.0']);
    expect(desiredGraph(agents, [topology({ pattern: 'mesh' })])?.nodes).toEqual(['a']);
  });
  test('a topology without agents spans all that are active', () => {
    const mesh = desiredGraph(team, [topology({ pattern: 'mesh' })]);
    expect(mesh === undefined ? 0 : countEdges(mesh)).toBe(12);
  });
});
