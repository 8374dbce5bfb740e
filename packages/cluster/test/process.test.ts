import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isAlive, waitFor } from '@mabeam/testing';
import { expect, onTestFinished, test } from 'vitest';
import { superviseProcess, type ProcessOptions, type ProcessState } from '../src/process.ts';

const agent = fileURLToPath(new URL('fixtures/agent.mjs', import.meta.url));

interface Observed {
  readonly states: ProcessState[];
  readonly lines: string[];
  readonly messages: unknown[];
}

/** Starts a process that is stopped with the test, and records what it does. */
function supervise(options: Partial<ProcessOptions>) {
  const observed: Observed = { states: [], lines: [], messages: [] };
  const supervised = superviseProcess({
    name: 'subject',
    command: 'true',
    policy: { maxFailures: 3, windowMs: 60_000, backoffMs: 10, backoffMaxMs: 100 },
    onChange: (state) => observed.states.push(state),
    onLine: (stream, line) => observed.lines.push(`${stream}: ${line}`),
    onMessage: (message) => observed.messages.push(message),
    ...options,
  });
  onTestFinished(async () => void (await supervised.stop({ drainMs: 0 })));
  return { supervised, ...observed };
}

const agentThat = (behaviour: string): Partial<ProcessOptions> => ({
  command: process.execPath,
  args: [agent],
  env: () => ({ ...process.env, MABEAM_CONFIG: JSON.stringify({ behaviour }) }),
});

const kinds = (states: readonly ProcessState[]): string[] => states.map((state) => state.kind);

const ready = (messages: readonly unknown[]): Promise<unknown> =>
  waitFor(() => JSON.stringify(messages).includes('{"kind":"ready"}'), { what: 'the child has said ready' });

test('a child says it is ready on its control pipe, drains on SIGTERM and is stopped', async () => {
  const { supervised, states, messages } = supervise(agentThat('polite'));
  await ready(messages);
  expect(supervised.state.kind).toBe('running');
  await expect(supervised.stop()).resolves.toEqual({ kind: 'stopped', reason: 'exit code 0' });
  expect(messages).toEqual([{ kind: 'ready' }, { kind: 'drained' }]);
  expect(kinds(states)).toEqual(['starting', 'running', 'stopping', 'stopped']);
  expect(supervised.pid).toBeUndefined();
});

test('a crash loop is restarted three times and then given up, every line of it heard', async () => {
  const { supervised, states, lines } = supervise(agentThat('crash'));
  const end = await supervised.exited;
  expect(end).toEqual({ kind: 'failed', reason: 'exit code 1 after 3 restarts within 60 s' });
  expect(supervised.restartCount).toBe(3);
  expect(kinds(states).filter((kind) => kind === 'starting')).toHaveLength(4);
  expect(lines.filter((line) => line === 'stderr: crashing as told')).toHaveLength(4);
});

test('a child that ignores SIGTERM is killed after its drain', async () => {
  const { supervised, messages } = supervise(agentThat('stubborn'));
  await ready(messages);
  const beganMs = performance.now();
  await expect(supervised.stop({ drainMs: 200 })).resolves.toEqual({
    kind: 'stopped',
    reason: 'signal SIGKILL',
  });
  expect(performance.now() - beganMs).toBeGreaterThanOrEqual(195);
});

test('a second stop can shorten the drain', async () => {
  const { supervised, messages } = supervise(agentThat('stubborn'));
  await ready(messages);
  const first = supervised.stop({ drainMs: 60_000 });
  await supervised.stop({ drainMs: 0 });
  await expect(first).resolves.toEqual({ kind: 'stopped', reason: 'signal SIGKILL' });
});

test('stopping while a restart waits cancels the restart', async () => {
  const policy = { maxFailures: 3, windowMs: 60_000, backoffMs: 30_000, backoffMaxMs: 30_000 };
  const { supervised, states } = supervise({ command: 'false', policy });
  await waitFor(() => supervised.state.kind === 'restarting', { what: 'the process waits for its restart' });
  await expect(supervised.stop()).resolves.toMatchObject({ kind: 'stopped' });
  expect(kinds(states)).toEqual(['starting', 'running', 'restarting', 'stopped']);
});

test('a command that does not exist fails with its name', async () => {
  const { supervised } = supervise({ command: '/nonexistent/agent', restart: 'temporary' });
  const end = await supervised.exited;
  expect(end).toEqual({ kind: 'failed', reason: 'spawn /nonexistent/agent ENOENT' });
});

test('a folder that does not exist fails with the name of the problem', async () => {
  const { supervised } = supervise({ cwd: '/nonexistent', restart: 'temporary' });
  const end = await supervised.exited;
  expect(end.reason).toContain('ENOENT');
});

test('the environment of a run is made anew for each run', async () => {
  const { supervised, lines } = supervise({
    command: '/bin/sh',
    args: ['-c', 'echo "run $RUN"; exit 1'],
    env: (run) => ({ ...process.env, RUN: String(run) }),
  });
  await supervised.exited;
  expect(lines).toEqual(['stdout: run 0', 'stdout: run 1', 'stdout: run 2', 'stdout: run 3']);
});

test('what a shell started ends with the shell', async () => {
  const { supervised, lines } = supervise({ command: '/bin/sh', args: ['-c', 'sleep 1000 & echo $!; wait'] });
  await waitFor(() => lines.length === 1, { what: 'the shell has printed the pid of its child' });
  const grandchild = Number(lines[0]?.replace('stdout: ', ''));
  await supervised.stop();
  const gone = waitFor(() => !isAlive(grandchild), { what: 'the grandchild is gone', timeoutMs: 1_000 });
  await expect(gone).resolves.toBe(true);
});

test('the last words of a process are heard before its end', async () => {
  const { lines, supervised } = supervise({
    command: '/bin/sh',
    args: ['-c', 'i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; printf last'],
    restart: 'temporary',
  });
  await supervised.exited;
  expect(lines).toHaveLength(2_001);
  expect(lines.at(-1)).toBe('stdout: last');
});

/** Starts a parent that supervises a module, and resolves with the child's pid once it is ready. */
async function startParent(module: string, argument: string) {
  const parent = spawn(
    process.execPath,
    [
      '--conditions=@mabeam/source',
      fileURLToPath(new URL('fixtures/parent.ts', import.meta.url)),
      module,
      argument,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(() => void parent.kill('SIGKILL'));
  const lines = createInterface({ input: parent.stdout });
  const [line] = await once(lines, 'line', { signal: AbortSignal.timeout(5_000) });
  return { parent, pid: Number(line) };
}

test.each(['polite', 'stubborn', 'blocked'])(
  'kill -9 of the parent ends a %s child within a second',
  async (behaviour) => {
    const { parent, pid } = await startParent(agent, behaviour);
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit', { signal: AbortSignal.timeout(1_000) });
    await waitFor(() => !isAlive(pid), { what: 'the child is gone', timeoutMs: 1_000 });
  },
);

test('a command hears of its parent’s death and may end in order', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mabeam-command-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const module = fileURLToPath(new URL('fixtures/command.ts', import.meta.url));
  const { parent, pid } = await startParent(module, join(folder, 'heard'));
  parent.kill('SIGKILL');
  await waitFor(() => !isAlive(pid), { what: 'the command is gone', timeoutMs: 1_000 });
  await expect(readFile(join(folder, 'heard'), 'utf8')).resolves.toBe('control taken');
});
