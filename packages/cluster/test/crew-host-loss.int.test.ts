/** Agents that share a process, when their node is killed or loses the server: no twins, no orphans. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { deleteKey, putKey, readKey } from '@mabeam/bus';
import { freshSpace, isAlive, openFaultProxy, waitFor } from '@mabeam/testing';
import { expect, inject, onTestFinished, test } from 'vitest';
import { policy, teamOn, type Team } from './crew-team.ts';
import { openStage, startNode } from './hosting.ts';

const natsUrl = inject('natsUrl');

/** A node in a process of its own, to be killed. */
async function spawnNode(): Promise<{ readonly id: string; readonly child: ChildProcess }> {
  const id = freshSpace('doomed');
  const path = fileURLToPath(new URL('fixtures/node.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@mabeam/source', path, id], {
    env: { ...process.env, NATS_URL: natsUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(createInterface({ input: child.stdout }), 'line');
  return { id, child };
}

test('a killed node leaves no agents, and another node has them after the lease of their host is over', async () => {
  const stage = await openStage(natsUrl);
  const [doomed, heir] = [await spawnNode(), await startNode(natsUrl, { policy })];
  const [first, second] = [teamOn(stage, doomed.id), teamOn(stage, heir.id)];
  const form = { busy: 'worker', calm: 'in-process' } as const;
  await Promise.all([first.start('busy', { form: form.busy }), first.start('calm', { form: form.calm })]);
  const [busy, calm] = await Promise.all([first.until('busy', 'active'), first.until('calm', 'active')]);
  expect(await second.start('calm')).toEqual({ kind: 'rejected', reason: 'lease-held' });
  doomed.child.kill('SIGKILL');
  await waitFor(() => !isAlive(busy.pid ?? 0), { what: 'their process is gone', timeoutMs: 2_000 });
  for (const agent of ['busy', 'calm'] as const) {
    await waitFor(async () => (await second.start(agent, { form: form[agent] })).kind === 'applied', {
      what: `${agent} is taken over`,
    });
  }
  const isOn = async (team: Team, agent: string): Promise<boolean> =>
    (await team.observed(agent))?.node === heir.id;
  await waitFor(() => isOn(second, 'calm'), { what: 'it is observed on the other node' });
  const after = await second.until('calm', 'active');
  await second.until('busy', 'active');
  expect(after.incarnation > calm.incarnation).toBe(true);
  const answers = await Promise.all(Array.from({ length: 20 }, () => second.ask('calm', 'me')));
  expect(new Set(answers.map(({ pid }) => pid))).toEqual(new Set([after.pid]));
});

/** A node in this process that reaches the server by a proxy, with two agents in one process. */
async function openTeamBehindProxy() {
  const proxy = await openFaultProxy(natsUrl);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const stage = await openStage(natsUrl);
  const node = await startNode(proxy.url, { policy });
  const team = teamOn(stage, node.id);
  await Promise.all([team.start('calm'), team.start('lost')]);
  const [calm, lost] = await Promise.all([team.until('calm', 'active'), team.until('lost', 'active')]);
  return { proxy, team, calm, lost };
}

test('while the server is away agents keep running; afterwards each is held again, and whoever was taken over ends', async () => {
  const { proxy, team, calm, lost } = await openTeamBehindProxy();
  const { host } = (await team.holder('lost')) ?? {};
  const before = await readKey(team.stage.bus, team.stage.leases, 'instance.calm.0');
  proxy.refuse();
  proxy.cut();
  const hostKey = (): Promise<unknown> => team.lease(`host.${host}`);
  await waitFor(async () => (await hostKey()) === undefined, {
    what: 'the lease of the host is over',
    timeoutMs: 4_000,
  });
  expect(isAlive(calm.pid ?? 0)).toBe(true);
  const other = { node: 'there', pid: 1, incarnation: 'other-0' };
  await deleteKey(team.stage.bus, team.stage.leases, 'instance.lost.0');
  await putKey(team.stage.bus, team.stage.leases, 'instance.lost.0', other);
  proxy.accept();
  await waitFor(async () => (await hostKey()) !== undefined, {
    what: 'the host has its lease again',
    timeoutMs: 10_000,
  });
  const isBack = async (): Promise<boolean> => (await team.ask('calm', 'me')).pid === calm.pid;
  await waitFor(isBack, { what: 'who was not taken over answers again', timeoutMs: 10_000 });
  await waitFor(() => team.isGone('lost'), { what: 'who was taken over is gone', timeoutMs: 10_000 });
  expect(await team.holder('lost')).toEqual(other);
  expect(await team.holder('calm')).toMatchObject({ host, incarnation: calm.incarnation });
  const key = await readKey(team.stage.bus, team.stage.leases, 'instance.calm.0');
  expect(key?.revision).toBeGreaterThan(before?.revision ?? Infinity);
  expect(await team.observed('calm')).toMatchObject({ status: 'active', restarts: 0 });
  expect(lost.pid).toBe(calm.pid);
});
