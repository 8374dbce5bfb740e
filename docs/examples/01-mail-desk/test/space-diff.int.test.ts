/** The desk's definition on a server: what is applied is what the file says, and stays so while its variables move. */
import { execFile, type ExecFileException } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestServer } from '@mabeam/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';

const launcher = fileURLToPath(new URL('../../../../cmd/mabeam/bin/mabeam.js', import.meta.url));
const file = fileURLToPath(new URL('../space.yaml', import.meta.url));
const endMs = 15_000;

type TestServer = Awaited<ReturnType<typeof startTestServer>>;

let server: TestServer;
let folder: string;
beforeAll(async () => {
  server = await startTestServer();
  folder = await mkdtemp(join(tmpdir(), 'mail-desk-space-'));
}, 60_000);
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly exit: number;
  readonly output: string;
}

/** Runs `mabeam` to its end. */
function mabeam(...args: readonly string[]): Promise<Ended> {
  const env = { ...process.env, NATS_URL: server.url, MABEAM_SPACE: 'mail-desk' };
  return new Promise((resolve) => {
    const ended = (error: ExecFileException | null, stdout: string, stderr: string): void =>
      resolve({ exit: error === null ? 0 : Number(error.code ?? -1), output: stdout + stderr });
    execFile(process.execPath, [launcher, ...args], { env, timeout: endMs }, ended);
  });
}

/** The desk's file with one line changed, its modules where they are. */
async function changedFile(from: string, to: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  expect(text).toContain(from);
  const agents = new URL('../src/agents/', import.meta.url).href;
  const path = join(folder, 'changed.yaml');
  await writeFile(path, text.replace(from, to).replaceAll('./src/agents/', agents));
  return path;
}

it(
  'once applied the desk does not differ from its file, nor after a variable was set; a changed field is named',
  { timeout: 60_000 },
  async () => {
    const absent = await mabeam('space', 'diff', '-f', file);
    expect(absent.exit).toBe(1);
    expect(await mabeam('space', 'apply', '-f', file)).toMatchObject({ exit: 0 });
    expect(await mabeam('space', 'diff', '-f', file)).toEqual({ exit: 0, output: '' });

    const set = await mabeam('variable', 'set', 'threshold', '0.7');
    expect(set.exit).toBe(0);
    expect(await mabeam('space', 'diff', '-f', file)).toEqual({ exit: 0, output: '' });
    expect((await mabeam('space', 'apply', '-f', file)).output).toContain('is so already');

    const changed = await mabeam('space', 'diff', '-f', await changedFile('canary: 0.5', 'canary: 0.2'));
    expect(changed.exit).toBe(1);
    expect(changed.output).toMatch(/agreed-threshold/);
    expect(changed.output).toMatch(/canary/);
    const others = changed.output
      .split('\n')
      .filter((line) => /reader|variables\.threshold|widen|agreed-bench/.test(line));
    expect(others).toEqual([]);
  },
);
