/** `mabeam dev` as a process: how it begins, how it is refused, and that nothing of it stays. */
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { freshSpace, processesNaming, startTestServer, waitFor } from '@mabeam/testing';
import { startDev } from '../src/dev.ts';
import { lineOf, runCommand, startCommand } from './command-line.ts';

const file = fileURLToPath(new URL('fixtures/space.yaml', import.meta.url));

interface Ready {
  readonly url: string;
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
}

/** Starts `mabeam dev` with a store of its own and waits until it is ready and its agent runs. */
async function startDevCommand(...args: readonly string[]) {
  const child = startCommand(['dev', file, '--port', 'random', '-o', 'json', ...args]);
  onTestFinished(() => void child.kill('SIGKILL'));
  // The shape of what `dev` says; a missing field fails the test that reads it.
  const ready = (await lineOf(child, ({ kind }) => kind === 'ready')) as unknown as Ready;
  return { child, url: ready.url, processes: ready.processes };
}

/** A folder for a store whose name is on the command line of all that use it. */
function storeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mabeam-dev-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function isGone(name: string): Promise<boolean> {
  return waitFor(async () => (await processesNaming(name)).length === 0, {
    what: `no process names ${name}`,
    timeoutMs: 8_000,
    everyMs: 50,
  });
}

test('kill -9 of mabeam dev leaves no process: no server, no node, no agent', async () => {
  const store = storeFolder();
  const { child, url } = await startDevCommand('--store', store);
  expect((await processesNaming(url)).length).toBeGreaterThanOrEqual(3);
  child.kill('SIGKILL');
  expect(await isGone(url)).toBe(true);
  expect(await isGone(store)).toBe(true);
});

test('SIGTERM stops everything in order and exits 0; the state is there at the next start', async () => {
  const store = storeFolder();
  const first = await startDevCommand('--store', store);
  const set = ['variable', 'set', 'threshold', '0.25', '--server', first.url, '-o', 'json'];
  expect((await runCommand(set)).exit).toBe(0);
  first.child.kill('SIGTERM');
  await waitFor(() => first.child.exitCode !== null, { what: 'it has ended', timeoutMs: 15_000 });
  expect(first.child.exitCode).toBe(0);
  expect(await isGone(store)).toBe(true);
  const second = await startDevCommand('--store', store);
  const kept = await runCommand(['variable', 'get', 'threshold', '--server', second.url, '-o', 'json']);
  expect(JSON.parse(kept.stdout)).toMatchObject({ value: 0.25 });
  second.child.kill('SIGTERM');
  await waitFor(() => second.child.exitCode !== null, { what: 'it has ended', timeoutMs: 15_000 });
}, 60_000);

test('a port that is taken is refused as port-taken with exit 5', async () => {
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  onTestFinished(() => void squatter.close());
  // The server listens on TCP, so its address is one.
  const { port } = squatter.address() as AddressInfo;
  const refused = await runCommand(['dev', file, '--port', String(port), '-o', 'json']);
  expect(refused.exit).toBe(5);
  expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: 'port-taken' } });
});

test('a missing nats-server is refused as server-not-found with exit 5', async () => {
  const refused = await runCommand(['dev', file, '--port', 'random', '-o', 'json'], {
    NATS_SERVER_BIN: join(tmpdir(), 'no-such-nats-server'),
  });
  expect(refused.exit).toBe(5);
  expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: 'server-not-found' } });
});

test('on a server that is there nothing is started but the rest, and a part that cannot start is told with its words', async () => {
  // Its own server: on a shared one other tests' orchestrators would place agents on these nodes.
  await using server = await startTestServer();
  const { url } = server;
  const space = freshSpace('dev');
  await using session = await startDev({ url, spaces: [space] });
  expect(session.url).toBe(url);
  expect(session.processes().map(({ name }) => name)).toEqual(['orchestrator', 'node', 'observer']);
  const nodeId = freshSpace('node');
  await using _first = await startDev({ url, spaces: [space], nodeId });
  await expect(startDev({ url, spaces: [space], nodeId })).rejects.toMatchObject({
    code: 'dev-process-failed',
    message: expect.stringMatching(/^node: exit code 3, 3 times in a row; it said: .*already/),
  });
}, 60_000);

test('a space definition with a mistake is refused with its line, before anything is started', async () => {
  const refused = await runCommand(['dev', fileURLToPath(new URL('fixtures/broken.yaml', import.meta.url))]);
  expect(refused.exit).toBe(2);
  expect(refused.stderr).toMatch(/broken\.yaml:\d+:\d+: .*did you mean "agents"/);
});

test('a reader that goes away ends the output quietly', async () => {
  const { url } = await startDevCommand('--store', storeFolder());
  const child = startCommand(['event', 'tail', '--from', '1', '-o', 'json', '--server', url]);
  onTestFinished(() => void child.kill('SIGKILL'));
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => void (complaint += chunk.toString()));
  await once(child.stdout ?? child, 'data');
  child.stdout?.destroy();
  const trigger = ['event', 'publish', 'nobody-listens', '--server', url];
  await waitFor(
    async () => {
      await runCommand(trigger);
      return child.exitCode !== null;
    },
    { what: 'it has ended', timeoutMs: 10_000 },
  );
  expect({ exit: child.exitCode, complaint }).toEqual({ exit: 0, complaint: '' });
});
