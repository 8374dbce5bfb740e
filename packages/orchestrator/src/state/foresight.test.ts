import type { NodeRecord } from '@mabeam/cluster';
import {
  agentSelection,
  communicationTopology,
  definitionKey,
  emptyView,
  foldChanges,
  performanceThreshold,
  planChanges,
  valueKey,
  type SpaceView,
  type VariableDefinition,
} from '@mabeam/variables';
import { jsonBytes } from '@mabeam/bus';
import { expect, test } from 'vitest';
import { agentOf } from '../../test/team.ts';
import { foresee, type SpaceAtWork } from './foresight.ts';

const agents = ['judge', 'links', 'words'];
const definitions: readonly VariableDefinition[] = [
  agentSelection('active', { agents: ['links', 'words'], initial: ['words'] }),
  communicationTopology('talk', { agents, initial: { pattern: 'star', hub: 'judge' } }),
  performanceThreshold('threshold', { initial: 0.5 }),
];

const view: SpaceView = foldChanges(emptyView(), [
  {
    revision: 3,
    entries: definitions.map((definition, index) => ({
      key: definitionKey(definition.id),
      revision: index + 1,
      operation: 'put',
      data: jsonBytes(definition),
    })),
  },
]);

const capacity = { cpu: 1, memory: 1 };
const node: NodeRecord = { v: 1, id: 'n1', pid: 1, host: 'h', startedAt: '', capacity, instances: 2 };

function running(agent: string) {
  const identity = { agent, ordinal: 0, incarnation: `i-${agent}`, node: 'n1' };
  const observed = { v: 1, status: 'active', definitionRevision: 1, restarts: 0, since: '' } as const;
  return { lease: identity, observed: { ...observed, ...identity } };
}

const team = [running('judge'), running('words')];
const space: SpaceAtWork = {
  view,
  agents: agents.map((id) => agentOf(id)),
  observed: team.map(({ observed }) => observed),
  leases: team.map(({ lease }) => lease),
  nodes: [node],
};

function writesOf(id: string, value: unknown) {
  return planChanges(view, [{ id, value }], { by: 't', cause: 't', at: new Date(0) }).writes;
}

test('another selection starts, stops and rewires, and names what ought to run before and after', () => {
  const { actions, desired, rewiring, waiting } = foresee(space, writesOf('active', ['links']), 0);
  expect(actions.map(({ kind, agent, node: on }) => [kind, agent, on])).toEqual([
    ['stop', 'words', 'n1'],
    ['start', 'links', 'n1'],
  ]);
  expect(desired).toEqual({ before: ['judge.0', 'words.0'], after: ['judge.0', 'links.0'] });
  expect(rewiring?.to?.nodes).toEqual(['judge', 'links']);
  expect(rewiring?.added).toEqual(
    expect.arrayContaining([
      ['judge', 'links'],
      ['links', 'judge'],
    ]),
  );
  expect(rewiring?.removed).toHaveLength(2);
  expect(waiting).toEqual([]);
});

test('a value that agents only read causes nothing', () => {
  const { actions, rewiring } = foresee(space, writesOf('threshold', 0.7), 0);
  expect({ actions, rewiring }).toEqual({ actions: [], rewiring: undefined });
});

test('what the leader is about to do anyway is not counted', () => {
  const stray = running('links');
  const untidy = {
    ...space,
    leases: [...space.leases, stray.lease],
    observed: [...space.observed, stray.observed],
  };
  expect(foresee(untidy, writesOf('threshold', 0.7), 0).actions).toEqual([]);
});

test('without a node a start is foretold as waiting', () => {
  const { actions, waiting } = foresee({ ...space, nodes: [] }, writesOf('active', ['links', 'words']), 0);
  expect(actions).toEqual([]);
  expect(waiting).toEqual([{ kind: 'waiting', agent: 'links', ordinal: 0, reason: 'no-node' }]);
});

test('deleting a selection makes the agents it governed run always', () => {
  const gone = [definitionKey('active'), valueKey('active')].map((key) => ({
    key,
    body: undefined,
    operation: 'delete' as const,
  }));
  expect(foresee(space, gone, 0).desired.after).toEqual(['judge.0', 'links.0', 'words.0']);
});
