/** Agents that share a process: leases, observed state, restarts, and what happens when the process they share is lost. */
import { fileURLToPath } from 'node:url';
import { deleteKey, putKey } from '@mabeam/bus';
import { isAlive, waitFor } from '@mabeam/testing';
import { expect, inject, test } from 'vitest';
import type { AgentLine, NodeEnd, NodeOptions } from '../src/node.ts';
import { hostLeaseKey } from '../src/registry.ts';
import { policy, teamOn, type Team } from './crew-team.ts';
import { openStage, readValue, startNode } from './hosting.ts';

const natsUrl = inject('natsUrl');

/** A team whose node is in this process. */
async function openTeam(
  options: Partial<NodeOptions> = {},
): Promise<Team & { readonly endNode: () => Promise<NodeEnd> }> {
  const stage = await openStage(natsUrl);
  const node = await startNode(natsUrl, { policy, ...options });
  return { ...teamOn(stage, node.id), endNode: node.stop };
}

test('agents of one module share a process, are loaded once, and each is observed and leased by itself', async () => {
  const team = await openTeam();
  await Promise.all([
    team.start('first'),
    team.start('second', { config: { desk: 2 } }),
    team.start('first', { ordinal: 1 }),
  ]);
  const [first, second] = await Promise.all([team.until('first', 'active'), team.until('second', 'active')]);
  await team.until('first', 'active', { ordinal: 1 });
  expect(first).toMatchObject({ node: team.node, definitionRevision: 3, process: expect.any(String) });
  expect(second).toMatchObject({ pid: first.pid, process: first.process });
  expect(first.incarnation).not.toBe(second.incarnation);
  const one = await team.ask('first', 'me');
  expect(await team.ask('second', 'me')).toMatchObject({
    pid: one.pid,
    config: { desk: 2 },
    asked: one.asked + 1,
  });
  expect(one.pid).not.toBe(process.pid);
  const holder = await team.holder('second');
  expect(holder).toMatchObject({
    node: team.node,
    incarnation: second.incarnation,
    host: expect.any(String),
  });
  expect(await readValue(team.stage.bus, team.stage.leases, hostLeaseKey(holder?.host ?? ''))).toMatchObject({
    node: team.node,
  });
});

test('one of a crew is stopped and started again, and the others do not notice', async () => {
  const team = await openTeam();
  await Promise.all([team.start('first'), team.start('second')]);
  const first = await team.until('first', 'active');
  await team.until('second', 'active');
  expect(await team.stop('first')).toMatchObject({ kind: 'applied' });
  await team.until('first', 'inactive');
  await waitFor(async () => (await team.holder('first')) === undefined, { what: 'the lease is given back' });
  await expect(team.ask('first', 'me')).rejects.toMatchObject({ code: 'no-responders' });
  await team.start('first');
  const again = await team.until('first', 'active');
  expect(again).toMatchObject({ pid: first.pid, restarts: 0 });
  expect(again.incarnation > first.incarnation).toBe(true);
  expect(await team.observed('second')).toMatchObject({ status: 'active', restarts: 0 });
});

test('an agent that cannot begin fails alone, and is tried as often as its policy says', async () => {
  const team = await openTeam();
  await Promise.all([team.start('sound'), team.start('broken', { config: { behaviour: 'refuse' } })]);
  await team.until('sound', 'active');
  const broken = await team.until('broken', 'failed', { restarts: 3 });
  await waitFor(async () => (await team.holder('broken')) === undefined, { what: 'it was given up' });
  expect(broken.reason).toContain('refusing as told');
  expect(await team.observed('sound')).toMatchObject({ status: 'active', restarts: 0 });
});

test.each([
  ['is not there', '/nowhere/agent.ts', 'nowhere'],
  [
    'has no agent in it',
    fileURLToPath(new URL('fixtures/no-agent.ts', import.meta.url)),
    'has no agent in it',
  ],
])('a module that %s fails those who are made of it, with the reason', async (_what, path, reason) => {
  const team = await openTeam({ policy: { ...policy, maxFailures: 0 } });
  await Promise.all([team.start('sound'), team.start('broken', { module: path })]);
  expect((await team.until('broken', 'failed')).reason).toContain(reason);
  await team.until('sound', 'active');
});

test('one that is never ready has failed in time, and its host lives on', async () => {
  const team = await openTeam({ readyTimeoutMs: 2_000 });
  await team.start('sound');
  const sound = await team.until('sound', 'active');
  await team.start('waiting', { config: { behaviour: 'hang' } });
  expect((await team.until('waiting', 'failed')).reason).toMatch(/^start-timeout/);
  expect(await team.ask('sound', 'me')).toMatchObject({ pid: sound.pid });
});

test('the end of the process they share is the failure of all, and each is started again by its policy', async () => {
  const team = await openTeam();
  await Promise.all([
    team.start('first'),
    team.start('second'),
    team.start('once', { restart: 'temporary' }),
  ]);
  const before = await team.until('first', 'active');
  await Promise.all([team.until('second', 'active'), team.until('once', 'active')]);
  process.kill(before.pid ?? 0, 'SIGKILL');
  const after = await team.until('first', 'active', { restarts: 1 });
  const second = await team.until('second', 'active', { restarts: 1 });
  expect(after.pid).not.toBe(before.pid);
  expect(second.pid).toBe(after.pid);
  expect(after.incarnation > before.incarnation).toBe(true);
  expect(await team.until('once', 'failed')).toMatchObject({ reason: expect.stringContaining('SIGKILL') });
  expect(isAlive(before.pid ?? 0)).toBe(false);
  await waitFor(async () => (await team.holder('first'))?.incarnation === after.incarnation, {
    what: 'the lease names the new incarnation',
  });
  expect(await team.ask('first', 'me')).toMatchObject({ asked: 1 });
});

test('one whose work never ends is left behind when its time is up, and nobody else is harmed', async () => {
  const team = await openTeam();
  await Promise.all([team.start('sound'), team.start('endless')]);
  await Promise.all([team.until('sound', 'active'), team.until('endless', 'active')]);
  void team.ask('endless', 'wait').catch(() => undefined);
  await team.stop('endless', { drainMs: 200 });
  await team.until('endless', 'inactive');
  expect(await team.isGone('endless')).toBe(true);
  await waitFor(async () => (await team.start('endless')).kind === 'applied', {
    what: 'it is started again',
  });
  await team.until('endless', 'active');
  expect(await team.ask('endless', 'me')).toMatchObject({ agent: 'endless' });
  expect(await team.observed('sound')).toMatchObject({ status: 'active', restarts: 0 });
});

test('one that keeps the event loop and has to end takes its host with it, and the others come back', async () => {
  const team = await openTeam();
  await Promise.all([team.start('sound'), team.start('stuck')]);
  const { pid } = await team.until('sound', 'active');
  await team.until('stuck', 'active');
  void team.ask('stuck', 'stuck').catch(() => undefined);
  await team.stop('stuck', { drainMs: 100 });
  await team.until('stuck', 'inactive');
  const sound = await team.until('sound', 'active', { restarts: 1 });
  expect(sound.pid).not.toBe(pid);
});

test('an agent on a thread has a process in common with others, and ends alone, also when it is stuck', async () => {
  const lines: AgentLine[] = [];
  const team = await openTeam({ onLine: (line) => lines.push(line) });
  await Promise.all([team.start('here'), team.start('busy', { form: 'worker' })]);
  const here = await team.until('here', 'active');
  const busy = await team.until('busy', 'active');
  expect(busy.pid).toBe(here.pid);
  expect(await team.ask('busy', 'me')).toMatchObject({ pid: here.pid, asked: 1 });
  await waitFor(() => lines.some(({ agent, line }) => agent === 'busy' && line === 'asked by me'), {
    what: 'its line is heard as its own',
  });
  void team.ask('busy', 'stuck').catch(() => undefined);
  await team.stop('busy', { drainMs: 100 });
  await team.until('busy', 'inactive');
  expect(await team.ask('here', 'me')).toMatchObject({ pid: here.pid });
  await team.start('busy', { form: 'worker' });
  await team.until('busy', 'active');
  void team.ask('busy', 'crash').catch(() => undefined);
  const again = await team.until('busy', 'active', { restarts: 1 });
  expect(again.pid).toBe(here.pid);
});

test('the same module is an agent in all three forms', async () => {
  const team = await openTeam();
  const forms = ['process', 'worker', 'in-process'] as const;
  await Promise.all(forms.map((form) => team.start(form, { form })));
  const pids = await Promise.all(forms.map(async (form) => (await team.until(form, 'active')).pid));
  const answers = await Promise.all(forms.map((form) => team.ask(form, 'me')));
  expect(answers.map(({ pid }) => pid)).toEqual(pids);
  expect(new Set(pids).size).toBe(2);
});

test('a bound on the size of a crew makes a second host, and a node that ends leaves none', async () => {
  const team = await openTeam({ crewSize: 2 });
  await Promise.all([0, 1, 2].map((ordinal) => team.start('many', { ordinal })));
  const seen = await Promise.all([0, 1, 2].map((ordinal) => team.until('many', 'active', { ordinal })));
  const pids = [...new Set(seen.map(({ pid }) => pid ?? 0))];
  expect(pids).toHaveLength(2);
  await expect(team.endNode()).resolves.toEqual({ kind: 'drained', stopped: 3 });
  expect(pids.filter(isAlive)).toEqual([]);
  expect(await team.observed('many', 2)).toMatchObject({ status: 'inactive' });
  expect(await team.holder('many', 2)).toBeUndefined();
});

test('an instance whose key somebody else has written is ended at once, alone and in silence', async () => {
  const team = await openTeam();
  await Promise.all([team.start('mine'), team.start('lost')]);
  await Promise.all([team.until('mine', 'active'), team.until('lost', 'active')]);
  const other = { node: 'there', pid: 1, incarnation: 'other-0' };
  await putKey(team.stage.bus, team.stage.leases, 'instance.lost.0', other);
  await waitFor(() => team.isGone('lost'), { what: 'it answers no more' });
  expect(await team.observed('lost')).toMatchObject({ status: 'active' });
  expect(await team.holder('lost')).toEqual(other);
  expect(await team.ask('mine', 'me')).toMatchObject({ agent: 'mine' });
});

test('a key that was deleted by hand is written again', async () => {
  const team = await openTeam();
  await team.start('mine');
  const { incarnation } = await team.until('mine', 'active');
  await deleteKey(team.stage.bus, team.stage.leases, 'instance.mine.0');
  const holder = await waitFor(() => team.holder('mine'), { what: 'it is held again' });
  expect(holder).toMatchObject({ incarnation });
});

test.each(['process', 'in-process'] as const)(
  'what an absent host has left behind is taken over by an instance of the form %s, and what a living one has is not',
  async (form) => {
    const team = await openTeam();
    const left = { node: 'gone', pid: 1, incarnation: 'old-0', host: 'h0' };
    await putKey(team.stage.bus, team.stage.leases, 'instance.words.0', left);
    await putKey(team.stage.bus, team.stage.leases, 'host.h0', { node: 'gone' }, { ttlMs: 1_000 });
    expect(await team.start('words', { form })).toEqual({ kind: 'rejected', reason: 'lease-held' });
    await waitFor(async () => (await team.start('words', { form })).kind === 'applied', {
      what: 'it is taken over',
    });
    await team.until('words', 'active');
  },
);
