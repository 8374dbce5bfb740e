import type { BucketEntry } from '@mabeam/bus';
import { expect, test } from 'vitest';
import { checkNode } from './doctor/machine.ts';
import { checksOfTeam } from './doctor/server.ts';
import { assembleTeam } from './team.ts';

function entry(key: string, body: unknown): BucketEntry {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { key, revision: 1, operation: 'put', data: new TextEncoder().encode(text), at: new Date(0) };
}

const observed = {
  v: 1,
  agent: 'words',
  ordinal: 0,
  incarnation: 'i',
  status: 'active',
  node: 'vm',
  pid: 7,
  definitionRevision: 1,
  restarts: 2,
  since: '2026-01-01T00:00:00Z',
};
const sources = {
  space: 'desk',
  definitions: {
    revision: 5,
    entries: [
      entry('definition.agent.words', { id: 'words' }),
      entry('definition.agent.links', { id: 'links', replicas: 2 }),
      entry('definition.agent.broken', '{"id":'),
    ],
  },
  observed: [entry('words.0', observed), entry('strange.0', 'no json')],
  leases: [
    entry('leader', { process: 'orchestrator-1', pid: 1, host: 'vm' }),
    entry('instance.words.0', { node: 'vm', pid: 2, incarnation: 'i' }),
  ],
};

test('a team is its defined and its observed instances; what is broken hides nothing', () => {
  const { instances, leader, revision } = assembleTeam(sources);
  expect({ revision, leader }).toEqual({
    revision: 5,
    leader: { process: 'orchestrator-1', pid: 1, host: 'vm' },
  });
  expect(instances.map(({ agent, ordinal, status }) => `${agent}.${ordinal} ${status}`)).toEqual([
    'links.0 inactive',
    'links.1 inactive',
    'words.0 active',
  ]);
});

test('an instance whose host is gone has failed and shows no pid', () => {
  const { instances } = assembleTeam({ ...sources, leases: [] });
  const words = instances.find(({ agent }) => agent === 'words');
  expect(words).toMatchObject({ status: 'failed', reason: 'its host is gone (it was active)' });
  expect(words?.pid).toBeUndefined();
});

test('the doctor names a missing leader, missing nodes and agents without a host, each with a cure', () => {
  const checks = checksOfTeam(assembleTeam({ ...sources, leases: [] }));
  expect(checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'desk: leader fail',
    'desk: nodes warn',
    'desk: agents warn',
  ]);
  for (const { cure } of checks) expect(cure).toBeTruthy();
});

test('instances for which the pool has no room are named, with where to look', () => {
  const waiting = [
    { ordinal: 1, reason: 'resource-exhausted' },
    { ordinal: 2, reason: 'back-off' },
  ] as const;
  const replicas = [{ agent: 'words', wanted: 3, ready: 1, waiting }];
  expect(checksOfTeam({ ...assembleTeam(sources), replicas })).toContainEqual({
    name: 'desk: pool',
    status: 'warn',
    message: expect.stringMatching(/^too little is left for: words\.1 \(/),
    cure: expect.stringContaining('mabeam pool'),
  });
});

test('a frozen space is doubtful, and told by whom and why', () => {
  const frozen = entry('freeze', { v: 1, by: 'ops', at: '2026-01-01T00:00:00Z', reason: 'incident 7' });
  const entries = [...sources.definitions.entries, frozen];
  const team = assembleTeam({ ...sources, definitions: { revision: 6, entries } });
  expect(team.freeze).toMatchObject({ by: 'ops', reason: 'incident 7' });
  expect(checksOfTeam(team)).toContainEqual({
    name: 'desk: frozen',
    status: 'warn',
    message: expect.stringContaining('by ops at 2026-01-01T00:00:00Z: incident 7'),
    cure: 'mabeam unfreeze --space desk',
  });
  expect(assembleTeam(sources).freeze).toBeUndefined();
});

test('an old Node is broken, a new one well', () => {
  expect(checkNode('v20.20.2')).toMatchObject({ status: 'fail' });
  expect(checkNode('v24.11.9')).toMatchObject({ status: 'fail' });
  expect(checkNode('v24.12.0')).toMatchObject({ status: 'ok' });
  expect(checkNode('v26.0.0')).toMatchObject({ status: 'ok' });
});
