import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isAlive, openFaultProxy, waitFor } from '@mabeam/testing';
import { expect, inject, onTestFinished, test } from 'vitest';
import { agentModule, hosted, openStage, wordsThat, type Stage } from './hosting.ts';

const natsUrl = inject('natsUrl');

const isActive = (stage: Stage): Promise<unknown> =>
  waitFor(async () => (await stage.observed())?.status === 'active', { what: 'the instance is active' });

/** A stage whose host reaches the server through a proxy. */
async function openStageBehindProxy() {
  const proxy = await openFaultProxy(natsUrl);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  return { proxy, stage: await openStage(natsUrl, proxy.url) };
}

test('while the server is away an agent keeps running, and has its lease again afterwards', async () => {
  const { proxy, stage } = await openStageBehindProxy();
  const instance = hosted(await stage.host(wordsThat('polite')));
  await isActive(stage);
  const { pid, incarnation } = instance;
  proxy.refuse();
  proxy.cut();
  await waitFor(async () => (await stage.holder()) === undefined, {
    what: 'the lease has expired',
    timeoutMs: 4_000,
  });
  expect(isAlive(pid ?? 0)).toBe(true);
  proxy.accept();
  await waitFor(async () => (await stage.holder())?.incarnation === incarnation, {
    what: 'the lease is ours again',
  });
  expect(instance.pid).toBe(pid);
  expect(await stage.observed()).toMatchObject({ status: 'active', incarnation, restarts: 0 });
  await expect(instance.stop()).resolves.toMatchObject({ kind: 'inactive' });
});

test('what happened while the server was away is written afterwards', async () => {
  const { proxy, stage } = await openStageBehindProxy();
  const instance = hosted(await stage.host(wordsThat('polite')));
  await isActive(stage);
  proxy.refuse();
  proxy.cut();
  await waitFor(() => !stage.hostBus.connected, { what: 'the host has lost the server' });
  process.kill(instance.pid ?? 0, 'SIGKILL');
  await waitFor(() => instance.observed.restarts === 1 && instance.observed.status === 'active', {
    what: 'the agent is active again',
  });
  expect(await stage.observed()).toMatchObject({ restarts: 0 });
  proxy.accept();
  await waitFor(async () => (await stage.observed())?.restarts === 1, { what: 'the restart is written' });
  await isActive(stage);
  expect(instance.observed.restarts).toBe(1);
});

test('who finds another host under its lease after an absence of the server ends at once', async () => {
  const { proxy, stage } = await openStageBehindProxy();
  const instance = hosted(await stage.host(wordsThat('stubborn')));
  await isActive(stage);
  const { pid } = instance;
  proxy.refuse();
  proxy.cut();
  const elsewhere = await openStage(natsUrl);
  const successor = await waitFor(
    async () => {
      const result = await elsewhere.host(wordsThat('polite'), { space: stage.space, node: 'there' });
      return result.kind === 'hosted' ? result.instance : undefined;
    },
    { what: 'another host has taken the instance over', timeoutMs: 4_000 },
  );
  proxy.accept();
  await expect(instance.ended).resolves.toEqual({ kind: 'fenced', reason: 'somebody else holds the lease' });
  expect(isAlive(pid ?? 0)).toBe(false);
  await waitFor(async () => (await stage.observed())?.status === 'active', {
    what: 'the successor is active',
  });
  expect(await stage.observed()).toMatchObject({ node: 'there', incarnation: successor.incarnation });
});

test('who cannot learn whether the lease is still held ends before anybody else is believed twice', async () => {
  const { proxy, stage } = await openStageBehindProxy();
  const instance = hosted(await stage.host(wordsThat('stubborn')));
  await isActive(stage);
  const { pid } = instance;
  proxy.freeze();
  await waitFor(() => !isAlive(pid ?? 0), { what: 'the agent is gone', timeoutMs: 4_000 });
  await expect(instance.ended).resolves.toEqual({
    kind: 'fenced',
    reason: 'nobody says who holds the lease',
  });
  proxy.thaw();
});

test.each(['polite', 'blocked'])(
  'kill -9 of a host ends its %s agent within a second, and its lease expires',
  async (behaviour) => {
    const stage = await openStage(natsUrl);
    const host = spawn(
      process.execPath,
      [
        '--conditions=@mabeam/source',
        fileURLToPath(new URL('fixtures/host.ts', import.meta.url)),
        stage.space,
        agentModule,
        behaviour,
      ],
      { env: { ...process.env, NATS_URL: natsUrl }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    onTestFinished(() => void host.kill('SIGKILL'));
    const [line] = await once(createInterface({ input: host.stdout }), 'line', {
      signal: AbortSignal.timeout(10_000),
    });
    const pid = Number(line);
    expect(isAlive(pid)).toBe(true);
    expect(await stage.holder()).toMatchObject({ node: 'doomed', pid: host.pid });
    host.kill('SIGKILL');
    await once(host, 'exit', { signal: AbortSignal.timeout(1_000) });
    await waitFor(() => !isAlive(pid), { what: 'the agent is gone', timeoutMs: 1_000 });
    await waitFor(async () => (await stage.holder()) === undefined, {
      what: 'the lease has expired',
      timeoutMs: 3_000,
    });
  },
);
