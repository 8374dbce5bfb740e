/** A running nats-server in the hands of the process that started it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { serverError } from './errors.ts';
import type { ServerExit } from './guard.ts';
import { isAlive } from './process-identity.ts';

/** An orderly stop may take this long before the server is killed. */
const stopWithinMs = 5000;
const killWithinMs = 10_000;

/** What a handle is made of. */
export interface ServerFacts {
  readonly url: string;
  readonly pid: number;
  readonly port: number;
  readonly storeDir: string;
  readonly exited: Promise<ServerExit>;
}

/** A running server. Disposing of it stops it. */
export class ServerHandle implements AsyncDisposable {
  /** Where clients connect. */
  readonly url: string;
  /** The server's own process id. */
  readonly pid: number;
  readonly port: number;
  readonly storeDir: string;
  /** Settles when the server has ended, for whatever reason; it never rejects. */
  readonly exited: Promise<ServerExit>;
  #stopping: Promise<void> | undefined;

  /** @internal Use `startServer`. */
  constructor(facts: ServerFacts) {
    this.url = facts.url;
    this.pid = facts.pid;
    this.port = facts.port;
    this.storeDir = facts.storeDir;
    this.exited = facts.exited;
  }

  /** Stops the server in good order (SIGTERM), after 5 s by force; returns when it is gone. Twice is nothing. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** As `stop`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    for (const [signal, withinMs] of [
      ['SIGTERM', stopWithinMs],
      ['SIGKILL', killWithinMs],
    ] as const) {
      if (await this.#endsAfter(signal, withinMs)) return;
    }
    // A process that stood still may hear of its own timers before it hears of the end.
    if (!isAlive(this.pid)) return;
    throw serverError('server-failed', `nats-server (process ${this.pid}) cannot be ended`, {
      details: { pid: this.pid },
    });
  }

  /** Sends the signal and waits for the end. The guard outlives the server, so until then the pid is the server's. */
  async #endsAfter(signal: NodeJS.Signals, withinMs: number): Promise<boolean> {
    const patience = new AbortController();
    const ended = this.exited.then(() => true);
    if (isAlive(this.pid)) process.kill(this.pid, signal);
    const late = sleep(withinMs, false, { signal: patience.signal }).catch(() => false);
    const inTime = await Promise.race([ended, late]);
    patience.abort();
    return inTime;
  }
}
