import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  connectBus,
  deleteStreams,
  ensureStreams,
  nodesBucket,
  platformStreams,
  readKey,
  spaceStreams,
  type Bus,
} from '@mabeam/bus';
import { orderStart, type NodeReply } from '@mabeam/cluster';
import { freshSpace, isAlive, waitFor } from '@mabeam/testing';
import { expect, inject, onTestFinished, test } from 'vitest';

const natsUrl = inject('natsUrl');
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

interface Program {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly exitCode: Promise<number | null>;
}

/** Runs the command; it is killed with the test. */
function run(...flags: string[]): Program {
  const child = spawn(process.execPath, ['--conditions=@mabeam/source', main, ...flags], {
    env: { ...process.env, NATS_URL: natsUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const exitCode = once(child, 'close', { signal: AbortSignal.timeout(15_000) }).then(() => child.exitCode);
  return { child, lines, exitCode };
}

async function runUntilReady(id: string): Promise<Program> {
  const program = run('--id', id);
  await waitFor(() => program.lines.some((line) => line.includes('node ready')), {
    what: 'the node is ready',
    timeoutMs: 10_000,
  });
  return program;
}

async function openSpace(): Promise<{ readonly bus: Bus; readonly space: string }> {
  const bus = await connectBus({ url: natsUrl, name: 'node test' });
  onTestFinished(() => bus.close());
  const space = freshSpace('node');
  const streams = spaceStreams(space);
  onTestFinished(() =>
    deleteStreams(
      bus,
      streams.map(({ name }) => name),
    ),
  );
  await ensureStreams(bus, [...platformStreams(), ...streams]);
  return { bus, space };
}

/** Orders the node to run a shell that says hello and waits. */
function start(bus: Bus, node: string, space: string): Promise<NodeReply> {
  const command: [string, ...string[]] = ['/bin/sh', '-c', 'echo hello; sleep 1000'];
  const spec = { v: 1, id: 'words', role: 'executor', run: { command }, replicas: 1, config: {} } as const;
  return orderStart(bus, node, {
    space,
    agent: 'words',
    ordinal: 0,
    spec: { ...spec, variables: {}, restart: 'permanent' },
    definitionRevision: 1,
    leaderRevision: 1,
  });
}

test('SIGTERM drains the agents of a node, removes it and exits 0', async () => {
  const { bus, space } = await openSpace();
  const id = freshSpace('node');
  const node = await runUntilReady(id);
  const { pid = 0 } = await start(bus, id, space);
  await waitFor(() => node.lines.some((line) => line.includes('words is active')), {
    what: 'the agent is active',
  });
  expect(isAlive(pid)).toBe(true);
  node.child.kill('SIGTERM');
  await expect(node.exitCode).resolves.toBe(0);
  expect(isAlive(pid)).toBe(false);
  expect((await readKey(bus, nodesBucket, id))?.operation).toBe('delete');
});

test('a killed node leaves no agent behind, and its successor under the same id starts it again', async () => {
  const { bus, space } = await openSpace();
  const id = freshSpace('node');
  const first = await runUntilReady(id);
  const { pid = 0 } = await start(bus, id, space);
  first.child.kill('SIGKILL');
  await first.exitCode;
  await waitFor(() => !isAlive(pid), { what: 'the agent is gone', timeoutMs: 1_000 });
  await runUntilReady(id);
  const again = await waitFor(
    async () => {
      const reply = await start(bus, id, space);
      return reply.kind === 'applied' && reply;
    },
    { what: 'the successor runs the agent' },
  );
  expect(again.pid).not.toBe(pid);
});

test.each([
  [['--help'], 0, 'mabeam-node [--id NAME]'],
  [['--nonsense'], 2, '--help'],
  [['--id', 'Not An Id'], 2, 'invalid-id'],
])('%j exits with %i and says why', async (flags, code, text) => {
  const program = run(...flags);
  await expect(program.exitCode).resolves.toBe(code);
  expect(program.lines.join('\n')).toContain(text);
});
