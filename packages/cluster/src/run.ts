/**
 * A run: one life of a child process, from spawn to exit, with its lines and its control pipe.
 *
 * U1  `onEnd` is called exactly once, after the last line, also when the process could not be started.
 * U2  The process leads a group of its own: signals reach its children too, and what is left of the group when it ends
 *     is killed. A terminal's Ctrl-C reaches the parent only, which decides what to do.
 * U3  The process ends when this one does (guard.ts), and finds its control pipe (newline JSON) on descriptor 3.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { guardGroup, hasProcessGroups } from './guard.ts';
import { createLineSplitter } from './lines.ts';
import type { Exit } from './supervision.ts';

/** The environment variable that tells a child the number of its control descriptor. */
export const controlVariable = 'MABEAM_CONTROL_FD';

/** The descriptor of a child's control pipe. */
const controlFd = 3;

/** After an exit the pipes of the child are read this long at most: a stray grandchild may hold them open. */
const lastLinesMs = 500;

/** Whom a run tells. */
export interface RunListeners {
  readonly onSpawn: () => void;
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void;
  /** A JSON message of the child on its control pipe; lines that are not JSON are handed to `onLine` as `stderr`. */
  readonly onMessage: (message: unknown) => void;
  readonly onEnd: (exit: Omit<Exit, 'asked'>) => void;
}

/** What to start and whom to tell. */
export interface RunOptions extends RunListeners {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string | undefined;
}

/** Starts the run of this number; `onEnd` is called once and never before this has returned. */
export type RunStarter = (run: number, listeners: RunListeners) => Run;

/** One life, of a process or of an agent that shares one. */
export interface Run {
  /** Absent when the process could not be started (`onEnd` tells why). */
  readonly pid: number | undefined;
  /**
   * Signals the process and its children; nothing happens when they are gone. `drainMs` is how long after this signal SIGKILL
   * will follow.
   */
  readonly kill: (signal: NodeJS.Signals, drainMs?: number) => void;
  /** Writes a JSON line on the control pipe; dropped when the child has closed it. */
  readonly send: (message: unknown) => void;
}

/** Starts a process (U1–U3). */
export function startRun(options: RunOptions): Run {
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: { ...options.env, [controlVariable]: String(controlFd) },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: hasProcessGroups,
    windowsHide: true,
  });
  const guard = child.pid === undefined ? undefined : guardGroup(child.pid);
  const kill = (signal: NodeJS.Signals): void => signalGroup(child, signal);
  const pipes = pipesOf(child);
  const control = pipes[controlFd];
  readLines(child.stdout, (line) => options.onLine('stdout', line));
  readLines(child.stderr, (line) => options.onLine('stderr', line));
  if (control instanceof Duplex) readLines(control, (line) => readMessage(line, options));
  // Writing to a pipe whose reader is gone is not news: the exit is.
  for (const pipe of pipes) pipe?.on('error', ignoreClosedPipe);
  child.once('spawn', options.onSpawn);
  endOf(child, { kill, guard, onEnd: options.onEnd });
  return {
    pid: child.pid,
    kill,
    send: (message) => {
      if (control instanceof Duplex && control.writable) control.write(`${JSON.stringify(message)}\n`);
    },
  };
}

/** Calls `onEnd` once the process is gone and its pipes are read to the end or for `lastLinesMs` (U1). */
function endOf(
  child: ChildProcess,
  { kill, guard, onEnd }: Pick<Run, 'kill'> & Pick<RunOptions, 'onEnd'> & { guard: Disposable | undefined },
): void {
  let ended = false;
  const end = (exit: Omit<Exit, 'asked'>): void => {
    if (ended) return;
    ended = true;
    for (const pipe of pipesOf(child)) pipe?.destroy();
    onEnd(exit);
  };
  child.once('error', (error) => {
    if (child.pid === undefined) end({ code: null, signal: null, failure: error.message });
  });
  child.once('exit', (code, signal) => {
    kill('SIGKILL');
    guard?.[Symbol.dispose]();
    const timer = setTimeout(() => end({ code, signal }), lastLinesMs);
    child.once('close', () => {
      clearTimeout(timer);
      end({ code, signal });
    });
  });
}

/** The pipes of a child; none when this process had no descriptors left to make them (Node then leaves `stdio` unset). */
function pipesOf(child: ChildProcess): readonly (Readable | Writable | null | undefined)[] {
  return child.stdio ?? [];
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  if (!hasProcessGroups) {
    child.kill(signal);
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // ESRCH: nobody is left in the group; EPERM: only the unreaped leader is (macOS). Both mean that it is gone.
    if (!isSystemError(error, 'ESRCH') && !isSystemError(error, 'EPERM')) throw error;
  }
}

function readLines(stream: Readable | null | undefined, onLine: (line: string) => void): void {
  const splitter = createLineSplitter(onLine);
  stream?.on('data', splitter.push);
  stream?.once('end', splitter.end);
}

function readMessage(line: string, options: Pick<RunOptions, 'onLine' | 'onMessage'>): void {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    options.onLine('stderr', `not JSON on the control pipe: ${line}`);
    return;
  }
  options.onMessage(message);
}

function ignoreClosedPipe(): void {}

function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
