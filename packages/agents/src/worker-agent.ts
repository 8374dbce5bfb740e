/**
 * An agent in a worker thread: a module with an agent in it, with the environment and the duties of a hosted process, and a
 * message port instead of the control pipe. It has an event loop, a connection and a heap of its own, and dies with its
 * process. For modules that are trusted but busy; what must survive a crash of its neighbours is a process.
 */
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { defaultServerUrl, parseId } from '@mabeam/bus';
import { agentError } from './errors.ts';
import { controlByPort, publicKeyIn, seedVariable } from './hosting.ts';
import { drainMs } from './member.ts';

/** The agent that a thread is, and its surroundings. */
export interface WorkerAgentOptions {
  /** File, file URL or package: a module that ends with `runAgent`, or exports its agent. */
  readonly module: string | URL;
  readonly space: string;
  readonly agent: string;
  /** Default 0. */
  readonly ordinal?: number;
  /** Default: a fresh token. */
  readonly incarnation?: string;
  /** The secret of its identity; default: the secret `<agent>-seed` of these surroundings, or a new one. */
  readonly seed?: string | undefined;
  readonly config?: Readonly<Record<string, unknown>>;
  /** Default `$NATS_URL`, else the usual place. */
  readonly url?: string;
  /** Node options of the thread; default: those of this process. */
  readonly execArgv?: readonly string[];
  /** How long it may take until it is ready. Default 30 000. */
  readonly readyTimeoutMs?: number;
  /** Each line that the thread writes; without it they go to this process's output. */
  readonly onLine?: (stream: 'stdout' | 'stderr', line: string) => void;
}

const entry = new URL('./worker-module.ts', import.meta.url);
/** What the thread runs: the source, or what was compiled from it. */
const entryUrl = import.meta.url.endsWith('.ts') ? entry : new URL(entry.href.replace(/\.ts$/, '.js'));

/** Starts an agent in a worker thread; resolves when it is ready. Throws `agent-ended` when it ends before, or takes too long. */
export async function startWorkerAgent(options: WorkerAgentOptions): Promise<WorkerAgent> {
  const agent = new WorkerAgent(options);
  const timeoutMs = options.readyTimeoutMs ?? 30_000;
  const late = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => late.resolve('late'), timeoutMs);
  const first = await Promise.race([agent.ready, agent.ended, late.promise]);
  clearTimeout(timer);
  if (first === 'ready') return agent;
  await agent.close(0);
  const why = first === 'late' ? `was not ready within ${timeoutMs} ms` : `ended with status ${first}`;
  throw agentError('agent-ended', `${options.agent}: its thread ${why}; its log says why`, {
    details: { agent: options.agent, module: String(options.module) },
  });
}

/** A worker thread that is an agent; closing drains it. Start it with {@link startWorkerAgent}. */
export class WorkerAgent implements AsyncDisposable {
  readonly agent: string;
  /** Resolves when it says that it is ready. */
  readonly ready: Promise<'ready'>;
  /** Resolves with its exit status when it has ended, whatever the reason. */
  readonly ended: Promise<number>;
  readonly #worker: Worker;
  #publicKey: string | undefined;

  constructor(options: WorkerAgentOptions) {
    this.agent = parseId('agent', options.agent);
    const { module, onLine } = options;
    const isHeard = onLine !== undefined;
    const worker = new Worker(entryUrl, {
      env: environmentOf(options),
      workerData: String(module),
      stdout: isHeard,
      stderr: isHeard,
      ...(options.execArgv === undefined ? {} : { execArgv: [...options.execArgv] }),
    });
    this.#worker = worker;
    if (onLine !== undefined) {
      createInterface({ input: worker.stdout }).on('line', (line) => onLine('stdout', line));
      createInterface({ input: worker.stderr }).on('line', (line) => onLine('stderr', line));
    }
    this.ended = new Promise((resolve) => worker.once('exit', resolve));
    this.ready = new Promise((resolve) => {
      worker.on('message', (message: unknown) => {
        if (
          typeof message === 'object' &&
          message !== null &&
          'kind' in message &&
          message.kind === 'ready'
        ) {
          this.#publicKey = publicKeyIn(message);
          resolve('ready');
        }
      });
    });
    // An uncaught error ends the thread: `exit` follows, with a status that is not 0.
    worker.on('error', () => undefined);
  }

  /** The key by which what it signs is known; undefined before it is ready. */
  get publicKey(): string | undefined {
    return this.#publicKey;
  }

  /** Tells it to drain, and ends the thread when the grace has passed; resolves when it has ended. */
  async close(graceMs = drainMs): Promise<void> {
    this.#worker.postMessage({ kind: 'stop' });
    const timer = setTimeout(() => void this.#worker.terminate(), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function environmentOf(options: WorkerAgentOptions): NodeJS.ProcessEnv {
  const { space, agent, ordinal = 0, incarnation, config = {}, url, seed } = options;
  const { MABEAM_CONTROL_FD: _pipe, [seedVariable]: _seed, ...inherited } = process.env;
  return {
    ...inherited,
    NATS_URL: url ?? process.env['NATS_URL'] ?? defaultServerUrl,
    MABEAM_SPACE: parseId('space', space),
    MABEAM_AGENT: agent,
    MABEAM_ORDINAL: `${ordinal}`,
    MABEAM_INCARNATION: incarnation ?? `w-${randomUUID()}`,
    MABEAM_CONFIG: JSON.stringify(config),
    MABEAM_CONTROL: controlByPort,
    ...(seed === undefined ? {} : { [seedVariable]: seed }),
  };
}
