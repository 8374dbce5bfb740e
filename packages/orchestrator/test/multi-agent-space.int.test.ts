/** A space as a program uses it: agents and variables are added, started, coordinated, looked at, stopped. */
import { fileURLToPath } from 'node:url';
import { openEvents, subjects } from '@mabeam/bus';
import { waitFor } from '@mabeam/testing';
import {
  agentSelection,
  communicationTopology,
  performanceThreshold,
  resourceAllocation,
} from '@mabeam/variables';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { tellStory } from '../src/history/tell-story.ts';
import { openSpaceMetrics } from '../src/scaling/space-metrics.ts';
import { coordinateSpace } from '../src/space/coordinate-space.ts';
import { openSpaceMirror } from '../src/state/space-mirror.ts';
import { openSpace, type MultiAgentSpace } from '../src/space/multi-agent-space.ts';
import { openStage, type Stage } from './stage.ts';

const module = fileURLToPath(new URL('fixtures/agent.ts', import.meta.url));
const run = { module, form: 'in-process' } as const;

let stage: Stage;
let space: MultiAgentSpace;

beforeAll(() => {
  vi.stubEnv('NODE_OPTIONS', '--conditions=@mabeam/source');
});

afterAll(() => {
  vi.unstubAllEnvs();
});

beforeEach(async () => {
  stage = await openStage('{ "space": "SPACE", "pool": { "memory": "3MiB", "cpu": 64 }, "agents": {} }');
  stage.startOrchestrator('o1');
  await waitFor(() => stage.mirror.revisionOf('leader') > 0, { what: 'somebody leads', timeoutMs: 10_000 });
  space = await openSpace(stage.bus, stage.space, { by: 'test' });
}, 60_000);

afterEach(async () => {
  await space[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
}, 60_000);

test('a registered agent does not run until it is started; registering it again is nothing, another of its name is refused', async () => {
  expect(await space.registerAgent({ id: 'words', run })).toMatchObject({ kind: 'added' });
  expect(await space.registerAgent({ id: 'words', run })).toEqual({ kind: 'noop' });
  await expect(space.registerAgent({ id: 'words', run, role: 'monitor' })).rejects.toMatchObject({
    code: 'agent-exists',
  });
  await expect(
    space.registerAgent({ id: 'huge', run, resources: { memory: 4 * 2 ** 20 } }),
  ).rejects.toMatchObject({ code: 'resource-impossible' });
  await expect(space.registerAgent({ id: 'later', run, after: ['nobody'] })).rejects.toMatchObject({
    code: 'space-definition-invalid',
  });
  expect(space.snapshot()).toMatchObject({ desired: [], running: [] });
  expect(await space.startAgents()).toEqual({ kind: 'started', instances: ['words.0'] });
  expect(await space.startAgents()).toEqual({ kind: 'started', instances: ['words.0'] });
  expect(stage.running()).toEqual(['words.0']);
  expect(await space.stopAgents()).toEqual({ stopped: ['words'], kept: [] });
  expect(stage.mirror.leases).toEqual([]);
}, 60_000);

test('agents that are added at the same time by several programs are all there', async () => {
  await using other = await openSpace(stage.bus, stage.space, { by: 'another' });
  const ids = Array.from({ length: 8 }, (_, n) => `a${n}`);
  await Promise.all(ids.map((id, n) => (n % 2 === 0 ? space : other).registerAgent({ id, run })));
  expect(space.snapshot().definition.agents.map(({ id }) => id)).toEqual(ids);
  expect(await other.startAgents()).toMatchObject({ kind: 'started', instances: { length: 8 } });
}, 60_000);

test('a start that fails is rolled back, and every agent that could not be started is told with its reason', async () => {
  await space.registerAgent({ id: 'good', run });
  await space.registerAgent({ id: 'missing', run: { command: ['/nowhere/at-all'] }, restart: 'temporary' });
  await space.registerAgent({
    id: 'crashing',
    run: { command: ['sh', '-c', 'exit 3'] },
    restart: 'temporary',
  });
  await space.registerAgent({ id: 'needs', run, after: ['crashing'] });
  const outcome = await space.startAgents({ timeoutMs: 15_000 });
  if (outcome.kind !== 'rolled-back') throw new Error(`it was ${outcome.kind}`);
  const told = outcome.errors.map(({ agent, attempts, code, reason }) => ({ agent, code, reason, attempts }));
  expect(told.toSorted((a, b) => (a.agent < b.agent ? -1 : 1))).toMatchObject([
    { agent: 'crashing', code: 'crashed', reason: expect.stringContaining('exit code 3'), attempts: 1 },
    { agent: 'missing', code: 'module-not-found', reason: expect.stringContaining('ENOENT') },
    { agent: 'needs', code: 'dependency-failed', reason: 'it waits for crashing' },
  ]);
  expect(stage.mirror.leases).toEqual([]);
  expect(space.snapshot().desired).toEqual([]);
}, 60_000);

test('with degrade what is up stays; who has no room in the pool is told so', async () => {
  const memory = 2 ** 20;
  for (const id of ['a', 'b', 'c', 'd']) await space.registerAgent({ id, run, resources: { memory } });
  const outcome = await space.startAgents({ onFailure: 'degrade', timeoutMs: 15_000 });
  expect(outcome).toMatchObject({
    kind: 'degraded',
    instances: { length: 3 },
    errors: [{ code: 'resource-exhausted', attempts: 0 }],
  });
  expect(space.snapshot().pool.available.memory).toBe(0);
}, 60_000);

test('a variable with unknown agents, or a second topology, is refused; lazily its agents may come later', async () => {
  await space.registerAgent({ id: 'words', run });
  const wiring = communicationTopology('wiring', { agents: ['words'], initial: 'ring' });
  expect(await space.addOrchestrationVariable(wiring)).toMatchObject({ kind: 'added' });
  expect(await space.addOrchestrationVariable(wiring)).toEqual({ kind: 'noop' });
  const wider = communicationTopology('wiring', { agents: ['words'], initial: 'mesh' });
  await expect(space.addOrchestrationVariable(wider)).rejects.toMatchObject({ code: 'variable-exists' });
  const second = communicationTopology('other', { agents: ['words'], initial: 'mesh' });
  await expect(space.addOrchestrationVariable(second)).rejects.toMatchObject({
    code: 'conflicting-topology',
  });
  const choice = agentSelection('choice', { agents: ['words', 'links'], initial: ['links'] });
  await expect(space.addOrchestrationVariable(choice)).rejects.toMatchObject({ code: 'unknown-agent' });
  await space.addOrchestrationVariable(choice, { lazy: true });
  // Another selection lists it, so it is that one's matter: it runs at once.
  await space.registerAgent({ id: 'links', run });
  await stage.until(['links.0']);
  expect(await space.stopAgents({ agents: ['links'] })).toEqual({
    stopped: [],
    kept: [{ agent: 'links', by: 'choice' }],
  });
}, 60_000);

test('coordinating makes every value hold and has it confirmed; a second time nothing is sent', async () => {
  for (const id of ['a', 'b']) await space.registerAgent({ id, run, variables: { pace: { initial: 1 } } });
  await space.addOrchestrationVariable(
    communicationTopology('wiring', { agents: ['a', 'b'], initial: 'ring' }),
  );
  await space.addOrchestrationVariable(performanceThreshold('threshold', { initial: 0.5 }));
  await space.startAgents();
  await waitFor(async () => (await space.coordinateAgents()).kind === 'noop', {
    what: 'all is coordinated',
    timeoutMs: 10_000,
  });
  const sent: string[] = [];
  await using _ear = stage.bus.subscribe(
    subjects(stage.space).at('command.agent.>'),
    ({ subject }) => void sent.push(subject),
  );
  await stage.bus.flush();
  expect(await space.coordinateAgents()).toMatchObject({ kind: 'noop', directives: [], unacknowledged: [] });
  expect(sent).toEqual([]);
}, 60_000);

test('who has not been heard yet is asked, and confirms each value of each variable once', async () => {
  for (const id of ['a', 'b']) await space.registerAgent({ id, run, variables: { pace: { initial: 1 } } });
  await space.addOrchestrationVariable(performanceThreshold('threshold', { initial: 0.5 }));
  await space.startAgents();
  await using mirror = await openSpaceMirror(stage.bus, stage.space);
  await using metrics = openSpaceMetrics(stage.bus, stage.space);
  const { signal } = new AbortController();
  const leadership = { revision: mirror.revisionOf('leader') };
  const coordinator = { bus: stage.bus, space: stage.space, mirror, metrics, leadership, signal };
  const told = await coordinateSpace(coordinator, 10_000);
  expect(told).toMatchObject({ kind: 'coordinated', unacknowledged: [], conflicts: [], failures: [] });
  const of = ({ agent, variable }: (typeof told.directives)[number]): string => `${agent} ${variable}`;
  expect(told.directives.map(of).toSorted()).toEqual(['a a.pace', 'a threshold', 'b b.pace', 'b threshold']);
  const deposed = {
    ...coordinator,
    leadership: { revision: 1 },
    mirror: await openSpaceMirror(stage.bus, stage.space),
  };
  await using _other = deposed.mirror;
  const refused = await coordinateSpace(deposed, 10_000);
  expect(refused).toMatchObject({ kind: 'partial' });
  expect(new Set(refused.unacknowledged.map(({ reason }) => reason))).toEqual(new Set(['stale-leader']));
}, 60_000);

test('of two allocations that quarrel the more important one holds; each directive has its story, and no second look sends anything', async () => {
  await space.registerAgent({ id: 'a', run });
  const part = (memory: number) => ({ agents: ['a'], initial: { a: { memory, cpuWeight: 1 } } });
  await space.addOrchestrationVariable(resourceAllocation('budget', { ...part(1_000), priority: 5 }));
  await space.addOrchestrationVariable(resourceAllocation('aside', part(2_000)));
  await space.startAgents();
  await using mirror = await openSpaceMirror(stage.bus, stage.space);
  await using metrics = openSpaceMetrics(stage.bus, stage.space);
  const leadership = { revision: mirror.revisionOf('leader') };
  const { signal } = new AbortController();
  const told = await coordinateSpace(
    { bus: stage.bus, space: stage.space, mirror, metrics, leadership, signal },
    10_000,
  );
  const quarrel = { kind: 'value-incompatible', target: 'a.resources', kept: { variable: 'budget' } };
  expect(told.conflicts).toMatchObject([{ ...quarrel, dropped: { variable: 'aside' } }]);
  const place = { bus: stage.bus, space: stage.space, mirror };
  const given = told.directives.find(({ variable }) => variable === 'budget');
  expect(await tellStory(place, given?.id ?? '')).toMatchObject({
    kind: 'directive',
    agent: 'a',
    action: 'reconfigure',
    variable: 'budget',
    revision: stage.store.get('budget').revision,
    because: { by: expect.any(String) },
    outcome: 'applied',
    tellings: [{ leaderRevision: leadership.revision, answers: [{ ordinal: 0, kind: 'applied' }] }],
  });
  const dropped = told.conflicts[0]?.dropped.id ?? '';
  expect(await tellStory(place, `directive.${dropped}`)).toMatchObject({
    outcome: 'overridden',
    tellings: [
      { overriddenBy: 'budget', conflict: 'value-incompatible', reason: expect.stringContaining('budget') },
    ],
  });
  await waitFor(async () => (await space.coordinateAgents()).kind === 'noop', {
    what: 'all is coordinated',
    timeoutMs: 10_000,
  });
  // The quarrel is still there, and told; nothing is sent for it.
  expect(await space.coordinateAgents()).toMatchObject({
    kind: 'noop',
    directives: [],
    conflicts: [quarrel],
  });
  expect(await stage.events(`event.directive.${dropped}.*`)).toHaveLength(1);
  expect(await stage.events(`event.directive.${given?.id ?? ''}.*`)).toHaveLength(1);
}, 60_000);

test('what cannot be brought about in time is named: a frozen space starts nobody', async () => {
  await space.registerAgent({ id: 'a', run });
  await stage.store.freeze({ by: 'test', reason: 'to see' });
  await stage.store.update('roster', ['a'], { by: 'test' });
  expect(await space.coordinateAgents({ timeoutMs: 1_000 })).toMatchObject({
    kind: 'partial',
    directives: [{ agent: 'a', action: 'start', variable: 'roster' }],
    unacknowledged: [{ agent: 'a', action: 'start' }],
  });
  await stage.store.unfreeze({ by: 'test' });
  await stage.until(['a.0']);
  await waitFor(async () => (await space.coordinateAgents()).kind === 'noop', {
    what: 'all is coordinated',
    timeoutMs: 10_000,
  });
}, 60_000);

test('scaling policies are looked at on demand, and variables adapt by the figures given, if they call for it', async () => {
  await space.registerAgent({ id: 'a', run });
  const adaptation = {
    strategy: 'reactive',
    metric: 'performance',
    direction: 'below',
    target: 0.8,
    sustain: 1,
  } as const;
  const limit = performanceThreshold('limit', { initial: 0.5, min: 0, max: 1, adaptation });
  await space.addOrchestrationVariable(limit);
  await space.startAgents();
  expect(await space.autoScale()).toEqual([]);
  const metrics = space.metrics();
  const broken = { ...metrics, resourceUtilization: { ...metrics.resourceUtilization, cpu: -1 } };
  await expect(space.adaptSystem(broken)).rejects.toMatchObject({
    code: 'invalid-metrics',
    details: { field: 'resourceUtilization.cpu' },
  });
  const good = await space.adaptSystem({ ...metrics, aggregatePerformance: 0.9 });
  expect(good).toMatchObject([{ kind: 'steady', variable: 'limit' }]);
  const bad = await space.adaptSystem({ ...metrics, aggregatePerformance: 0.2 });
  expect(bad).toMatchObject([{ kind: 'changed', variable: 'limit', change: { from: 0.5 } }]);
  expect(stage.store.get('limit').value).not.toBe(0.5);
  const again = await space.adaptSystem({ ...metrics, aggregatePerformance: 0.2 });
  expect(again).toMatchObject([{ kind: 'steady' }]);
}, 60_000);

test('a life that is said to have failed ends and is followed by another; said twice it is one failure', async () => {
  await space.registerAgent({ id: 'a', run });
  await space.startAgents();
  const incarnation = stage.mirror.leases[0]?.incarnation ?? '';
  const report = { agent: 'a', incarnation, reason: 'it answers nonsense' };
  expect(await space.handleAgentFailure(report)).toMatchObject({ kind: 'recorded', incarnation });
  expect(await space.handleAgentFailure(report)).toMatchObject({ kind: 'noop' });
  const isAnother = (): boolean =>
    stage.running().length === 1 && stage.mirror.leases[0]?.incarnation !== incarnation;
  await waitFor(isAnother, { what: 'another life runs', timeoutMs: 15_000 });
  const unknown = space.handleAgentFailure({ agent: 'nobody', reason: 'why not' });
  await expect(unknown).rejects.toMatchObject({ code: 'unknown-agent' });
}, 60_000);

test('a snapshot is plain data, and events are those that happen from now on', async () => {
  await space.registerAgent({ id: 'a', run });
  await space.startAgents();
  const snapshot = space.snapshot();
  expect(snapshot).toMatchObject({ running: ['a.0'], values: { roster: { value: ['a'], by: 'test' } } });
  expect(snapshot.observed).toMatchObject([{ agent: 'a', status: 'active', isHeld: true }]);
  expect(JSON.parse(JSON.stringify(snapshot))).toMatchObject({
    space: stage.space,
    revision: snapshot.revision,
  });
  const events = space.events({ filter: 'event.mail.>', signal: AbortSignal.timeout(10_000) });
  let hasCome = false;
  const next = events.next().finally(() => (hasCome = true));
  const publish = async (): Promise<boolean> => {
    await openEvents(stage.bus, stage.space).publish('mail', 'm1', 'scored', {});
    return hasCome;
  };
  await waitFor(publish, { what: 'an event comes', everyMs: 50 });
  expect((await next).value?.subject).toContain('event.mail.m1.scored');
}, 60_000);
