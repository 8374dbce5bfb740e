/** The command line as a person runs it: a process of its own, its output and its exit status. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../bin/mabeam.js', import.meta.url));

/** What a command came to. */
export interface Ended {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Surroundings without anything that would answer for a flag. */
export function cleanEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const hidden = ['NATS_URL', 'MABEAM_SPACE', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'FORCE_COLOR'];
  const kept = Object.entries(process.env).filter(([name]) => !hidden.includes(name));
  return { ...Object.fromEntries(kept), ...extra };
}

/** Starts a command through the launcher. */
export function startCommand(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [launcher, ...args], {
    env: cleanEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs a command to its end, at most 40 s. */
export async function runCommand(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const child = startCommand(args, env);
  const said = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => void (said.stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => void (said.stderr += chunk.toString()));
  const timer = setTimeout(() => child.kill('SIGKILL'), 40_000);
  await once(child, 'close');
  clearTimeout(timer);
  return { exit: child.exitCode, ...said };
}

/** What a command says in one JSON line. */
export type SaidLine = Readonly<Record<string, unknown>>;

/** The first line of a running command that is wanted, within 40 s; its output is read on, so that it never blocks. */
export async function lineOf(child: ChildProcess, isWanted: (line: SaidLine) => boolean): Promise<SaidLine> {
  const { promise, resolve, reject } = Promise.withResolvers<SaidLine>();
  const timer = setTimeout(() => reject(new Error('the line did not come within 40 s')), 40_000);
  child.once('exit', (code) =>
    reject(new Error(`the command ended (${code}) before it said what was awaited`)),
  );
  if (child.stdout === null) throw new TypeError('the command was started without a pipe');
  createInterface({ input: child.stdout }).on('line', (text) => {
    // Commands promise one JSON object a line; a test that gets another thing fails on the field it misses.
    const line = JSON.parse(text) as SaidLine;
    if (isWanted(line)) resolve(line);
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
