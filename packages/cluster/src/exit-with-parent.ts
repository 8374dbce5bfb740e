/**
 * The child's end of the control pipe, for commands: a process started by `superviseProcess` ends when its parent does.
 */
import { Socket } from 'node:net';
import { createLineSplitter } from './lines.ts';
import { controlVariable } from './run.ts';

/** How long a process may take to end by itself once its parent is gone. */
const defaultHardMs = 2_000;

/** The way to tell the supervising process something; nothing happens when there is none. */
export interface ParentLink {
  /** Writes a JSON line on the control pipe, for instance `{kind: 'ready'}`. */
  readonly tell: (message: unknown) => void;
}

/**
 * Calls `onParentGone` when the process that supervises this one is gone, and ends this process hard `hardMs` later if it
 * is still there. `onMessage` is given what the supervising process says. Without a control pipe (started by a person) it does nothing. The pipe keeps nothing alive.
 */
export function exitWithParent(
  onParentGone: () => void,
  options: { readonly hardMs?: number; readonly onMessage?: (message: unknown) => void } = {},
): ParentLink {
  const fd = takeControlFd(process.env);
  if (fd === undefined) return { tell: () => undefined };
  const pipe = new Socket({ fd, readable: true, writable: true });
  pipe.on('error', () => pipe.destroy());
  pipe.once('close', () => {
    setTimeout(() => process.exit(1), options.hardMs ?? defaultHardMs).unref();
    onParentGone();
  });
  const { onMessage } = options;
  if (onMessage === undefined) pipe.resume();
  else pipe.on('data', createLineSplitter((line) => onMessage(messageIn(line)), longestMessage).push);
  pipe.unref();
  return {
    tell: (message) => {
      if (pipe.writable) pipe.write(`${JSON.stringify(message)}\n`);
    },
  };
}

/** Longest line of the supervising process that is read whole: a start order carries an agent's configuration. */
const longestMessage = 16 * 1_048_576;

/** What stands in a line; a line that is no JSON is handed on as text. */
function messageIn(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

/** The number of the control descriptor; removed from the environment, because it means nothing to our own children. */
export function takeControlFd(env: NodeJS.ProcessEnv): number | undefined {
  const text = env[controlVariable];
  delete env[controlVariable];
  const fd = Number(text);
  return text !== undefined && Number.isInteger(fd) && fd > 2 ? fd : undefined;
}
