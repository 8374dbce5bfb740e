/**
 * Hosting, the agent's end: who it is told to be (environment) and its duties to its host (control pipe), docs/protocol.md
 * section "Hosted agents". The host is the node, `mabeam run`, or a process with the agent in a thread of its own: then a
 * message port stands for the pipe.
 */
import { Socket } from 'node:net';
import { parentPort, type MessagePort } from 'node:worker_threads';
import { isPublicKey, parseId } from '@mabeam/bus';
import { z } from 'zod';
import { agentError } from './errors.ts';

/** Who a process is: one incarnation of one instance of an agent. */
export interface Hosting {
  readonly space: string;
  readonly agent: string;
  readonly ordinal: number;
  readonly incarnation: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly controlFd: number | undefined;
  /** The secret of its identity, when its host has handed one over. */
  readonly seed?: string | undefined;
}

/** The variable in which a host hands over the secret of an agent's identity. */
export const seedVariable = 'MABEAM_SEED';

/** The environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads who this process is. Throws `not-hosted` when nobody said, `invalid-hosting` when it makes no sense. */
export function parseHosting(environment: Environment): Hosting {
  const { MABEAM_SPACE: space, MABEAM_AGENT: agent, MABEAM_CONTROL_FD: controlFd } = environment;
  if (space === undefined || agent === undefined) {
    throw agentError(
      'not-hosted',
      'MABEAM_SPACE and MABEAM_AGENT are not set; start the agent with "mabeam run <module> --space <space>" or from a space definition',
    );
  }
  return {
    space: parseId('space', space),
    agent: parseId('agent', agent),
    ordinal: wholeNumber('MABEAM_ORDINAL', environment['MABEAM_ORDINAL'] ?? '0'),
    incarnation: environment['MABEAM_INCARNATION'] ?? `${process.pid}`,
    config: parseConfig(environment['MABEAM_CONFIG'] ?? '{}'),
    controlFd: controlFd === undefined ? undefined : wholeNumber('MABEAM_CONTROL_FD', controlFd),
    seed: environment[seedVariable],
  };
}

/**
 * How many requests and edges the agents of one process work on at once where their network priorities differ: what is given, else
 * `MABEAM_CAPACITY`, else 1 024. Throws `invalid-hosting` when that is no whole number from 1.
 */
export function capacityIn(environment: Environment, given?: number): number {
  const capacity = given ?? wholeNumber('MABEAM_CAPACITY', environment['MABEAM_CAPACITY'] ?? '1024');
  if (Number.isSafeInteger(capacity) && capacity >= 1) return capacity;
  throw agentError('invalid-hosting', `the capacity (MABEAM_CAPACITY) is ${capacity}, no whole number ≥ 1`);
}

/** What an agent tells its host: that it is ready, and by which key what it signs is known; that it has finished. */
type ControlMessage =
  | { readonly kind: 'ready'; readonly publicKey?: string | undefined }
  | { readonly kind: 'drained' };

/** The key in a message of an agent that is ready; undefined when it names none, or what is none. */
export function publicKeyIn(message: unknown): string | undefined {
  const isNamed = typeof message === 'object' && message !== null && 'publicKey' in message;
  return isNamed && isPublicKey(message.publicKey) ? message.publicKey : undefined;
}

/** The line to the host. */
export interface Control extends Disposable {
  /** Tells the host something; without a host it is nobody's news. */
  tell(message: ControlMessage): void;
}

/** What `MABEAM_CONTROL` says when the host has the agent in a thread. */
export const controlByPort = 'port';

/** Opens the line to the host; `onStop` is called when the host wants the agent to end, or is gone. */
export function openControl(hosting: Hosting, environment: Environment, onStop: () => void): Control {
  if (environment['MABEAM_CONTROL'] === controlByPort && parentPort !== null) {
    return new ControlPort(parentPort, onStop);
  }
  return new ControlPipe(hosting.controlFd, onStop);
}

/** The duplex pipe to the host: it closes when the host dies, and then the agent must end. */
class ControlPipe implements Control {
  readonly #socket: Socket | undefined;

  constructor(fd: number | undefined, onClosed: () => void) {
    if (fd === undefined) return;
    this.#socket = new Socket({ fd, readable: true, writable: true });
    this.#socket.on('error', onClosed);
    this.#socket.on('close', onClosed);
    this.#socket.on('end', onClosed);
    this.#socket.resume();
    this.#socket.unref();
  }

  tell(message: ControlMessage): void {
    if (this.#socket?.writable === true) this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  [Symbol.dispose](): void {
    this.#socket?.removeAllListeners('close');
    this.#socket?.destroy();
  }
}

/** The port to the host's thread. A thread dies with its process, so there is no end to watch. */
class ControlPort implements Control {
  readonly #port: MessagePort;

  constructor(port: MessagePort, onStop: () => void) {
    this.#port = port;
    port.on('message', (message: unknown) => {
      if (typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'stop') {
        onStop();
      }
    });
    port.unref();
  }

  tell(message: ControlMessage): void {
    this.#port.postMessage(message);
  }

  [Symbol.dispose](): void {
    this.#port.removeAllListeners('message');
  }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw agentError('invalid-hosting', `${name}: "${text}" is not a whole number ≥ 0`);
}

function parseConfig(text: string): Readonly<Record<string, unknown>> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (cause) {
    throw agentError('invalid-hosting', 'MABEAM_CONFIG is not a JSON object', { cause });
  }
}
