/**
 * Is the process that had this pid still the same one? A pid alone does not say: pids are used again.
 *
 * Where the kernel tells (Linux), a process is its pid and its start time, and a zombie is dead. Elsewhere the pid has to do.
 */
import { readFileSync } from 'node:fs';

/** A process as it can be written down and recognised later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in the kernel's own ticks; empty where it is not to be had. */
  readonly started: string;
}

/** The identity of the living process with this pid; undefined when there is none. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  if (process.platform !== 'linux') return answersSignal(pid) ? { pid, started: '' } : undefined;
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // No such folder means no such process.
    return undefined;
  }
  // The name of the program, in parentheses, may hold anything: fields count from the last closing one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const started = fields[19];
  return state === 'Z' || state === 'X' || started === undefined ? undefined : { pid, started };
}

/** Does this very process still live? */
export function isSameProcessAlive(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.started === identity.started;
}

/** Does a process with this pid live? A zombie does not. */
export function isAlive(pid: number): boolean {
  return identifyProcess(pid) !== undefined;
}

function answersSignal(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    // Not permitted to signal it means that it is there.
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM';
  }
}
