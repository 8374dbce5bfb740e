import { nodesBucket, platformSpace, putKey, spaceNames, subjects } from '@mabeam/bus';
import { isAlive, waitFor } from '@mabeam/testing';
import { expect, inject, test } from 'vitest';
import { runNode } from '../src/node.ts';
import { orderStart, orderStop, type StartCommand } from '../src/node-command.ts';
import { parseNodeRecord } from '../src/registry.ts';
import { openBus, openStage, readValue, startNode, wordsThat, type Stage } from './hosting.ts';

const natsUrl = inject('natsUrl');

function startCommand(stage: Stage, more: Partial<StartCommand> = {}): StartCommand {
  return {
    space: stage.space,
    agent: 'words',
    ordinal: 0,
    spec: wordsThat('polite'),
    definitionRevision: 3,
    leaderRevision: 10,
    ...more,
  };
}

const stopCommand = (stage: Stage) => ({
  space: stage.space,
  agent: 'words',
  ordinal: 0,
  leaderRevision: 10,
});

const recordOf = async (stage: Stage, id: string) =>
  parseNodeRecord(await readValue(stage.bus, nodesBucket, id));

test('a node starts and stops what it is ordered to, and its record counts it', async () => {
  const stage = await openStage(natsUrl);
  const { id } = await startNode(natsUrl);
  expect(await recordOf(stage, id)).toMatchObject({ id, pid: process.pid, instances: 0 });
  const started = await orderStart(stage.bus, id, startCommand(stage));
  expect(started).toMatchObject({
    kind: 'applied',
    incarnation: expect.any(String),
    pid: expect.any(Number),
  });
  await waitFor(async () => (await stage.observed())?.status === 'active', {
    what: 'the instance is active',
  });
  expect(await stage.observed()).toMatchObject({
    node: id,
    definitionRevision: 3,
    incarnation: started.incarnation,
  });
  await waitFor(async () => (await recordOf(stage, id))?.instances === 1, {
    what: 'the node counts one instance',
  });

  expect(await orderStop(stage.bus, id, stopCommand(stage))).toMatchObject({
    kind: 'applied',
    pid: started.pid,
  });
  await waitFor(async () => (await stage.observed())?.status === 'inactive', {
    what: 'the instance is inactive',
  });
  await waitFor(async () => (await recordOf(stage, id))?.instances === 0, { what: 'the node counts none' });
});

test('orders are idempotent: of two equal ones at once the second does nothing', async () => {
  const stage = await openStage(natsUrl);
  const { id } = await startNode(natsUrl);
  const command = startCommand(stage);
  const [first, second] = await Promise.all([
    orderStart(stage.bus, id, command),
    orderStart(stage.bus, id, command),
  ]);
  expect(first.kind).toBe('applied');
  expect(second).toEqual({ ...first, kind: 'noop' });
  expect((await orderStop(stage.bus, id, stopCommand(stage))).kind).toBe('applied');
  await waitFor(async () => (await stage.observed())?.status === 'inactive', {
    what: 'the instance is inactive',
  });
  await waitFor(async () => (await orderStop(stage.bus, id, stopCommand(stage))).pid === undefined, {
    what: 'the node has forgotten the instance',
  });
  expect(await orderStop(stage.bus, id, stopCommand(stage))).toEqual({ kind: 'noop' });
});

test('what still ends cannot be started yet', async () => {
  const stage = await openStage(natsUrl);
  const { id } = await startNode(natsUrl);
  const command = startCommand(stage, { spec: wordsThat('stubborn') });
  await orderStart(stage.bus, id, command);
  await waitFor(async () => (await stage.observed())?.status === 'active', {
    what: 'the instance is active',
  });
  await orderStop(stage.bus, id, { ...stopCommand(stage), drainMs: 300 });
  expect(await orderStart(stage.bus, id, command)).toEqual({ kind: 'rejected', reason: 'stopping' });
  await waitFor(async () => (await orderStart(stage.bus, id, command)).kind === 'applied', {
    what: 'the instance can be started again',
  });
});

test('an older leader is refused in its space, and only there', async () => {
  const stage = await openStage(natsUrl);
  const other = await openStage(natsUrl);
  const { id } = await startNode(natsUrl);
  await orderStart(stage.bus, id, startCommand(stage, { leaderRevision: 12 }));
  const stale = { kind: 'rejected', reason: 'stale-leader' };
  expect(await orderStop(stage.bus, id, { ...stopCommand(stage), leaderRevision: 11 })).toEqual(stale);
  expect(await orderStart(stage.bus, id, startCommand(stage, { leaderRevision: 11, ordinal: 1 }))).toEqual(
    stale,
  );
  expect((await orderStart(stage.bus, id, startCommand(other, { leaderRevision: 11 }))).kind).toBe('applied');
});

test('a leader that another has replaced is refused, also when the new one has not spoken yet', async () => {
  const stage = await openStage(natsUrl);
  const { id } = await startNode(natsUrl);
  const { bucket } = spaceNames(stage.space);
  const old = await putKey(stage.bus, bucket, 'leader', { v: 1, process: 'old' });
  const command = startCommand(stage, { leaderRevision: old });
  const inOffice = await putKey(stage.bus, bucket, 'leader', { v: 1, process: 'new' });
  expect(await orderStart(stage.bus, id, command)).toEqual({ kind: 'rejected', reason: 'stale-leader' });
  expect(await stage.holder()).toBeUndefined();
  expect((await orderStart(stage.bus, id, { ...command, leaderRevision: inOffice })).kind).toBe('applied');
});

test('an instance that runs on another node is not started twice', async () => {
  const stage = await openStage(natsUrl);
  const [here, there] = await Promise.all([startNode(natsUrl), startNode(natsUrl)]);
  const answers = await Promise.all([
    orderStart(stage.bus, here.id, startCommand(stage)),
    orderStart(stage.bus, there.id, startCommand(stage)),
  ]);
  expect(answers.map(({ kind, reason }) => reason ?? kind).toSorted()).toEqual(['applied', 'lease-held']);
});

test.each([
  ['no body', null, 'body'],
  ['a missing field', { space: 'mail', agent: 'words' }, 'ordinal'],
  ['a definition of another agent', { agent: 'headers' }, 'spec.id'],
  ['a broken definition', { spec: { id: 'words', run: {} } }, 'spec'],
  ['a space that is no id', { space: 'a.b' }, 'space'],
])('a command with %s is refused and names it', async (_name, change, named) => {
  const stage = await openStage(natsUrl);
  const { id } = await startNode(natsUrl);
  const isPartial = change !== null && !('space' in change && 'agent' in change);
  const body = isPartial ? { ...startCommand(stage), ...change } : change;
  const refusal = stage.bus.request(subjects(platformSpace).command('node', id, 'start'), body);
  await expect(refusal).rejects.toMatchObject({
    code: 'invalid-command',
    message: expect.stringContaining(named),
  });
  expect(await stage.holder()).toBeUndefined();
});

test('a node that ends stops its instances first, and is gone from the registry', async () => {
  const stage = await openStage(natsUrl);
  const node = await startNode(natsUrl, { drainMs: 200 });
  const agents = await Promise.all([
    orderStart(stage.bus, node.id, startCommand(stage)),
    orderStart(stage.bus, node.id, startCommand(stage, { ordinal: 1, spec: wordsThat('stubborn') })),
  ]);
  await waitFor(async () => (await stage.observed())?.status === 'active', {
    what: 'the instance is active',
  });
  await expect(node.stop()).resolves.toEqual({ kind: 'drained', stopped: 2 });
  for (const { pid } of agents) expect(isAlive(pid ?? 0)).toBe(false);
  expect(await stage.observed()).toMatchObject({ status: 'inactive' });
  expect(await recordOf(stage, node.id)).toBeUndefined();
  await expect(orderStop(stage.bus, node.id, stopCommand(stage))).rejects.toMatchObject({
    code: 'no-responders',
  });
});

test('a living node keeps its id', async () => {
  const { id } = await startNode(natsUrl);
  const bus = await openBus(natsUrl);
  const second = runNode(bus, { id, signal: AbortSignal.timeout(10_000) });
  await expect(second).rejects.toMatchObject({ code: 'node-exists', details: { node: id } });
});

test('a node that is told to end before it has its id ends at once', async () => {
  const { id } = await startNode(natsUrl);
  const bus = await openBus(natsUrl);
  await expect(runNode(bus, { id, signal: AbortSignal.timeout(200) })).resolves.toEqual({
    kind: 'drained',
    stopped: 0,
  });
});
