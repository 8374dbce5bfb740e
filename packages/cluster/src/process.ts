/**
 * A supervised process: a command that is kept running as its restart type says, and ended on request.
 *
 * P1  At most one run is alive at a time; a restart begins only after the exit of the run before it.
 * P2  `stop` sends the stop signal, waits `drainMs`, then kills; with `drainMs: 0` it kills at once. A later stop can
 *     only shorten the wait.
 * P3  `onChange` sees every state once, in order; `stopped` and `failed` are final, and `exited` fulfils with them.
 */
import { startRun, type Run, type RunStarter } from './run.ts';
import {
  decideRestart,
  defaultRestartPolicy,
  describeExit,
  type Exit,
  type RestartPolicy,
  type RestartType,
} from './supervision.ts';

/** Where a supervised process stands. `run` counts its lives from 0. */
export type ProcessState =
  | { readonly kind: 'starting'; readonly run: number; readonly pid: number | undefined }
  | { readonly kind: 'running'; readonly run: number; readonly pid: number | undefined }
  | { readonly kind: 'stopping'; readonly run: number; readonly pid: number | undefined }
  | { readonly kind: 'restarting'; readonly run: number; readonly delayMs: number; readonly reason: string }
  | FinalProcessState;

/** How it ended for good: as it should, or not (`reason` in words). */
export type FinalProcessState =
  | { readonly kind: 'stopped'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** How long a process may take to end after its stop signal. */
export const defaultDrainMs = 5_000;

/** How to keep something running, and whom to tell. */
export interface SupervisionOptions {
  /** For reasons and logs. */
  readonly name: string;
  /** Default: permanent. */
  readonly restart?: RestartType;
  /** Default: three restarts a minute. */
  readonly policy?: RestartPolicy;
  /** Default: SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** Default: 5 000. */
  readonly drainMs?: number;
  /** Each line that the process writes, without its line end. */
  readonly onLine?: (stream: 'stdout' | 'stderr', line: string) => void;
  /** Every state once, in order (P3). */
  readonly onChange?: (state: ProcessState) => void;
  /** JSON messages of the child on its control pipe (descriptor 3). */
  readonly onMessage?: (message: unknown) => void;
  /** Monotonic milliseconds. Default: `performance.now`. */
  readonly clock?: () => number;
  /** Default: `Math.random`. */
  readonly random?: () => number;
}

/** What to run and how to keep it running. */
export interface ProcessOptions extends SupervisionOptions {
  readonly command: string;
  readonly args?: readonly string[];
  /** The environment of each run; it replaces this process's own. Default: `process.env`. */
  readonly env?: (run: number) => NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** What is kept running, whatever a run of it is. */
export interface SupervisedRuns extends SupervisionOptions {
  readonly startRun: RunStarter;
}

type Phase =
  | { readonly kind: 'up'; readonly run: Run }
  | {
      readonly kind: 'draining';
      readonly run: Run;
      readonly timer: NodeJS.Timeout;
      readonly killAtMs: number;
    }
  | { readonly kind: 'waiting'; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'ended' };

/** Starts a process and keeps it running (P1–P3). The first run is spawned before this returns. */
export function superviseProcess(options: ProcessOptions): SupervisedProcess {
  const { command, args = [], cwd, env = () => process.env } = options;
  return superviseRuns({
    ...options,
    startRun: (run, listeners) => startRun({ command, args, cwd, env: env(run), ...listeners }),
  });
}

/** The same for whatever can be started, asked to end and made to end. */
export function superviseRuns(options: SupervisedRuns): SupervisedProcess {
  const supervised = new SupervisedProcess(options);
  supervised.start();
  return supervised;
}

/** The handle of a supervised process; disposing stops it. */
export class SupervisedProcess implements AsyncDisposable {
  readonly name: string;
  /** Fulfils with the final state; never rejects. */
  readonly exited: Promise<FinalProcessState>;
  readonly #options: SupervisedRuns;
  readonly #exited = Promise.withResolvers<FinalProcessState>();

  readonly #clock: () => number;
  #phase: Phase | undefined;
  #state: ProcessState = { kind: 'starting', run: 0, pid: undefined };
  #runs = 0;
  #restartsAtMs: number[] = [];

  /** Use `superviseProcess`: nothing is started here. */
  constructor(options: SupervisedRuns) {
    this.name = options.name;
    this.exited = this.#exited.promise;
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
  }

  /** The state it is in now. */
  get state(): ProcessState {
    return this.#state;
  }

  /** The pid of the present run; absent between runs and after the end. */
  get pid(): number | undefined {
    return 'pid' in this.#state ? this.#state.pid : undefined;
  }

  /** How often it has been started again. */
  get restartCount(): number {
    return Math.max(0, this.#runs - 1);
  }

  /** Spawns the first run; a second call does nothing. */
  start(): void {
    if (this.#phase === undefined) this.#spawn();
  }

  /** Sends a JSON line on the control pipe of the present run; dropped when there is none. */
  send(message: unknown): void {
    const phase = this.#phase;
    if (phase?.kind === 'up' || phase?.kind === 'draining') phase.run.send(message);
  }

  /** Ends the process (P2) and fulfils when it is gone. Stopping what has ended does nothing. */
  async stop(options: { readonly drainMs?: number } = {}): Promise<FinalProcessState> {
    const drainMs = options.drainMs ?? this.#options.drainMs ?? defaultDrainMs;
    const phase = this.#phase;
    if (phase?.kind === 'up') this.#drain(phase.run, drainMs);
    if (phase?.kind === 'draining' && this.#clock() + drainMs < phase.killAtMs) {
      clearTimeout(phase.timer);
      this.#killAfter(phase.run, drainMs);
    }
    if (phase?.kind === 'waiting') {
      clearTimeout(phase.timer);
      this.#end({ kind: 'stopped', reason: 'stopped while waiting to be started again' });
    }
    return this.exited;
  }

  /** Stops it as `stop` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #spawn(): void {
    const number = this.#runs++;
    if (number > 0) this.#restartsAtMs.push(this.#clock());
    const run = this.#options.startRun(number, {
      onSpawn: () => {
        if (this.#phase?.kind === 'up') this.#become({ kind: 'running', run: number, pid: run.pid });
      },
      onLine: (stream, line) => this.#options.onLine?.(stream, line),
      onMessage: (message) => this.#options.onMessage?.(message),
      onEnd: (exit) => this.#ended(exit),
    });
    this.#phase = { kind: 'up', run };
    this.#become({ kind: 'starting', run: number, pid: run.pid });
  }

  #drain(run: Run, drainMs: number): void {
    this.#killAfter(run, drainMs);
    if (drainMs > 0) run.kill(this.#options.stopSignal ?? 'SIGTERM', drainMs);
    this.#become({ kind: 'stopping', run: this.#runs - 1, pid: run.pid });
  }

  #killAfter(run: Run, drainMs: number): void {
    const timer = setTimeout(() => run.kill('SIGKILL'), drainMs);
    this.#phase = { kind: 'draining', run, timer, killAtMs: this.#clock() + drainMs };
    if (drainMs <= 0) run.kill('SIGKILL');
  }

  #ended(ending: Omit<Exit, 'asked'>): void {
    const {
      restart: type = 'permanent',
      policy = defaultRestartPolicy,
      random = Math.random,
    } = this.#options;
    const phase = this.#phase;
    if (phase?.kind === 'draining') clearTimeout(phase.timer);
    const exit: Exit = { ...ending, asked: phase?.kind === 'draining' };
    const nowMs = this.#clock();
    const restartsAtMs = this.#restartsAtMs;
    const decision = decideRestart({ type, exit, restartsAtMs, nowMs, policy, random: random() });
    const reason = describeExit(exit);
    if (decision.kind === 'restart') {
      this.#restartsAtMs = restartsAtMs.filter((atMs) => atMs > nowMs - policy.windowMs);
      this.#phase = { kind: 'waiting', timer: setTimeout(() => this.#spawn(), decision.delayMs) };
      this.#become({ kind: 'restarting', run: this.#runs - 1, delayMs: decision.delayMs, reason });
    } else if (decision.kind === 'done') {
      this.#end({ kind: decision.outcome, reason });
    } else {
      const often = `after ${decision.restarts} restarts within ${policy.windowMs / 1_000} s`;
      this.#end({ kind: 'failed', reason: decision.restarts === 0 ? reason : `${reason} ${often}` });
    }
  }

  #end(state: FinalProcessState): void {
    this.#phase = { kind: 'ended' };
    this.#become(state);
    this.#exited.resolve(state);
  }

  #become(state: ProcessState): void {
    this.#state = state;
    this.#options.onChange?.(state);
  }
}
