/** Failures in a running space: agents are killed, and what is left of the team is put in order. */
import { commitBatch, connectBus, openTasks, putKey, readKey, readKeyHistory, spaceNames } from '@mabeam/bus';
import { defineAgent, startAgents } from '@mabeam/agents';
import { orderStop, runNode } from '@mabeam/cluster';
import { createLogger } from '@mabeam/telemetry/api';
import { waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { reportFailure } from '../src/recovery/report-failure.ts';
import { openGate } from './gate.ts';
import { openStage, putRaw, type Stage } from './stage.ts';

const module = './fixtures/agent.ts';

beforeAll(() => void vi.stubEnv('NODE_OPTIONS', '--conditions=@mabeam/source'));
afterAll(() => void vi.unstubAllEnvs());

function kill(stage: Stage, agent: string): string {
  const seen = stage.mirror.observed.find((each) => each.agent === agent);
  if (seen?.pid === undefined) throw new Error(`${agent} has no process`);
  process.kill(seen.pid, 'SIGKILL');
  return seen.incarnation;
}

function incarnations(stage: Stage): Readonly<Record<string, string>> {
  return Object.fromEntries(stage.mirror.leases.map(({ agent, incarnation }) => [agent, incarnation]));
}

const events = (stage: Stage, agent: string, verb: string): Promise<readonly unknown[]> =>
  stage.events(`event.recovery.${agent}.${verb}`);

/** Waits until an agent has recovered so many times. */
async function recovered(stage: Stage, agent: string, times = 1): Promise<void> {
  const isDone = async (): Promise<boolean> => (await events(stage, agent, 'recovered')).length >= times;
  await waitFor(isDone, { what: `${agent} has recovered`, timeoutMs: 15_000 });
}

/** The revision of the key `leader`. */
const leaderOf = ({ mirror }: Stage): number => mirror.revisionOf('leader');

/** Takes the leadership as a successor does: compare-and-set on the key. */
async function depose({ bus, space }: Stage): Promise<void> {
  const { bucket } = spaceNames(space);
  const leader = await readKey(bus, bucket, 'leader');
  const body = { v: 1, process: 'intruder', pid: 1, host: 'test' };
  await commitBatch(bus, bucket, [{ key: 'leader', body, expect: leader?.revision ?? 0 }]);
}

test('one for all: every sibling is started again exactly once, also when the leader falls in between', async () => {
  const policy = { strategy: 'one-for-all', maxFailures: 5 };
  const agents = Object.fromEntries(['a', 'b', 'c'].map((id) => [id, { module }]));
  await using stage = await openStage(JSON.stringify({ space: 'SPACE', supervision: policy, agents }));
  await using gate = await openGate(stage.url, stage.space);
  await using first = await connectBus({ url: gate.url, name: 'first' });
  await using second = await connectBus({ url: gate.url, name: 'second' });
  const leaders = [stage.startOrchestrator('first', first), stage.startOrchestrator('second', second)];
  await stage.until(['a.0', 'b.0', 'c.0']);
  const before = incarnations(stage);
  const catching = gate.catchBatch((writes) => writes.has('recovery.b'));
  kill(stage, 'b');
  const { release } = await catching;
  release();
  const isWritten = (): boolean => stage.mirror.state.recoveries.has('b');
  await waitFor(isWritten, { what: 'the failure is written down' });
  await depose(stage);
  const isNew = (): boolean =>
    ['a', 'b', 'c'].every((id) => {
      const now = incarnations(stage)[id];
      return now !== undefined && now !== before[id];
    });
  await waitFor(isNew, { what: 'all have another life', timeoutMs: 20_000 });
  await stage.until(['a.0', 'b.0', 'c.0']);
  await recovered(stage, 'b');
  for (const id of ['a', 'b', 'c'])
    expect([id, (await stage.events(`event.agent.${id}.started`)).length]).toEqual([id, 2]);
  expect(await events(stage, 'b', 'failed')).toMatchObject([
    { outcome: 'restarting', strategy: 'one-for-all', incarnation: before['b'], renewed: ['a', 'c'] },
  ]);
  for (const leader of leaders) await leader.stop();
}, 60_000);

test('what a fallen leader has written down its successor finishes: each sibling has one more life, and it is told once', async () => {
  const supervision = { strategy: 'one-for-all', maxFailures: 5 };
  const agents = Object.fromEntries(['a', 'b', 'c'].map((id) => [id, { module }]));
  await using stage = await openStage(JSON.stringify({ space: 'SPACE', supervision, agents }));
  const first = stage.startOrchestrator('first');
  await stage.until(['a.0', 'b.0', 'c.0']);
  await first.stop();
  const before = incarnations(stage);
  kill(stage, 'b');
  const about = { ordinal: 0, incarnation: before['b'], node: 'n1', at: new Date().toISOString() };
  const decided = { kind: 'ended', reason: 'killed', outcome: 'restarting', strategy: 'one-for-all' };
  await putRaw(stage, 'recovery.b', {
    v: 1,
    failures: [{ ...about, ...decided, renewed: ['a', 'c'] }],
    open: [],
    renew: ['a', 'c'].map((agent) => ({ agent, ordinal: 0, incarnation: before[agent] })),
  });
  stage.startOrchestrator('second');
  const startsOf = async (id: string): Promise<number> =>
    (await stage.events(`event.agent.${id}.started`)).length;
  const isNew = async (): Promise<boolean> => (await startsOf('a')) > 1 && (await startsOf('c')) > 1;
  await waitFor(isNew, { what: 'the siblings have another life', timeoutMs: 15_000 });
  await stage.until(['a.0', 'b.0', 'c.0']);
  for (const id of ['a', 'b', 'c']) expect([id, await startsOf(id)]).toEqual([id, 2]);
  expect(await events(stage, 'b', 'failed')).toHaveLength(1);
}, 60_000);

test('a task whose worker is killed at it is done once by another, which says that it has taken it up', async () => {
  const worker = { module: './fixtures/worker.ts', group: 'work', replicas: 2 };
  await using stage = await openStage(JSON.stringify({ space: 'SPACE', agents: { w: worker } }));
  stage.startOrchestrator('o1');
  await stage.until(['w.0', 'w.1']);
  const tasks = openTasks(stage.bus, stage.space);
  for (const n of [1, 2, 3]) await tasks.submit('work', `quick-${n}`, n);
  await tasks.submit('work', 'slow', 'slow');
  const begun = async (): Promise<unknown> => (await stage.events('event.thing.slow.begun-1'))[0];
  const first = await waitFor(begun, { what: 'a worker has the slow one', timeoutMs: 10_000 });
  process.kill(Number(Object(first).pid), 'SIGKILL');
  const outcomes = await Promise.all(
    ['quick-1', 'quick-2', 'quick-3', 'slow'].map((id) =>
      waitFor(() => tasks.outcomeOf(id), { what: `${id} has its outcome`, timeoutMs: 20_000 }),
    ),
  );
  expect(outcomes.map(({ kind }) => kind)).toEqual(['completed', 'completed', 'completed', 'completed']);
  expect(outcomes.at(-1)).toMatchObject({ delivery: { count: 2 } });
  expect(await stage.events('event.thing.slow.*')).toHaveLength(2);
  expect(await events(stage, 'w', 'requeued')).toMatchObject([{ agent: 'w', task: 'slow', attempt: 2 }]);
  await recovered(stage, 'w');
}, 60_000);

test('failover: a spare is selected and wired in the place of the one that fails, and the time is told', async () => {
  const definition = {
    space: 'SPACE',
    agents: { a: { module }, b: { module }, spare: { module, priority: 3 }, other: { module } },
    variables: {
      team: {
        kind: 'agent-selection',
        agents: ['a', 'b', 'spare', 'other'],
        initial: ['a', 'b'],
        onFailure: 'failover',
        constraints: { minActive: 2 },
      },
      talk: {
        kind: 'communication-topology',
        agents: ['a', 'b', 'spare', 'other'],
        initial: { pattern: 'ring' },
      },
    },
  };
  await using stage = await openStage(JSON.stringify(definition));
  stage.startOrchestrator('o1');
  await stage.until(['a.0', 'b.0']);
  const incarnation = kill(stage, 'a');
  await stage.until(['b.0', 'spare.0']);
  await recovered(stage, 'a');
  expect(stage.store.get('team').value).toEqual(['spare', 'b']);
  expect(stage.store.graph?.graph.nodes).toEqual(['b', 'spare']);
  expect(await events(stage, 'a', 'failed')).toMatchObject([
    { incarnation, outcome: 'failed-over', replacement: 'spare', variable: 'team' },
  ]);
  const [told] = await events(stage, 'a', 'recovered');
  expect(told).toMatchObject({ incarnation });
  expect(Object(told).recoveryMs).toBeGreaterThan(0);
}, 60_000);

test('graceful degradation: the others go on without it, while enough are left; a new choice starts it again', async () => {
  const ids = ['a', 'b'];
  const selection = {
    kind: 'agent-selection',
    agents: ids,
    initial: ids,
    onFailure: 'graceful-degradation',
    constraints: { minActive: 1 },
  };
  const agents = { a: { module }, b: { module } };
  await using stage = await openStage(
    JSON.stringify({ space: 'SPACE', agents, variables: { team: selection } }),
  );
  stage.startOrchestrator('o1');
  await stage.until(['a.0', 'b.0']);
  kill(stage, 'a');
  const isGivenUp = (): boolean => stage.mirror.recovery.givenUp.get('a') === 'degraded';
  await waitFor(isGivenUp, { what: 'it is given up', timeoutMs: 10_000 });
  await stage.until(['b.0']);
  // Nobody is left to go on without this one: it is started again.
  kill(stage, 'b');
  await recovered(stage, 'b');
  await stage.until(['b.0']);
  await stage.store.update('team', ['b'], { by: 'test' });
  await stage.store.update('team', ids, { by: 'test' });
  await stage.until(['a.0', 'b.0']);
  expect(stage.mirror.recovery.givenUp.size).toBe(0);
}, 60_000);

test('who is said to have failed is ended and followed by another, once for each life', async () => {
  await using stage = await openStage(
    JSON.stringify({ space: 'SPACE', agents: { a: { module }, b: { module } } }),
  );
  stage.startOrchestrator('o1');
  await stage.until(['a.0', 'b.0']);
  const { bus, space } = stage;
  const incarnation = incarnations(stage)['a'];
  const report = { agent: 'a', reason: 'it talks nonsense' };
  expect(await reportFailure(bus, space, report)).toEqual({
    kind: 'recorded',
    incarnation,
    outcome: 'restarting',
  });
  expect(
    await reportFailure(bus, space, { ...report, ...(incarnation === undefined ? {} : { incarnation }) }),
  ).toEqual({
    kind: 'noop',
    incarnation,
  });
  await recovered(stage, 'a');
  await stage.until(['a.0', 'b.0']);
  expect(await events(stage, 'a', 'failed')).toMatchObject([{ incarnation, reason: report.reason }]);
  expect(await stage.events('event.agent.a.started')).toHaveLength(2);
  await expect(reportFailure(bus, space, { ...report, agent: 'nobody' })).rejects.toMatchObject({
    code: 'unknown-agent',
  });
}, 60_000);

test('an escalation that stops the space stops every agent, until the definition of the one that failed changes', async () => {
  const supervision = { maxFailures: 0, escalation: 'stop-space' };
  const definition = { space: 'SPACE', supervision, agents: { a: { module }, b: { module } } };
  await using stage = await openStage(JSON.stringify(definition));
  stage.startOrchestrator('o1');
  await stage.until(['a.0', 'b.0']);
  kill(stage, 'a');
  await waitFor(() => stage.mirror.recovery.givenUp.size === 2, {
    what: 'all are given up',
    timeoutMs: 10_000,
  });
  await stage.until([]);
  const spec = [...stage.mirror.state.agents.values()].find((each) => each.spec.id === 'a')?.spec;
  await putRaw(stage, 'definition.agent.a', { ...spec, priority: 1 });
  await stage.until(['a.0', 'b.0']);
  expect(stage.mirror.recovery.givenUp.size).toBe(0);
}, 60_000);

test('a supervisor is told of the failure of whom it watches, by the orchestrator, and of no other', async () => {
  const agents = { boss: {}, a: { module, supervisor: 'boss' }, b: { module } };
  await using stage = await openStage(JSON.stringify({ space: 'SPACE', agents }));
  const told: unknown[] = [];
  const supervision = (body: unknown, { from }: { readonly from: string }): unknown =>
    told.push([from, body]);
  const log = createLogger({ name: 'boss', level: 'silent' });
  const boss = { id: 'boss', definition: defineAgent({ edges: { supervision } }) };
  await using _ = await startAgents(stage.bus, stage.space, [boss], { store: stage.store, log });
  stage.startOrchestrator('o1');
  await stage.until(['a.0', 'b.0']);
  kill(stage, 'b');
  await recovered(stage, 'b');
  const incarnation = kill(stage, 'a');
  await recovered(stage, 'a');
  expect(told).toMatchObject([['orchestrator', { agent: 'a', incarnation, outcome: 'restarting' }]]);
}, 60_000);

test('too many failures escalate: the agent is removed, and with a new definition it is tried again', async () => {
  const supervision = { maxFailures: 1, escalation: 'remove-agent', backoffMs: 0 };
  const definition = { space: 'SPACE', supervision, agents: { a: { module }, b: { module } } };
  await using stage = await openStage(JSON.stringify(definition));
  stage.startOrchestrator('o1');
  await stage.until(['a.0', 'b.0']);
  kill(stage, 'a');
  await recovered(stage, 'a');
  kill(stage, 'a');
  const isRemoved = (): boolean => stage.mirror.recovery.givenUp.get('a') === 'removed';
  await waitFor(isRemoved, { what: 'it is removed', timeoutMs: 10_000 });
  await stage.until(['b.0']);
  const outcomes = (await events(stage, 'a', 'failed')).map((each) => Object(each).outcome);
  expect(outcomes).toEqual(['restarting', 'escalated']);
  const spec = [...stage.mirror.state.agents.values()].find((each) => each.spec.id === 'a')?.spec;
  await putRaw(stage, 'definition.agent.a', { ...spec, priority: 1 });
  await stage.until(['a.0', 'b.0']);
}, 60_000);

test('a member of a ring that stays down is bridged and told of, and closed in again when it is up', async () => {
  const ids = ['a', 'b', 'c'];
  const definition = {
    space: 'SPACE',
    supervision: { maxFailures: 0, escalation: 'notify' },
    agents: Object.fromEntries(ids.map((id) => [id, { module }])),
    variables: { talk: { kind: 'communication-topology', agents: ids, initial: { pattern: 'ring' } } },
  };
  await using stage = await openStage(JSON.stringify(definition));
  stage.startOrchestrator('o1');
  await stage.until(['a.0', 'b.0', 'c.0']);
  const nodes = (): readonly string[] => stage.store.graph?.graph.nodes ?? [];
  const epochs: (number | undefined)[] = [stage.store.graph?.revision];
  kill(stage, 'b');
  await waitFor(() => nodes().join() === 'a,c', { what: 'the ring is bridged', timeoutMs: 15_000 });
  epochs.push(stage.store.graph?.revision);
  expect(await events(stage, 'b', 'failed')).toMatchObject([{ outcome: 'escalated', escalation: 'notify' }]);
  expect(await events(stage, 'b', 'absent')).toHaveLength(1);
  const spec = [...stage.mirror.state.agents.values()].find((each) => each.spec.id === 'b')?.spec;
  await putRaw(stage, 'definition.agent.b', { ...spec, priority: 1 });
  await waitFor(() => nodes().join() === 'a,b,c', { what: 'the ring is whole', timeoutMs: 15_000 });
  epochs.push(stage.store.graph?.revision);
  const kept = await readKeyHistory(stage.bus, spaceNames(stage.space).bucket, 'graph');
  expect(kept.map(({ revision }) => revision)).toEqual(epochs);
}, 60_000);

test('migration: a failed agent is started on another node, by the orchestrator and not by its host', async () => {
  const supervision = { recovery: 'migrate' };
  await using stage = await openStage(
    JSON.stringify({ space: 'SPACE', supervision, agents: { a: { module } } }),
  );
  const stop = new AbortController();
  const ready = Promise.withResolvers<void>();
  const node = runNode(stage.bus, { id: 'n2', signal: stop.signal, onReady: () => ready.resolve() });
  await ready.promise;
  stage.startOrchestrator('o1');
  await stage.until(['a.0']);
  const [before] = stage.mirror.leases;
  kill(stage, 'a');
  await recovered(stage, 'a');
  const [after] = stage.mirror.leases;
  expect(new Set([before?.node, after?.node])).toEqual(new Set(['n1', 'n2']));
  expect(await events(stage, 'a', 'failed')).toMatchObject([{ outcome: 'migrating', node: before?.node }]);
  expect(await stage.events('event.agent.a.started')).toHaveLength(2);
  stop.abort();
  await node;
}, 60_000);

test('an agent whose node is lost is recovered elsewhere, and the loss is not counted against it', async () => {
  const supervision = { maxFailures: 0, escalation: 'remove-agent' };
  await using stage = await openStage(
    JSON.stringify({ space: 'SPACE', supervision, agents: { a: { module } } }),
  );
  stage.startOrchestrator('o1');
  await stage.until(['a.0']);
  // What is left of a node that is gone: its word that the agent was active, and no lease.
  const [lost] = stage.mirror.observed;
  await stage.store.freeze({ by: 'test', reason: 'so that nobody acts meanwhile' });
  await waitFor(() => stage.mirror.freeze !== undefined, { what: 'it is frozen' });
  const bucket = spaceNames(stage.space);
  await orderStop(stage.bus, 'n1', {
    space: stage.space,
    agent: 'a',
    ordinal: 0,
    leaderRevision: leaderOf(stage),
  });
  await waitFor(() => stage.mirror.leases.length === 0, { what: 'its lease is given back' });
  await putKey(stage.bus, bucket.observed, 'a.0', { ...lost, node: 'gone' });
  await stage.store.unfreeze({ by: 'test' });
  await stage.until(['a.0']);
  await recovered(stage, 'a');
  expect(await events(stage, 'a', 'failed')).toMatchObject([
    { kind: 'lost', incarnation: lost?.incarnation, node: 'gone', outcome: 'restarting' },
  ]);
}, 60_000);

test('agents that share a process fail together with it, and each recovers', async () => {
  const ids = Array.from({ length: 20 }, (_, n) => `a${n}`);
  const agents = Object.fromEntries(ids.map((id) => [id, { module, form: 'in-process' }]));
  await using stage = await openStage(JSON.stringify({ space: 'SPACE', agents }));
  stage.startOrchestrator('o1');
  const all = ids.map((id) => `${id}.0`).toSorted();
  await stage.until(all);
  const before = incarnations(stage);
  kill(stage, 'a0');
  const isDone = async (): Promise<boolean> => (await events(stage, '*', 'recovered')).length === ids.length;
  await waitFor(isDone, { what: 'all have recovered', timeoutMs: 20_000 });
  await stage.until(all);
  const failed = await events(stage, '*', 'failed');
  expect(new Set(failed.map((each) => Object(each).incarnation))).toEqual(new Set(Object.values(before)));
  expect(failed).toHaveLength(ids.length);
}, 60_000);
