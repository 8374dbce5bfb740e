import { AsyncLocalStorage } from 'node:async_hooks';
import { deleteKey, putKey, readKey } from '@mabeam/bus';
import { parseAgentSpec } from '@mabeam/agents';
import { isAlive, waitFor } from '@mabeam/testing';
import { expect, inject, test, vi } from 'vitest';
import { hosted, openStage, wordsThat, type Stage } from './hosting.ts';

const natsUrl = inject('natsUrl');

const isActive = (stage: Stage): Promise<unknown> =>
  waitFor(async () => (await stage.observed())?.status === 'active', { what: 'the instance is active' });

test('an instance starts, becomes active, drains and is inactive, and all of it can be read', async () => {
  const stage = await openStage(natsUrl);
  const instance = hosted(await stage.host(wordsThat('polite')));
  await isActive(stage);
  expect(await stage.observed()).toMatchObject({
    agent: 'words',
    ordinal: 0,
    incarnation: instance.incarnation,
    node: 'here',
    pid: instance.pid,
    definitionRevision: 7,
    restarts: 0,
  });
  expect(await stage.holder()).toEqual({ node: 'here', pid: process.pid, incarnation: instance.incarnation });
  expect(JSON.parse(stage.lines[0]?.replace('stdout: ', '') ?? '')).toEqual({
    pid: instance.pid,
    NATS_URL: natsUrl,
    MABEAM_SPACE: stage.space,
    MABEAM_AGENT: 'words',
    MABEAM_ORDINAL: '0',
    MABEAM_INCARNATION: instance.incarnation,
    MABEAM_CONFIG: '{"behaviour":"polite"}',
    MABEAM_CONTROL_FD: '3',
    MABEAM_SEED: expect.stringMatching(/^SU[A-Z2-7]{56}$/),
    MABEAM_LOG_LEVEL: expect.any(String),
  });

  await expect(instance.stop()).resolves.toEqual({ kind: 'inactive', reason: 'exit code 0' });
  expect(stage.states.map(({ status }) => status)).toEqual(['starting', 'active', 'stopping', 'inactive']);
  expect(await stage.observed()).toMatchObject({ status: 'inactive' });
  expect(await stage.holder()).toBeUndefined();
  expect(await stage.events()).toEqual(['started', 'ready', 'stopped']);
  expect(stage.problems).toEqual([]);
});

test('a killed process is started again as a new incarnation under the same lease', async () => {
  const stage = await openStage(natsUrl);
  const instance = hosted(await stage.host(wordsThat('polite')));
  await isActive(stage);
  const first = instance.incarnation;
  process.kill(instance.pid ?? 0, 'SIGKILL');
  await waitFor(async () => (await stage.observed())?.restarts === 1, { what: 'it was restarted' });
  await isActive(stage);
  expect(instance.incarnation > first).toBe(true);
  await waitFor(async () => (await stage.holder())?.incarnation === instance.incarnation, {
    what: 'the lease names the new incarnation',
  });
  const kinds = stage.states.map(({ status }) => status);
  expect(kinds).toEqual(['starting', 'active', 'failed', 'starting', 'active']);
  expect(stage.states[2]?.reason).toContain('signal SIGKILL');
});

test('an event is told in the journey of the order that caused it, that of a crash and what follows in nobody’s', async () => {
  const stage = await openStage(natsUrl);
  const journey = new AsyncLocalStorage<string>();
  const told: string[] = [];
  const store = stage.hostBus.store.bind(stage.hostBus);
  vi.spyOn(stage.hostBus, 'store').mockImplementation((subject, ...rest) => {
    if (subject.includes('.event.agent.'))
      told.push(`${subject.split('.').at(-1)} of ${journey.getStore() ?? 'nobody'}`);
    return store(subject, ...rest);
  });
  const instance = hosted(await journey.run('the start', () => stage.host(wordsThat('polite'))));
  await isActive(stage);
  process.kill(instance.pid ?? 0, 'SIGKILL');
  await waitFor(() => stage.states.length === 5, { what: 'it is active again' });
  await journey.run('the stop', () => instance.stop());
  const crash = ['failed of nobody', 'started of nobody', 'ready of nobody'];
  expect(told).toEqual(['started of the start', 'ready of the start', ...crash, 'stopped of the stop']);
});

test('a crash loop ends as failed, with its reason, and gives the lease back', async () => {
  const stage = await openStage(natsUrl);
  const instance = hosted(await stage.host(wordsThat('crash')));
  const reason = 'exit code 1 after 3 restarts within 60 s';
  await expect(instance.ended).resolves.toEqual({ kind: 'failed', reason });
  expect(await stage.observed()).toMatchObject({ status: 'failed', restarts: 3, reason });
  expect(await stage.holder()).toBeUndefined();
  const events = await stage.events();
  expect(events.filter((verb) => verb === 'started')).toHaveLength(4);
  expect(events.at(-1)).toBe('failed');
  expect(hosted(await stage.host(wordsThat('polite'))).observed.restarts).toBe(0);
});

test('a transient agent that ends well is inactive and not started again', async () => {
  const stage = await openStage(natsUrl);
  const spec = parseAgentSpec({ id: 'words', run: { command: ['true'] }, restart: 'transient' });
  const instance = hosted(await stage.host(spec));
  await expect(instance.ended).resolves.toEqual({ kind: 'inactive', reason: 'exit code 0' });
  expect(await stage.observed()).toMatchObject({ status: 'inactive', restarts: 0 });
});

test('a second host of the same instance is refused and told who has it', async () => {
  const stage = await openStage(natsUrl);
  const instance = hosted(await stage.host(wordsThat('polite')));
  await expect(stage.host(wordsThat('polite'), { node: 'there' })).resolves.toEqual({
    kind: 'taken',
    by: { node: 'here', pid: process.pid, incarnation: instance.incarnation },
  });
});

test('a foreign command is active once it has run for a while, and ends with what it started', async () => {
  const stage = await openStage(natsUrl);
  const command = ['/bin/sh', '-c', 'sleep 1000 & echo $!; wait'];
  const instance = hosted(await stage.host(parseAgentSpec({ id: 'words', run: { command } })));
  await isActive(stage);
  const sleeper = Number(stage.lines[0]?.replace('stdout: ', ''));
  expect(isAlive(sleeper)).toBe(true);
  await expect(instance.stop()).resolves.toMatchObject({ kind: 'inactive' });
  await waitFor(() => !isAlive(sleeper), { what: 'the grandchild is gone', timeoutMs: 1_000 });
});

test('an agent that ignores SIGTERM is killed after its drain', async () => {
  const stage = await openStage(natsUrl);
  const instance = hosted(await stage.host(wordsThat('stubborn')));
  await isActive(stage);
  await expect(instance.stop({ drainMs: 100 })).resolves.toEqual({
    kind: 'inactive',
    reason: 'signal SIGKILL',
  });
});

test('an agent that is not ready in time has failed and is gone', async () => {
  const stage = await openStage(natsUrl);
  const instance = hosted(await stage.host(wordsThat('silent'), { readyTimeoutMs: 200 }));
  const { pid } = instance;
  await expect(instance.ended).resolves.toMatchObject({
    kind: 'failed',
    reason: expect.stringMatching('^start-timeout'),
  });
  expect(await stage.observed()).toMatchObject({
    status: 'failed',
    reason: expect.stringMatching('^start-timeout'),
  });
  expect(isAlive(pid ?? 0)).toBe(false);
});

test('an agent that is started elsewhere is not hosted, and its lease stays free', async () => {
  const stage = await openStage(natsUrl);
  const hosting = stage.host(parseAgentSpec({ id: 'words' }));
  await expect(hosting).rejects.toMatchObject({ code: 'not-hostable' });
  expect(await stage.holder()).toBeUndefined();
});

test('a process that the system refuses leaves no lease behind', async () => {
  const stage = await openStage(natsUrl);
  const hosting = stage.host(parseAgentSpec({ id: 'words', run: { command: ['a\0b'] } }));
  await expect(hosting).rejects.toMatchObject({ code: 'spawn-failed' });
  expect(await stage.holder()).toBeUndefined();
});

test('who loses the lease to another host is killed at once and writes nothing more', async () => {
  const stage = await openStage(natsUrl);
  const instance = hosted(await stage.host(wordsThat('stubborn')));
  await isActive(stage);
  const { pid } = instance;
  const written = (await readKey(stage.bus, stage.observedBucket, 'words.0'))?.revision;
  await deleteKey(stage.bus, stage.leases, 'instance.words.0');
  await putKey(stage.bus, stage.leases, 'instance.words.0', {
    node: 'there',
    pid: 1,
    incarnation: 'other-0',
  });
  await expect(instance.ended).resolves.toEqual({ kind: 'fenced', reason: 'somebody else holds the lease' });
  expect(isAlive(pid ?? 0)).toBe(false);
  expect((await readKey(stage.bus, stage.observedBucket, 'words.0'))?.revision).toBe(written);
  expect(await stage.holder()).toMatchObject({ node: 'there' });
});
