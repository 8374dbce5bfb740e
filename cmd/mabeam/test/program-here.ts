/**
 * The program of the command line run in this process: what a command does, says and ends with, without the start of a process.
 *
 * H1  One at a time: a command has the standard output, the environment and the exit code of this process to itself.
 * H2  Afterwards these are as they were, and no listener for signals has stayed.
 */
import { createProgram } from '../src/program.ts';
import { tellFailure } from '../src/failure.ts';
import { wantsJson } from '../src/flags.ts';
import { cleanEnvironment, type Ended } from './command-line.ts';

const endsWithinMs = 40_000;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
let last: Promise<unknown> = Promise.resolve();

/** Runs a command to its end, at most 40 s; rejects when it takes longer. */
export function runHere(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const ended = last.then(() => runAlone(args, env));
  last = ended.catch(() => undefined);
  return ended;
}

/** The words that name a command: `variable set` of a group, `ps` of a plain one. */
export async function commandNamed(args: readonly string[]): Promise<string> {
  const [name = '', word = ''] = args;
  const program = await createProgram(args, (entry) => entry.name === name);
  const isGroup = program.commands.some((command) => command.name() === name && command.commands.length > 0);
  return isGroup ? `${name} ${word}` : name;
}

async function runAlone(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  using surroundings = new DisposableStack();
  surroundings.defer(restoreSurroundings());
  process.env = cleanEnvironment(env);
  process.exitCode = undefined;
  for (const name of ['stdout', 'stderr'] as const)
    surroundings.defer(hear(process[name], (text) => void (said[name] += text)));
  const exit = await withinTime(args, exitOf(args));
  return { exit, ...said };
}

/** What `runProcess` and `main.ts` do, but for the listeners that live as long as a process. */
async function exitOf(args: readonly string[]): Promise<number> {
  try {
    const word = args.find((arg) => !arg.startsWith('-'));
    const program = await createProgram(args, ({ name }) => name === word);
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return tellFailure(error, { json: wantsJson(args) });
  }
}

async function withinTime<T>(args: readonly string[], ended: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const why = `mabeam ${args.join(' ')} has not ended within ${endsWithinMs} ms`;
  const timer = setTimeout(() => reject(new Error(why)), endsWithinMs);
  try {
    return await Promise.race([ended, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Takes what is written to a stream; what it returns gives the stream back. */
function hear(stream: NodeJS.WriteStream, onText: (text: string) => void): () => void {
  const own = Object.getOwnPropertyDescriptor(stream, 'write');
  stream.write = (chunk: string | Uint8Array): boolean => {
    onText(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    return true;
  };
  return () => {
    Reflect.deleteProperty(stream, 'write');
    if (own !== undefined) Object.defineProperty(stream, 'write', own);
  };
}

/** Remembers how this process is; what it returns makes it so again (H2). */
function restoreSurroundings(): () => void {
  const { env, exitCode } = process;
  const listeners = signals.map((signal) => process.listeners(signal));
  return () => {
    process.env = env;
    process.exitCode = exitCode;
    for (const [at, signal] of signals.entries()) {
      const added = process.listeners(signal).filter((listener) => !listeners[at]?.includes(listener));
      for (const listener of added) process.off(signal, listener);
    }
  };
}
