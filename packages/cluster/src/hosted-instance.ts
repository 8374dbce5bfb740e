/**
 * A hosted instance: the life of one (agent, ordinal), run under its lease, and what its host sees of it. What "process" says
 * below is true as well of an agent that shares one with others.
 *
 * H1  The lease is held before the process is spawned and given back after it is gone: one incarnation per (agent, ordinal).
 * H2  Somebody else has the lease: the process is killed at once, and no state is written any more.
 * H3  While the server is away the process keeps running; after the reconnect the lease is taken again, with the same
 *     incarnation, and the state written again.
 * H4  Each run is a new incarnation. starting → active (ready) → stopping → inactive; any → failed; failed → starting.
 *     `failed` under a held lease will be started again; without one it was given up.
 * H5  Its events are told in the journey that caused them: until it is ready that of the order to start it, once it is told to stop
 *     that of this order. What comes of itself – a crash, the start after it – is in nobody's journey.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { openEvents, spaceNames, type Bus } from '@mabeam/bus';
import { publicKeyIn, type AgentSpec } from '@mabeam/agents';
import { isDoneWithin } from './bounded-waits.ts';
import { startForeignHeartbeat, type ForeignHeartbeat } from './foreign-heartbeat.ts';
import type { HostLease } from './host-lease.ts';
import { ObservedWriter } from './observed-writer.ts';
import { superviseRuns, type ProcessState, type SupervisedProcess } from './process.ts';
import type { InstanceHolder, ObservedInstance } from './registry.ts';
import type { Run, RunListeners, RunStarter } from './run.ts';
import type { RuntimeBundle } from './runtime-bundle/runtime-bundle.ts';
import type { RestartPolicy } from './supervision.ts';

/** One life of an agent that shares a process with others. */
export interface SharedLife {
  readonly spec: AgentSpec;
  readonly ordinal: number;
  readonly incarnation: string;
  /** The secret of its identity. */
  readonly seed: string;
}

/** A process that agents share, and the lease that covers them. */
export interface SharedPlace {
  readonly host: HostLease;
  /** Starts a life; its run's control messages are those of a process. */
  readonly startRun: (life: SharedLife, listeners: RunListeners) => Run;
}

/** What an instance needs of its lease. */
export interface InstanceLease extends AsyncDisposable {
  readonly isHeld: boolean;
  update(holder: InstanceHolder): Promise<void>;
}

/** What to host and whom to tell. */
export interface HostOptions {
  readonly space: string;
  readonly spec: AgentSpec;
  readonly ordinal: number;
  /** The revision of the definition that `spec` is. */
  readonly definitionRevision: number;
  /** The node that hosts it. */
  readonly node: string;
  /** Where it lives beside others; absent: in a process of its own, under a lease of its own. */
  readonly place?: SharedPlace | undefined;
  /** Loaded by Node agents before anything else (`--import`). */
  readonly preload?: readonly string[];
  /** The modules that they all load, as one script; absent: each loads its own files. */
  readonly runtimeBundle?: RuntimeBundle;
  /** Default: three restarts a minute. */
  readonly policy?: RestartPolicy;
  /** An agent that is not ready after this has failed (`start-timeout`). Default: 30 000. */
  readonly readyTimeoutMs?: number;
  /** How long a stopping agent may take. Default: 5 000. */
  readonly drainMs?: number;
  /** Each line that the process writes, without its line end. */
  readonly onLine?: (stream: 'stdout' | 'stderr', line: string, incarnation: string) => void;
  /** Every state, in order, also those overtaken before they could be written. */
  readonly onObserved?: (observed: ObservedInstance) => void;
  /** Writes and events that failed; the host goes on. */
  readonly onProblem?: (error: unknown) => void;
}

/** How a hosted instance ended for good. */
export type InstanceEnd =
  | { readonly kind: 'inactive'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'fenced'; readonly reason: string };

/** A foreign command says nothing of its readiness: it is active once it has run this long. */
const foreignReadyMs = 300;

/** How long the last state may take to be written when nobody waits for the end, and when somebody does. */
const lastWriteMs = 30_000;
const hurriedWriteMs = 2_000;

/** An event that is not stored within this is given up. */
const eventTimeoutMs = 10_000;

/** Calls a function in the journey, that is: the asynchronous context, in which this was made. */
type Journey = ReturnType<typeof AsyncLocalStorage.snapshot>;

/** Nobody's journey: as this module was loaded. */
const nobodys: Journey = AsyncLocalStorage.snapshot();

/** What a host gives its instance. */
export interface InstanceOptions extends HostOptions {
  readonly startRun: RunStarter;
  /** What the incarnations under one lease have in common; the run is its suffix. */
  readonly lineage: string;
  readonly lease: InstanceLease;
}

/** The handle of a hosted instance; disposing stops it. */
export class HostedInstance implements AsyncDisposable {
  /** Fulfils when the process is gone, its last state written and the lease given back; never rejects. */
  readonly ended: Promise<InstanceEnd>;
  readonly #bus: Bus;
  readonly #options: InstanceOptions;
  readonly #ended = Promise.withResolvers<InstanceEnd>();
  readonly #stopAsked = Promise.withResolvers<void>();
  readonly #writer: ObservedWriter;
  #process: SupervisedProcess | undefined;
  #observed: ObservedInstance;
  #readiness: NodeJS.Timeout | undefined;
  /** Speaks for a command that is active. */
  #voice: ForeignHeartbeat | undefined;
  /** Events are stored one after the other, so that they are read in order. */
  #publishing: Promise<void> = Promise.resolve();
  /** The journey that its next event belongs to (H5). */
  #journey = nobodys;
  /** Why it ends although its process would not: fenced, or never ready. */
  #verdict: InstanceEnd | undefined;

  /** Use `hostInstance`. */
  constructor(bus: Bus, options: InstanceOptions) {
    const { space, spec, ordinal, node, definitionRevision, lineage, lease } = options;
    this.#bus = bus;
    this.#options = options;
    this.ended = this.#ended.promise;
    this.#writer = new ObservedWriter(bus, {
      bucket: spaceNames(space).observed,
      mayWrite: () => lease.isHeld,
      onProblem: (error) => options.onProblem?.(error),
    });
    this.#observed = {
      v: 1,
      agent: spec.id,
      ordinal,
      incarnation: `${lineage}-0`,
      status: 'starting',
      node,
      definitionRevision,
      restarts: 0,
      since: new Date().toISOString(),
    };
  }

  /** The present state, written or not yet. */
  get observed(): ObservedInstance {
    return this.#observed;
  }

  /** Id of the run that is alive, or of the last one. */
  get incarnation(): string {
    return this.#observed.incarnation;
  }

  /** Process id of the run that is alive; undefined between two of them. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** It ends or has ended for good: nothing will start it again under this lease. */
  get isEnding(): boolean {
    const kind = this.#process?.state.kind;
    return kind === 'stopping' || kind === 'stopped' || kind === 'failed';
  }

  /** Spawns the process; throws what `spawn` throws. */
  start(): void {
    const { startRun, spec, ordinal, policy, drainMs, onLine } = this.#options;
    this.#journey = AsyncLocalStorage.snapshot();
    this.#process = superviseRuns({
      name: `${spec.id}.${ordinal}`,
      startRun,
      restart: spec.restart,
      ...(policy === undefined ? {} : { policy }),
      ...(drainMs === undefined ? {} : { drainMs }),
      onLine: (stream, line) => onLine?.(stream, line, this.incarnation),
      onChange: (state) => this.#follow(state),
      onMessage: (message) => {
        if (isReady(message)) this.#ready(processIn(message), publicKeyIn(message));
      },
    });
    void this.#finish(this.#process);
  }

  /** Drains the process for `drainMs`, kills it if it is still there, and resolves when all is over. Twice is nothing. */
  async stop(options: { readonly drainMs?: number } = {}): Promise<InstanceEnd> {
    this.#stopAsked.resolve();
    if (!this.isEnding) this.#journey = AsyncLocalStorage.snapshot();
    await this.#process?.stop(options);
    return this.ended;
  }

  /** Stops it as `stop` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Somebody else has the lease: ends at once and in silence (H2). */
  fence(reason: string): void {
    this.#verdict = { kind: 'fenced', reason };
    this.#voice?.[Symbol.dispose]();
    this.#writer[Symbol.dispose]();
    void this.#process?.stop({ drainMs: 0 });
  }

  /** The lease was taken again: the state is written again (H3). */
  rewrite(): void {
    this.#writer.rewrite();
  }

  /** A command: it need not know our protocol beyond its questions. */
  get #isForeign(): boolean {
    const { run } = this.#options.spec;
    return run !== undefined && 'command' in run;
  }

  #follow(state: ProcessState): void {
    clearTimeout(this.#readiness);
    switch (state.kind) {
      case 'starting':
        return this.#starting(state.run, state.pid);
      case 'running':
        return this.#awaitReadiness();
      case 'stopping':
        this.#voice?.stop();
        if (this.#verdict === undefined) this.#observe({ status: 'stopping' });
        return undefined;
      case 'restarting': {
        this.#voice?.[Symbol.dispose]();
        const again = `${state.reason}; started again in ${state.delayMs} ms`;
        return this.#observe({ status: 'failed', pid: undefined, reason: again }, 'failed');
      }
      case 'stopped':
      case 'failed':
        this.#voice?.[Symbol.dispose]();
        return this.#over(this.#verdict ?? endOf(state));
    }
  }

  #starting(run: number, pid: number | undefined): void {
    const { lineage, lease, node } = this.#options;
    const incarnation = `${lineage}-${run}`;
    if (run > 0) void lease.update({ node, pid: process.pid, incarnation });
    const began = { incarnation, status: 'starting', pid, restarts: run } as const;
    this.#observe(
      { ...began, reason: undefined, process: undefined },
      pid === undefined ? undefined : 'started',
    );
  }

  #awaitReadiness(): void {
    const { readyTimeoutMs = 30_000 } = this.#options;
    if (this.#observed.status !== 'starting') return;
    this.#readiness = this.#isForeign
      ? setTimeout(() => this.#ready(), foreignReadyMs)
      : setTimeout(() => this.#timeOut(readyTimeoutMs), readyTimeoutMs);
  }

  /** A command may say by its key that it is ready when it is active already. */
  #ready(process?: string, publicKey?: string): void {
    const named = publicKey === undefined ? {} : { publicKey };
    if (this.#observed.status === 'active' && publicKey !== undefined) this.#observe(named);
    if (this.#observed.status !== 'starting') return;
    clearTimeout(this.#readiness);
    this.#observe({ status: 'active', process, ...named }, 'ready');
    if (!this.#isForeign) return;
    const { agent, ordinal, incarnation } = this.#observed;
    const { space } = this.#options;
    this.#voice = startForeignHeartbeat(this.#bus, { space, agent, ordinal, incarnation });
  }

  #timeOut(readyTimeoutMs: number): void {
    this.#verdict = { kind: 'failed', reason: `start-timeout: not ready after ${readyTimeoutMs} ms` };
    void this.#process?.stop({ drainMs: 0 });
  }

  #over(end: InstanceEnd): void {
    const status = end.kind === 'inactive' ? 'inactive' : 'failed';
    const event = end.kind === 'inactive' ? 'stopped' : 'failed';
    this.#observe({ status, pid: undefined, reason: end.reason }, event);
  }

  #observe(change: Partial<ObservedInstance>, event?: 'started' | 'ready' | 'stopped' | 'failed'): void {
    const since = new Date().toISOString();
    this.#observed = { ...this.#observed, ...change, since };
    if (this.#verdict?.kind !== 'fenced') this.#writer.set(this.#observed);
    this.#options.onObserved?.(this.#observed);
    if (event !== undefined) this.#publish(event, change.pid ?? this.pid);
  }

  #publish(verb: string, pid: number | undefined): void {
    const { agent, ordinal, incarnation, node, reason } = this.#observed;
    const body = { agent, ordinal, incarnation, node, pid, reason };
    const options = { messageId: `${incarnation}-${verb}`, timeoutMs: eventTimeoutMs };
    const events = openEvents(this.#bus, this.#options.space);
    const journey = this.#journey;
    if (verb !== 'started') this.#journey = nobodys;
    this.#publishing = this.#publishing
      .then(() => journey(() => events.publish('agent', agent, verb, body, options)))
      .then(
        () => undefined,
        (error: unknown) => this.#options.onProblem?.(error),
      );
  }

  /** After the process: the last state and events, then the lease (H1). */
  async #finish(supervised: SupervisedProcess): Promise<void> {
    const exit = await supervised.exited;
    const end = this.#verdict ?? endOf(exit);
    const hurried = this.#stopAsked.promise.then(() => isDoneWithin(hurriedWriteMs, this.#writer.done()));
    if (end.kind !== 'fenced') await Promise.race([isDoneWithin(lastWriteMs, this.#writer.done()), hurried]);
    this.#writer[Symbol.dispose]();
    await isDoneWithin(hurriedWriteMs, this.#publishing);
    await this.#options.lease[Symbol.asyncDispose]();
    this.#ended.resolve(end);
  }
}

function endOf(state: { readonly kind: 'stopped' | 'failed'; readonly reason: string }): InstanceEnd {
  return { kind: state.kind === 'stopped' ? 'inactive' : 'failed', reason: state.reason };
}

/** The process for which an agent that shares one speaks. */
function processIn(message: unknown): string | undefined {
  if (typeof message !== 'object' || message === null || !('process' in message)) return undefined;
  return typeof message.process === 'string' ? message.process : undefined;
}

function isReady(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'ready';
}
