import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  connectBus,
  ensureStreams,
  parseJson,
  readKey,
  spaceNames,
  spaceStreams,
  type Bus,
} from '@mabeam/bus';
import { freshSpace, waitFor } from '@mabeam/testing';
import { describe, expect, inject, onTestFinished, test } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

function run(...flags: string[]): ChildProcess {
  const args = ['--conditions=@mabeam/source', main, ...flags];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, NATS_URL: inject('natsUrl') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A test that fails leaves nobody behind.
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function ended(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  child.stdout?.on('data', (data) => (output += String(data)));
  child.stderr?.on('data', (data) => (output += String(data)));
  const [code] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : null, output };
}

async function openSpaces(count: number): Promise<{ bus: Bus; spaces: readonly string[] }> {
  const bus = await connectBus({ url: inject('natsUrl'), name: 'test' });
  const spaces = Array.from({ length: count }, () => freshSpace());
  for (const space of spaces) await ensureStreams(bus, spaceStreams(space));
  return { bus, spaces };
}

/** The pid that holds the leader's lease of a space now. */
async function holder(bus: Bus, space: string): Promise<number | undefined> {
  const entry = await readKey(bus, spaceNames(space).leases, 'leader');
  if (entry?.operation !== 'put') return undefined;
  return (parseJson(entry.data) as { pid: number }).pid;
}

const leadsBy = (bus: Bus, space: string, child: ChildProcess) =>
  waitFor(async () => (await holder(bus, space)) === child.pid, {
    what: `process ${child.pid} leads ${space}`,
    timeoutMs: 10_000,
  });

describe('mabeam-orchestrator', () => {
  test('a killed leader is succeeded by the standby; SIGTERM gives every lease back and exits 0', async () => {
    const { bus, spaces } = await openSpaces(2);
    await using _bus = bus;
    const flags = spaces.flatMap((space) => ['--space', space]);
    const first = run(...flags);
    for (const space of spaces) await leadsBy(bus, space, first);
    const second = run(...flags);
    const stopped = ended(second);
    const killed = ended(first);
    first.kill('SIGKILL');
    await killed;
    for (const space of spaces) await leadsBy(bus, space, second);
    second.kill('SIGTERM');
    expect(await stopped).toMatchObject({ code: 0 });
    for (const space of spaces) expect(await holder(bus, space)).toBeUndefined();
  }, 60_000);

  test('--help teaches, a wrong flag, a missing or a wrong space exit 2', async () => {
    const [help, wrongFlag, noSpace, badSpace] = await Promise.all([
      ended(run('--help')),
      ended(run('--spaces', 'desk')),
      ended(run()),
      ended(run('--space', 'Desk')),
    ]);
    expect(help).toMatchObject({
      code: 0,
      output: expect.stringContaining('mabeam-orchestrator --space NAME'),
    });
    expect(wrongFlag).toMatchObject({ code: 2, output: expect.stringContaining('--spaces') });
    expect(noSpace).toMatchObject({ code: 2, output: expect.stringContaining('--space NAME') });
    expect(badSpace).toMatchObject({ code: 2, output: expect.stringContaining('invalid-id') });
  }, 60_000);
});
