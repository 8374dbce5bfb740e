/** A process agent from its start to ready, and its memory then, beside a bare Node process with a NATS connection. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectBus, ensureStreams, spaceStreams } from '@mabeam/bus';
import { scaled, type Benchmark, type Comparison, type Stage } from '../benchmark.ts';
import { residentMegabytes } from '../process-memory.ts';
import { takeTurns } from '../take-turns.ts';

const space = 'bench-start';
const register = import.meta.resolve('@mabeam/telemetry/register');
const readyTimeoutMs = 20_000;

/** Started as a node starts it: our sources, telemetry preloaded, a folder of compiled code; the bare one has that folder too. */
export const start: Benchmark = {
  name: 'start',
  goal: '≤ 1.3 × the time and ≤ 1.3 × the memory of a bare Node process with a NATS connection',
  timeoutMs: 120_000,
  run: async (stage) => {
    await using bus = await connectBus({ name: 'bench', url: stage.natsUrl });
    await ensureStreams(bus, spaceStreams(space));
    const cache = mkdtempSync(join(tmpdir(), 'mabeam-bench-'));
    try {
      const agent = ['--import', register, programFile('agent')];
      return {
        comparisons: await compare(stage, { agent, bare: [programFile('bare-process')] }, cache),
        notes,
      };
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  },
};

const notes = [
  'sources, not the built packages: types are stripped once and compiled code is kept, for both',
];

interface Commands {
  readonly agent: readonly string[];
  readonly bare: readonly string[];
}

async function compare(stage: Stage, { agent, bare }: Commands, cache: string): Promise<Comparison[]> {
  const memory = { agent: [] as number[], bare: [] as number[] };
  const turn = (args: readonly string[], megabytes: number[]) => async (): Promise<number> => {
    const started = await startOnce(stage, args, cache);
    megabytes.push(started.megabytes);
    return started.ms;
  };
  // The first start of each fills the folder of compiled code.
  for (const args of [agent, bare, agent, bare]) await startOnce(stage, args, cache);
  const times = await takeTurns(
    scaled(stage, { full: 15, quick: 5 }),
    { agent: turn(agent, memory.agent), bare: turn(bare, memory.bare) },
    stage.signal,
  );
  const goal = { of: 'ratio', is: 'at-most', limit: 1.3 } as const;
  const name = 'bare Node process, connected';
  return [
    {
      measure: 'start to ready',
      unit: 'ms',
      ours: times.agent,
      baseline: { name, figures: times.bare },
      goal,
    },
    {
      measure: 'resident memory',
      unit: 'MB',
      ours: memory.agent,
      baseline: { name, figures: memory.bare },
      goal,
    },
  ];
}

function programFile(name: string): string {
  return fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url));
}

/** One start: from the spawn to the first byte on the control pipe. The process is gone when this resolves. */
async function startOnce(
  stage: Stage,
  args: readonly string[],
  cache: string,
): Promise<{ readonly ms: number; readonly megabytes: number }> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...process.execArgv, ...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: cache,
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
    return { ms, megabytes: residentMegabytes(child.pid ?? 0) };
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
