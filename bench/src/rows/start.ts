/** A process agent from its start to ready, and its memory then, beside a bare Node process with a NATS connection. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectBus, ensureStreams, spaceStreams } from '@mabeam/bus';
import { openRuntimeBundle } from '@mabeam/cluster';
import { scaled, type Benchmark, type Comparison, type Stage } from '../benchmark.ts';
import { residentMegabytes } from '../process-memory.ts';
import { takeTurns } from '../take-turns.ts';

const space = 'bench-start';
const register = import.meta.resolve('@mabeam/telemetry/register');
const readyTimeoutMs = 20_000;

/**
 * Started as a node starts it: telemetry preloaded, a folder of compiled code, a runtime bundle of our sources; the bare one
 * has that folder too. The lines without bundle are what the first agents of a machine get.
 */
export const start: Benchmark = {
  name: 'start',
  goal: '≤ 1.3 × the time and ≤ 1.3 × the memory of a bare Node process with a NATS connection',
  timeoutMs: 120_000,
  run: async (stage) => {
    await using bus = await connectBus({ name: 'bench', url: stage.natsUrl });
    await ensureStreams(bus, spaceStreams(space));
    const cache = mkdtempSync(join(tmpdir(), 'mabeam-bench-'));
    try {
      return { comparisons: await compare(stage, await prepare(stage, cache)), notes };
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  },
};

const notes = [
  'sources, not the built packages: types are stripped once and compiled code is kept, for all',
  '"no bundle yet" is what a machine\'s first agents get, until the bundle is made in the background',
];

/** A program with its arguments, and the environment it is started in. */
interface Program {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

type Programs = Readonly<Record<'bundled' | 'plain' | 'bare', Program>>;

/** Makes the bundle, and starts each program until the folders of compiled code are filled. */
async function prepare(stage: Stage, cache: string): Promise<Programs> {
  await using bundle = openRuntimeBundle({ preload: [register], folder: join(cache, 'bundles') });
  const folder = await bundle.build(stage.signal);
  const common = { NODE_COMPILE_CACHE: cache };
  const agent = ['--import', bundle.boot, '--import', register, programFile('agent')];
  const programs = {
    bundled: { args: agent, env: { ...common, MABEAM_RUNTIME_BUNDLE: folder } },
    plain: { args: agent, env: { ...common, MABEAM_RUNTIME_BUNDLE: 'off' } },
    bare: { args: [programFile('bare-process')], env: common },
  };
  // An agent that has been up for some seconds leaves its compiled code in the bundle.
  await startOnce(stage, programs.bundled, () => untilCodeIsKept(folder, stage.signal));
  for (const program of [...Object.values(programs), ...Object.values(programs)])
    await startOnce(stage, program);
  return programs;
}

async function untilCodeIsKept(folder: string, signal: AbortSignal): Promise<void> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(readyTimeoutMs)]);
  while (!readdirSync(folder).some((name) => name.endsWith('.code'))) {
    await delay(50, undefined, { signal: bounded });
  }
}

async function compare(stage: Stage, programs: Programs): Promise<Comparison[]> {
  const memory = { bundled: [] as number[], plain: [] as number[], bare: [] as number[] };
  const turn = (name: keyof Programs) => async (): Promise<number> => {
    const started = await startOnce(stage, programs[name]);
    memory[name].push(started.megabytes);
    return started.ms;
  };
  const times = await takeTurns(
    scaled(stage, { full: 15, quick: 5 }),
    { bundled: turn('bundled'), plain: turn('plain'), bare: turn('bare') },
    stage.signal,
  );
  const goal = { of: 'ratio', is: 'at-most', limit: 1.3 } as const;
  const name = 'bare Node process, connected';
  const time = { unit: 'ms', baseline: { name, figures: times.bare } };
  const size = { unit: 'MB', baseline: { name, figures: memory.bare } };
  return [
    { measure: 'start to ready', ours: times.bundled, goal, ...time },
    { measure: 'start to ready, no bundle yet', ours: times.plain, ...time },
    { measure: 'resident memory', ours: memory.bundled, goal, ...size },
    { measure: 'resident memory, no bundle yet', ours: memory.plain, ...size },
  ];
}

function programFile(name: string): string {
  return fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url));
}

/** One start: from the spawn to the first byte on the control pipe. The process is gone when this resolves. */
async function startOnce(
  stage: Stage,
  { args, env }: Program,
  whileItRuns?: () => Promise<void>,
): Promise<{ readonly ms: number; readonly megabytes: number }> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...process.execArgv, ...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: {
      ...process.env,
      ...env,
      NATS_URL: stage.natsUrl,
      MABEAM_SPACE: space,
      MABEAM_AGENT: 'echo',
      MABEAM_CONTROL_FD: '3',
      MABEAM_LOG_LEVEL: 'warn',
    },
  });
  try {
    await readyOf(child, AbortSignal.any([stage.signal, AbortSignal.timeout(readyTimeoutMs)]));
    const ms = performance.now() - startedAt;
    const megabytes = residentMegabytes(child.pid ?? 0);
    await whileItRuns?.();
    return { ms, megabytes };
  } finally {
    await end(child);
  }
}

async function readyOf(child: ChildProcess, signal: AbortSignal): Promise<void> {
  const pipe = child.stdio[3];
  if (pipe === null || pipe === undefined) throw new Error('no control pipe');
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`the process ended with ${String(code)} before it was ready`);
  });
  await Promise.race([once(pipe, 'data', { signal }), ended]);
  // What comes of waiting for the end does not matter any more.
  ended.catch(() => undefined);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await exited;
  clearTimeout(timer);
}
