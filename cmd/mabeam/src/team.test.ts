import { expect, test } from 'vitest';
import { checkNode } from './doctor/machine.ts';
import { checksOfTeam } from './doctor/server.ts';
import { assembleTeam, type TeamSources } from './team.ts';

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
} as const;
const sources: TeamSources = {
  space: 'desk',
  revision: 5,
  leader: { process: 'orchestrator-1', pid: 1, host: 'vm' },
  nodes: [],
  agents: [
    { id: 'words', replicas: 1 },
    { id: 'links', replicas: 2 },
  ],
  observed: [observed],
  leases: [{ agent: 'words', ordinal: 0, node: 'vm' }],
  reports: new Map(),
};
/** Nobody holds a lease. */
const abandoned: TeamSources = { ...sources, leader: undefined, leases: [] };

test('a team is its defined and its observed instances', () => {
  const stray = { ...observed, agent: 'stray', status: 'inactive' } as const;
  const { instances } = assembleTeam({ ...sources, observed: [observed, stray] });
  expect(instances.map(({ agent, ordinal, status }) => `${agent}.${ordinal} ${status}`)).toEqual([
    'links.0 inactive',
    'links.1 inactive',
    'stray.0 inactive',
    'words.0 active',
  ]);
});

test('what an instance says of itself counts for the life that has said it', () => {
  const said = (incarnation: string) => {
    const reports = new Map([['words.0', { incarnation, applied: 4 }]]);
    return assembleTeam({ ...sources, reports }).instances.find(({ agent }) => agent === 'words')?.applied;
  };
  expect([said('i'), said('h')]).toEqual([4, undefined]);
});

test('an instance whose host is gone has failed and shows no pid', () => {
  const { instances } = assembleTeam(abandoned);
  const words = instances.find(({ agent }) => agent === 'words');
  expect(words).toMatchObject({ status: 'failed', reason: 'its host is gone (it was active)' });
  expect(words?.pid).toBeUndefined();
});

test('the doctor names a missing leader, missing nodes and agents without a host, each with a cure', () => {
  const checks = checksOfTeam(assembleTeam(abandoned));
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
  const freeze = { revision: 6, by: 'ops', at: '2026-01-01T00:00:00Z', reason: 'incident 7' };
  const team = assembleTeam({ ...sources, freeze });
  expect(checksOfTeam(team)).toContainEqual({
    name: 'desk: frozen',
    status: 'warn',
    message: expect.stringContaining('by ops at 2026-01-01T00:00:00Z: incident 7'),
    cure: 'mabeam unfreeze --space desk',
  });
});

test('an old Node is broken, a new one well', () => {
  expect(checkNode('v20.20.2')).toMatchObject({ status: 'fail' });
  expect(checkNode('v24.11.9')).toMatchObject({ status: 'fail' });
  expect(checkNode('v24.12.0')).toMatchObject({ status: 'ok' });
  expect(checkNode('v26.0.0')).toMatchObject({ status: 'ok' });
});
