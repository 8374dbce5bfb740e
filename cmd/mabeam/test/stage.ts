/**
 * A space worked on by hand: commands as a person types them, what they say, and a team that `startDev` runs.
 *
 * T1  The first time a stage is given a command, it is a process of its own, through the launcher. Repeated on that stage, the
 *     same program runs in the process of the test, in a tenth of the time.
 * T2  Commands that bring the telemetry of a process along, host an agent or a platform are always processes of their own.
 */
import { fileURLToPath } from 'node:url';
import { parseSpaceDefinition } from '@mabeam/orchestrator';
import { waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, expect } from 'vitest';
import { startDev, type DevSession } from '../src/dev.ts';
import { runCommand, type Ended, type SaidLine } from './command-line.ts';
import { commandNamed, runHere } from './program-here.ts';

/** Always processes of their own (T2). */
const ownProcess: ReadonlySet<string> = new Set([
  'ask',
  'task',
  'event',
  'negotiate',
  'propose',
  'run',
  'dev',
]);

/** Commands with their surroundings. */
export interface Stage {
  /** A command to its end. */
  readonly mabeam: (...args: readonly string[]) => Promise<Ended>;
  /** The one JSON document of a command that succeeds; the test knows its shape. */
  readonly said: <T = SaidLine>(...args: readonly string[]) => Promise<T>;
  /** The one JSON document of a command, and its exit status, whatever that is. */
  readonly answered: (...args: readonly string[]) => Promise<{ readonly exit: number | null } & SaidLine>;
  /** The error of a command that fails; the test knows which. */
  readonly refused: (
    ...args: readonly string[]
  ) => Promise<{ readonly exit: number | null; readonly error: SaidLine }>;
}

/** Opens a stage; `env` is asked at each command, for a server may come later. */
export function openStage(env: () => NodeJS.ProcessEnv): Stage {
  const begun = new Set<string>();
  const mabeam: Stage['mabeam'] = async (...args) => {
    const name = await commandNamed(args);
    if (begun.has(name) && !ownProcess.has(args[0] ?? '')) return runHere(args, env());
    begun.add(name);
    return runCommand(args, env());
  };
  return {
    mabeam,
    said: async <T>(...args: readonly string[]) => {
      const { stdout, ...others } = await mabeam(...args, '-o', 'json');
      expect(others).toEqual({ exit: 0, stderr: '' });
      return JSON.parse(stdout) as T;
    },
    answered: async (...args) => {
      const { exit, stdout } = await mabeam(...args, '-o', 'json');
      // Commands promise one JSON object.
      return { exit, ...(JSON.parse(stdout) as SaidLine) };
    },
    refused: async (...args) => {
      const { exit, stderr } = await mabeam(...args, '-o', 'json');
      // So do those that fail, on standard error.
      return { exit, ...(JSON.parse(stderr) as { readonly error: SaidLine }) };
    },
  };
}

/** A running team and its stage. */
export interface Team extends Stage {
  /** The platform; there from the first test on. */
  readonly session: () => DevSession;
  /** Surroundings of commands that the test starts itself. */
  readonly environment: () => NodeJS.ProcessEnv;
  /** An agent as `ps` shows it now. */
  readonly agentNow: (instance: string) => Promise<ShownAgent | undefined>;
  /** The agent when `ps` shows it with this status, within 40 s. */
  readonly agentThatIs: (instance: string, status: string) => Promise<ShownAgent>;
}

/** What tests read of a line of `ps`. */
export interface ShownAgent {
  readonly instance: string;
  readonly status: string;
  readonly pid?: number;
  readonly incarnation?: string;
  readonly applied?: number;
}

/** The file beside which the agents of definitions are. */
const definitionPath = fileURLToPath(new URL('fixtures/space.yaml', import.meta.url));

/** A platform for the tests of a file, with a space defined in YAML, run from before the first of them until after the last. */
export function useTeam(space: string, definition: string): Team {
  let running: DevSession | undefined;
  beforeAll(async () => {
    const parsed = parseSpaceDefinition(definition, { path: definitionPath });
    running = await startDev({ spaces: [{ ...parsed, space }] });
  }, 90_000);
  afterAll(() => running?.stop(), 30_000);

  const session = (): DevSession => {
    if (running === undefined) throw new Error('the team has not started');
    return running;
  };
  const environment = (): NodeJS.ProcessEnv => ({ NATS_URL: session().url, MABEAM_SPACE: space });
  const stage = openStage(environment);
  const agentNow: Team['agentNow'] = async (instance) => {
    const { agents } = await stage.said<{ readonly agents: readonly ShownAgent[] }>('ps');
    return agents.find((agent) => agent.instance === instance);
  };
  const agentThatIs: Team['agentThatIs'] = (instance, status) =>
    waitFor(
      async () => {
        const agent = await agentNow(instance);
        return agent?.status === status ? agent : undefined;
      },
      { what: `${instance} is ${status}`, timeoutMs: 40_000, everyMs: 50 },
    );
  return { ...stage, session, environment, agentNow, agentThatIs };
}
