/**
 * A crew host as its node sees it: the process, and the lives it has in it.
 *
 * W1  Each life that was started here is told its end exactly once: what the host reports of it, or that the host is gone.
 * W2  A life that does not end when it has to is ended with the whole host: there is no other way to be sure (ruling R15).
 * W3  A host without lives ends after a while; from then on it takes no new ones.
 */
import { parseAgentSpec } from '@mabeam/agents';
import type { SharedLife } from '../hosted-instance.ts';
import { agentCommandLine, agentEnvironment } from '../launch.ts';
import { superviseProcess, type SupervisedProcess } from '../process.ts';
import type { Run, RunListeners } from '../run.ts';
import type { RuntimeBundle } from '../runtime-bundle/runtime-bundle.ts';
import { parseReport, type HostReport, type StartOrder } from './messages.ts';

export interface CrewHostOptions {
  readonly space: string;
  readonly natsUrl: string;
  /** Loaded by the process before anything else (`--import`). */
  readonly preload: readonly string[];
  /** The modules that every agent loads, as one script; absent: the process loads the files. */
  readonly runtimeBundle?: RuntimeBundle | undefined;
  /** A line of the process that names none of its agents. */
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void;
  /** The host is ended because of one life (W2). */
  readonly onProblem: (error: unknown) => void;
}

/** Told to end at once, a life answers within this, or its host stands still. */
const killGraceMs = 2_000;

/** How long a host without lives waits for the next, and how long it may take to end. */
const idleMs = 5_000;
const endMs = 2_000;

const entry = new URL('./main.ts', import.meta.url);
/** What the process runs: the source, or what was compiled from it. */
const entryUrl = import.meta.url.endsWith('.ts') ? entry : new URL(entry.href.replace(/\.ts$/, '.js'));

const hostSpec = parseAgentSpec({ id: 'crew', run: { module: entryUrl.href } });

interface Life {
  readonly name: string;
  readonly listeners: RunListeners;
  /** W2: set once it was told to end at once. */
  deadline?: NodeJS.Timeout;
}

export class CrewHost implements AsyncDisposable {
  readonly space: string;
  readonly #process: SupervisedProcess;
  readonly #options: CrewHostOptions;
  readonly #lives = new Map<string, Life>();
  #idle: NodeJS.Timeout | undefined;

  /** Spawns the process. Throws what `spawn` throws. */
  constructor(options: CrewHostOptions) {
    const { space, preload, runtimeBundle } = options;
    const imports = runtimeBundle === undefined ? preload : [runtimeBundle.boot, ...preload];
    this.space = space;
    this.#options = options;
    this.#process = superviseProcess({
      name: `crew of ${space}`,
      ...agentCommandLine(hostSpec, { preload: imports }),
      env: () => hostEnvironment(options),
      restart: 'temporary',
      drainMs: endMs,
      onLine: (stream, line) => this.#tellLine(stream, line),
      onMessage: (message) => this.#hear(parseReport(message)),
    });
    void this.#process.exited.then(({ reason }) => this.#gone(reason));
    this.#rest();
  }

  /** How many lives are in it. */
  get size(): number {
    return this.#lives.size;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** It has ended or is about to: it takes no new lives. */
  get isEnding(): boolean {
    const { kind } = this.#process.state;
    return kind !== 'starting' && kind !== 'running';
  }

  /** Begins a life here (W1). */
  startRun(shared: SharedLife, listeners: RunListeners): Run {
    const { spec, ordinal, incarnation } = shared;
    clearTimeout(this.#idle);
    this.#lives.set(incarnation, { name: `${spec.id}.${ordinal}`, listeners });
    this.#process.send(startOrder(shared));
    queueMicrotask(() => {
      if (this.#lives.has(incarnation)) listeners.onSpawn();
    });
    return {
      pid: this.pid,
      kill: (signal, drainMs) => this.#end(incarnation, signal === 'SIGKILL' ? 0 : (drainMs ?? 0)),
      send: () => undefined,
    };
  }

  /** Ends the process and with it whatever is left in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#idle);
    await this.#process.stop();
  }

  #end(incarnation: string, drainMs: number): void {
    const life = this.#lives.get(incarnation);
    if (life === undefined) return;
    this.#process.send({ kind: 'stop', incarnation, drainMs });
    if (drainMs > 0 || life.deadline !== undefined) return;
    life.deadline = setTimeout(() => {
      this.#options.onProblem(
        new Error(`${life.name} does not end; its host ${this.pid} is killed with all in it`),
      );
      void this.#process.stop({ drainMs: 0 });
    }, killGraceMs);
  }

  #hear(report: HostReport | undefined): void {
    const life = report === undefined ? undefined : this.#lives.get(report.incarnation);
    if (report === undefined || life === undefined) return;
    if (report.kind === 'ended') {
      const { code, incarnation, reason } = report;
      const failure = code === 0 || reason === undefined ? {} : { failure: reason };
      this.#over(incarnation, { code, signal: null, ...failure });
    } else if (report.kind === 'line') life.listeners.onLine(report.stream, report.line);
    else life.listeners.onMessage(report);
  }

  #over(incarnation: string, exit: Parameters<RunListeners['onEnd']>[0]): void {
    const life = this.#lives.get(incarnation);
    if (life === undefined) return;
    clearTimeout(life.deadline);
    this.#lives.delete(incarnation);
    if (this.#lives.size === 0) this.#rest();
    life.listeners.onEnd(exit);
  }

  /** The process is gone, and all lives with it. */
  #gone(reason: string): void {
    clearTimeout(this.#idle);
    const failure = `the crew host it lived in is gone: ${reason}`;
    for (const incarnation of this.#lives.keys())
      this.#over(incarnation, { code: null, signal: null, failure });
    clearTimeout(this.#idle);
  }

  /** W3. */
  #rest(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.#process.stop(), idleMs);
  }

  /** Our log lines name their instance; what else is written in a shared process is nobody's in particular. */
  #tellLine(stream: 'stdout' | 'stderr', line: string): void {
    const name = line.startsWith('{') ? /"instance":"([a-z0-9_-]+\.\d+)"/.exec(line)?.[1] : undefined;
    const life =
      name === undefined ? undefined : [...this.#lives.values()].find((each) => each.name === name);
    if (life === undefined) this.#options.onLine(stream, line);
    else life.listeners.onLine(stream, line);
  }
}

/** The host is started as every module of ours is, and then told who lives in it, which is nobody yet. */
function hostEnvironment({ natsUrl, space, runtimeBundle: bundle }: CrewHostOptions): NodeJS.ProcessEnv {
  const runtime = bundle === undefined ? {} : { runtimeBundle: bundle.folder() ?? 'off' };
  const life = { natsUrl, space, spec: hostSpec, ordinal: 0, incarnation: '0', ...runtime };
  const { MABEAM_AGENT: _agent, MABEAM_ORDINAL: _ordinal, ...rest } = agentEnvironment(life);
  const { MABEAM_INCARNATION: _incarnation, MABEAM_CONFIG: _config, ...environment } = rest;
  return { ...environment, MABEAM_PROCESS: `crew-of-${process.pid}` };
}

function startOrder({ spec, ordinal, incarnation, seed }: SharedLife): StartOrder {
  const { run } = spec;
  const isModule = run !== undefined && 'module' in run;
  return {
    kind: 'start',
    agent: spec.id,
    ordinal,
    incarnation,
    form: isModule && run.form === 'worker' ? 'worker' : 'in-process',
    module: isModule ? run.module : '',
    config: spec.config,
    seed,
    ...(spec.group === undefined ? {} : { group: spec.group }),
  };
}
