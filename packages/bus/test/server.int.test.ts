/** A nats-server as our child: its start, its end, its store, its port. Real processes throughout. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager, jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { processesNaming, waitFor } from '@mabeam/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isAlive, startServer } from '../src/server/index.ts';

let storeDir: string;

beforeEach(() => {
  storeDir = mkdtempSync(join(tmpdir(), 'mabeam-store-test-'));
});

afterEach(async () => {
  await waitFor(async () => (await processesNaming(storeDir)).length === 0, { what: 'no process is left' });
  rmSync(storeDir, { recursive: true, force: true });
});

/** Starts a process of its own that starts a server; with no store named, on a temporary one. */
async function startInChild(store?: string) {
  const script = join(import.meta.dirname, 'server-fixtures/start-and-report.ts');
  const child = spawn(process.execPath, ['--conditions=@mabeam/source', script, ...(store ? [store] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line]: unknown[] = await once(child.stdout, 'data', { signal: AbortSignal.timeout(10_000) });
  // The fixture prints exactly this.
  const server = JSON.parse(String(line)) as { url: string; pid: number; storeDir: string };
  return { child, server };
}

/** How many messages the stream S holds; adds one first when told to. */
async function countMessages(url: string, options: { readonly add: boolean }): Promise<number> {
  const nc = await connect({ servers: url });
  try {
    const manager = await jetstreamManager(nc);
    if (options.add) {
      await manager.streams.add({ name: 'S', subjects: ['s'] });
      await jetstream(nc).publish('s', 'kept');
    }
    return (await manager.streams.info('S')).state.messages;
  } finally {
    await nc.close();
  }
}

test('a server that was stopped is gone when stop returns, and stopping twice is nothing', async () => {
  const server = await startServer({ storeDir });
  expect(isAlive(server.pid)).toBe(true);
  await server.stop();
  expect(isAlive(server.pid)).toBe(false);
  expect(await server.exited).toEqual({ code: 0, signal: undefined });
  await server.stop();
});

test('what was stored is there after a restart on the same store and port', async () => {
  const first = await startServer({ storeDir });
  expect(await countMessages(first.url, { add: true })).toBe(1);
  await first.stop();
  await using again = await startServer({ storeDir, port: first.port });
  expect(again.url).toBe(first.url);
  expect(await countMessages(again.url, { add: false })).toBe(1);
});

test('a killed server reports the signal, and its store can be started again at once', async () => {
  const first = await startServer({ storeDir });
  await countMessages(first.url, { add: true });
  process.kill(first.pid, 'SIGKILL');
  expect(await first.exited).toEqual({ code: undefined, signal: 'SIGKILL' });
  await using again = await startServer({ storeDir, port: first.port });
  expect(await countMessages(again.url, { add: false })).toBe(1);
});

test('a temporary store is gone when its server is', async () => {
  const server = await startServer();
  expect(existsSync(join(server.storeDir, 'jetstream'))).toBe(true);
  await server.stop();
  expect(existsSync(server.storeDir)).toBe(false);
});

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'a parent that ends by %s leaves neither server nor temporary store behind',
  async (signal) => {
    const { child, server } = await startInChild();
    expect(isAlive(server.pid)).toBe(true);
    child.kill(signal);
    await waitFor(() => !isAlive(server.pid), { what: 'the server has ended' });
    await waitFor(() => !existsSync(server.storeDir), { what: 'the temporary store is removed' });
    expect(
      await waitFor(async () => (await processesNaming(server.storeDir)).length === 0, {
        what: 'no guard is left',
      }),
    ).toBe(true);
  },
);

test('a store in use is refused, naming the store and a process that holds it', async () => {
  await using first = await startServer({ storeDir });
  const second = startServer({ storeDir });
  await expect(second).rejects.toMatchObject({
    code: 'store-in-use',
    message: expect.stringContaining(storeDir),
  });
  const holder: unknown = await second.catch((error: unknown) => error);
  const guards = (await processesNaming(storeDir)).map(({ pid }) => pid);
  expect(holder).toMatchObject({
    details: { storeDir, pid: expect.toSatisfy((pid: number) => guards.includes(pid)) },
  });
  expect(isAlive(first.pid)).toBe(true);
});

test('of five starts on one store at once exactly one succeeds or none does, and a store is never shared', async () => {
  const starts = await Promise.allSettled(Array.from({ length: 5 }, () => startServer({ storeDir })));
  const started = starts.filter((start) => start.status === 'fulfilled').map(({ value }) => value);
  const refused = starts
    .filter((start) => start.status === 'rejected')
    .map(({ reason }) => reason as unknown);
  expect(started.length).toBeLessThanOrEqual(1);
  for (const reason of refused) expect(reason).toMatchObject({ code: 'store-in-use' });
  await Promise.all(started.map((server) => server.stop()));
  expect(readdirSync(join(storeDir, 'locks'))).toEqual([]);
});

test('the lock of a killed parent is taken over', async () => {
  const { child } = await startInChild(storeDir);
  child.kill('SIGKILL');
  await waitFor(async () => (await processesNaming(storeDir)).length === 0, {
    what: 'the first server has ended',
  });
  await using second = await startServer({ storeDir });
  expect(isAlive(second.pid)).toBe(true);
});

test('a taken port is named together with the cure, and the store is free again', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  // A listening TCP server has a port.
  const { port } = other.address() as AddressInfo;
  const start = startServer({ storeDir, port });
  await expect(start).rejects.toMatchObject({ code: 'port-taken', details: { port } });
  await expect(start).rejects.toThrow(new RegExp(`port ${port} is taken.*choose another port.*NATS_URL`));
  other.close();
  await once(other, 'close');
  await using server = await startServer({ storeDir, port });
  expect(server.port).toBe(port);
});

test('a server that dies at its start is reported with the last lines of its log', async () => {
  const start = startServer({ storeDir, config: ['no_such_setting: 1'] });
  await expect(start).rejects.toMatchObject({
    code: 'server-failed',
    message: expect.stringMatching(/Its last words:\n.*no_such_setting/s),
  });
});

test('configuration lines reach the server', async () => {
  await using server = await startServer({ storeDir, config: ['max_payload: 2048'], name: 'configured' });
  const nc = await connect({ servers: server.url });
  expect(nc.info).toMatchObject({ max_payload: 2048, server_name: 'configured' });
  await nc.close();
});

test('a cancelled start leaves nothing', async () => {
  await expect(startServer({ storeDir, signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'cancelled',
  });
});

test('a store folder that cannot be made is refused', async () => {
  const start = startServer({ storeDir: '/dev/null/store' });
  await expect(start).rejects.toMatchObject({
    code: 'server-failed',
    message: expect.stringContaining('/dev/null/store'),
  });
});
