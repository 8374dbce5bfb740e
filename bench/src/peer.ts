/**
 * A peer: one end of a benchmark in a process of its own, and the line on which this process tells it what to do.
 *
 * B1  Every call is answered, fails with what the peer threw, or fails when the peer is gone or the stage is given up.
 * B2  No peer outlives this process: it ends when its line is cut (peer-end.ts).
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface PeerOptions {
  readonly signal: AbortSignal;
  readonly args?: readonly string[];
  /** Added to the flags of this process. */
  readonly nodeFlags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

const startTimeoutMs = 60_000;

/** Starts a program of `src/programs` and resolves when it takes calls. Throws when it ends instead. */
export async function startPeer(program: string, options: PeerOptions): Promise<Peer> {
  const file = fileURLToPath(new URL(`programs/${program}.ts`, import.meta.url));
  const child = fork(file, [...(options.args ?? [])], {
    execArgv: [...process.execArgv, ...(options.nodeFlags ?? [])],
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const peer = new Peer(child, program, options.signal);
  try {
    await peer.call('hello', undefined, AbortSignal.timeout(startTimeoutMs));
    return peer;
  } catch (error) {
    await peer.close();
    throw error;
  }
}

export class Peer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #program: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.#failAll(new Error(`${this.#program}: the run was given up`));
  #next = 0;

  /** Use `startPeer`. */
  constructor(child: ChildProcess, program: string, signal: AbortSignal) {
    this.#child = child;
    this.#program = program;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    child.on('message', (message) => this.#take(message));
    child.once('exit', (code) => this.#failAll(new Error(`${program} ended with ${code ?? 'a signal'}`)));
    child.on('error', (error) => this.#failAll(error));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Calls a function of the peer; resolves with what it returns (B1), at the latest when `limit` aborts. */
  call(name: string, argument?: unknown, limit?: AbortSignal): Promise<unknown> {
    this.#signal.throwIfAborted();
    const id = this.#next++;
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      limit?.addEventListener('abort', () => reject(new Error(`${this.#program} did not answer in time`)));
    });
    if (this.#child.connected) this.#child.send({ id, name, argument });
    else this.#failAll(new Error(`${this.#program} is gone`));
    return answered.finally(() => this.#waiting.delete(id));
  }

  /** Calls a function that returns a number. */
  async number(name: string, argument?: unknown): Promise<number> {
    const value = await this.call(name, argument);
    if (typeof value !== 'number') throw new TypeError(`${this.#program}.${name} answered no number`);
    return value;
  }

  /** Ends the process: politely for a second, then not. */
  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 1_000);
    await exited;
    clearTimeout(timer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take(message: unknown): void {
    // Only peer-end.ts writes on this line.
    const { id, value, failure } = message as { id: number; value?: unknown; failure?: string };
    const waiting = this.#waiting.get(id);
    if (failure === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(`${this.#program}: ${failure}`));
  }

  #failAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}
