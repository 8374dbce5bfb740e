/**
 * A nats-server that is kept running: whenever it ends without being told to, it is started again on the same port and the same
 * store, so that its clients reconnect to what they had.
 *
 * K1  At most one server runs at a time; url, port and store never change.
 * K2  The first restart begins within 100 ms of the end, later ones in the same minute after growing pauses.
 * K3  After `keptPolicy.maxFailures` restarts in a minute it is given up, once, and `onGivenUp` says why.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer, type ServerExit, type ServerHandle } from '@mabeam/bus/server';
import { decideRestart, type RestartPolicy } from '@mabeam/cluster';

/** How often and how fast anything in a session is started again. */
export const keptPolicy: RestartPolicy = {
  maxFailures: 20,
  windowMs: 60_000,
  backoffMs: 100,
  backoffMaxMs: 1_000,
};

/** What to keep and whom to tell. */
export interface KeptServerOptions {
  readonly port: number | 'random';
  readonly storeDir: string;
  readonly onProgress: (line: string) => void;
  readonly onGivenUp: (reason: string) => void;
  /** Gives the first start up. */
  readonly signal?: AbortSignal | undefined;
}

/** Starts a server and keeps it. Throws what `startServer` throws. */
export async function keepServer(options: KeptServerOptions): Promise<KeptServer> {
  const { port, storeDir, onProgress, signal } = options;
  return new KeptServer(await startServer({ port, storeDir, onProgress, signal }), options);
}

/** The handle of a kept server; disposing stops it. */
export class KeptServer implements AsyncDisposable {
  readonly url: string;
  readonly #options: KeptServerOptions;
  readonly #stopping = new AbortController();
  readonly #kept: Promise<void>;
  #server: ServerHandle;
  #isUp = true;
  #restartsAtMs: number[] = [];
  #restarts = 0;

  /** Use `keepServer`. */
  constructor(server: ServerHandle, options: KeptServerOptions) {
    this.url = server.url;
    this.#server = server;
    this.#options = options;
    this.#kept = this.#keep();
  }

  /** The server's own pid; absent between an end and the next start. */
  get pid(): number | undefined {
    return this.#isUp ? this.#server.pid : undefined;
  }

  /** How often it has been started again. */
  get restarts(): number {
    return this.#restarts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#server.stop();
    await this.#kept;
    await this.#server.stop();
  }

  async #keep(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const exit = await this.#server.exited;
      this.#isUp = false;
      if (this.#stopping.signal.aborted) return;
      const how = describe(exit);
      this.#options.onProgress(`nats-server ended (${how}); it is started again`);
      if (!(await this.#startAgain(exit))) return;
      this.#isUp = true;
      this.#options.onProgress(`nats-server runs again as pid ${this.#server.pid} at ${this.url}`);
    }
  }

  /** True when it runs again; false when it is told to stop or given up (K3). */
  async #startAgain(exit: ServerExit): Promise<boolean> {
    const { storeDir, onProgress, onGivenUp } = this.#options;
    const { signal } = this.#stopping;
    let reason = describe(exit);
    while (!signal.aborted) {
      const pauseMs = this.#nextPauseMs(exit);
      if (pauseMs === undefined) {
        onGivenUp(`nats-server: ${reason}, after ${keptPolicy.maxFailures} restarts in a minute`);
        return false;
      }
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return false;
      try {
        const { port } = this.#server;
        this.#restarts++;
        this.#server = await startServer({ port, storeDir, onProgress, signal });
        return true;
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
        onProgress(`nats-server could not be started again: ${reason}`);
      }
    }
    return false;
  }

  #nextPauseMs({ code, signal }: ServerExit): number | undefined {
    const nowMs = performance.now();
    const exit = { code: code ?? null, signal: signal ?? null, asked: false };
    const restartsAtMs = this.#restartsAtMs;
    const ending = { type: 'permanent', exit, restartsAtMs, nowMs, policy: keptPolicy, random: 0 } as const;
    const decision = decideRestart(ending);
    if (decision.kind !== 'restart') return undefined;
    this.#restartsAtMs = [...restartsAtMs.filter((atMs) => atMs > nowMs - keptPolicy.windowMs), nowMs];
    return decision.delayMs;
  }
}

function describe({ code, signal }: ServerExit): string {
  return signal ?? `exit code ${code ?? 'unknown'}`;
}
