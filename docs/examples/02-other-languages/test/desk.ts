/** A desk in three languages for a test: the whole platform on a server of its own, mail for it, and looks at its agents. */
import { execFile, spawn, type ChildProcess, type ExecFileException } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  connectBus,
  openTasks,
  parseJson,
  readKey,
  spaceNames,
  type Bus,
  type TaskOutcome,
} from '@mabeam/bus';
import { parseObservedInstance, type ObservedInstance } from '@mabeam/cluster';
import { parseSpaceDefinition } from '@mabeam/orchestrator';
import { freshSpace, waitFor } from '@mabeam/testing';
import { startDev, type DevSession } from 'mabeam/dev';
import { z } from 'zod';

const launcher = fileURLToPath(new URL('../../../../cmd/mabeam/bin/mabeam.js', import.meta.url));

/** What the desk says of a mail, as far as these tests look at it. */
const ruling = z.object({
  id: z.string(),
  label: z.enum(['ham', 'spam']),
  opinions: z.record(z.string(), z.object({ probability: z.number(), reasons: z.array(z.string()) })),
});

export type Ruling = z.infer<typeof ruling>;

/** A mail on its way: its id is that of its task. */
export interface SentMail {
  readonly id: string;
  readonly raw: string;
}

/** How a command of the command line ended. */
export interface CommandEnd {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running desk; disposing stops the platform. */
export interface Desk extends AsyncDisposable {
  readonly bus: Bus;
  readonly space: string;
  readonly session: DevSession;
  /** What the host of an agent's only instance last saw. */
  readonly observed: (agent: string) => Promise<ObservedInstance | undefined>;
  readonly becomes: (agent: string, status: ObservedInstance['status']) => Promise<ObservedInstance>;
  /** Submits mail and resolves with one ruling for each, in any order; `onRuled` is called with how many there are. */
  readonly rule: (mails: readonly SentMail[], onRuled?: (count: number) => void) => Promise<Ruling[]>;
  /** Runs `mabeam` in the desk's space. */
  readonly mabeam: (...args: readonly string[]) => Promise<CommandEnd>;
  /** Starts `mabeam` in the desk's space, as in a second terminal. */
  readonly terminal: (...args: readonly string[]) => ChildProcess;
}

/** The programs the specialists are written for. Throws when the machine has not got one. */
export async function assertLanguages(): Promise<void> {
  for (const program of ['python3', 'bash']) {
    const { exit, stderr } = await run(program, ['--version'], process.env);
    if (exit !== 0)
      throw new Error(`${program} does not run here, and a specialist is written for it: ${stderr}`);
  }
}

/** Starts the desk of space.yaml in a space of its own and resolves when both foreign specialists are active. */
export async function openDesk(): Promise<Desk> {
  const path = fileURLToPath(new URL('../space.yaml', import.meta.url));
  const space = freshSpace('desk');
  const definition = { ...parseSpaceDefinition(await readFile(path, 'utf8'), { path }), space };
  await using started = new AsyncDisposableStack();
  const session = started.use(await startDev({ spaces: [definition] }));
  const bus = started.use(await connectBus({ url: session.url, name: 'polyglot desk test' }));
  const observed = async (agent: string): Promise<ObservedInstance | undefined> => {
    const entry = await readKey(bus, spaceNames(space).observed, `${agent}.0`);
    return entry?.operation === 'put' ? parseObservedInstance(parseJson(entry.data)) : undefined;
  };
  const desk = {
    bus,
    space,
    session,
    observed,
    becomes: (agent: string, status: ObservedInstance['status']) =>
      waitFor(
        async () => {
          const seen = await observed(agent);
          return seen?.status === status ? seen : undefined;
        },
        { what: `${agent} is ${status}`, timeoutMs: 20_000 },
      ),
    rule: (mails: readonly SentMail[], onRuled?: (count: number) => void) =>
      ruleAll(bus, space, mails, onRuled),
    mabeam: (...args: readonly string[]) =>
      run(process.execPath, [launcher, ...args], surroundings(session.url, space)),
    terminal: (...args: readonly string[]) =>
      spawn(process.execPath, [launcher, ...args], {
        env: surroundings(session.url, space),
        stdio: 'ignore',
      }),
  };
  for (const agent of ['reader', 'judge', 'links', 'style', 'subject', 'marks'])
    await desk.becomes(agent, 'active');
  const parts = started.move();
  return { ...desk, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** Surroundings in which nothing but the desk answers for a flag of `mabeam`. */
function surroundings(url: string, space: string): NodeJS.ProcessEnv {
  return { ...process.env, NATS_URL: url, MABEAM_SPACE: space, FORCE_COLOR: undefined };
}

async function ruleAll(
  bus: Bus,
  space: string,
  mails: readonly SentMail[],
  onRuled: (count: number) => void = () => undefined,
): Promise<Ruling[]> {
  const tasks = openTasks(bus, space);
  const waiting = new Set(mails.map(({ id }) => id));
  const rulings: Ruling[] = [];
  await Promise.all(mails.map(({ id, raw }) => tasks.submit('desk', id, { raw })));
  for await (const outcome of tasks.outcomes({ signal: AbortSignal.timeout(60_000) })) {
    if (!waiting.delete(outcome.task)) continue;
    rulings.push(rulingIn(outcome));
    onRuled(rulings.length);
    if (waiting.size === 0) return rulings;
  }
  throw new Error(`no outcome after a minute for ${[...waiting].join(', ')}`);
}

function rulingIn(outcome: TaskOutcome): Ruling {
  if (outcome.kind === 'completed') return ruling.parse(outcome.output);
  throw new Error(`mail ${outcome.task} was not ruled on: ${outcome.error.code}: ${outcome.error.message}`);
}

/** Runs a program to its end, at most 20 s; one that cannot be started has ended with -1. */
function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<CommandEnd> {
  const { promise, resolve } = Promise.withResolvers<CommandEnd>();
  const end = (error: ExecFileException | null, stdout: string, stderr: string): void => {
    const exit = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
    resolve({ exit, stdout, stderr: stderr || (error?.message ?? '') });
  };
  execFile(program, [...args], { env, timeout: 20_000, encoding: 'utf8' }, end);
  return promise;
}
