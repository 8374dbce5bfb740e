/**
 * A hosted instance: the process of one (agent, ordinal), run under its lease, and what its host sees of it.
 *
 * H1  The lease is held before the process is spawned and given back after it is gone: one incarnation per (agent, ordinal).
 * H2  Somebody else has the lease: the process is killed at once, and no state is written any more.
 * H3  While the server is away the process keeps running; after the reconnect the lease is taken again, with the same
 *     incarnation, and the state written again.
 * H4  Each run is a new incarnation. starting → active (ready) → stopping → inactive; any → failed; failed → starting.
 *     `failed` under a held lease will be started again; without one it was given up.
 */
import { openEvents, spaceNames, type Bus } from '@mabeam/bus';
import type { AgentSpec } from '@mabeam/agents';
import { startForeignHeartbeat, type ForeignHeartbeat } from './foreign-heartbeat.ts';
import { agentEnvironment, type CommandLine } from './launch.ts';
import type { KeptLease } from './lease-keeper.ts';
import { ObservedWriter } from './observed-writer.ts';
import { isDoneWithin } from './pause.ts';
import { superviseProcess, type ProcessState, type SupervisedProcess } from './process.ts';
import type { ObservedInstance } from './registry.ts';
import type { RestartPolicy } from './supervision.ts';

/** What to host and whom to tell. */
export interface HostOptions {
  readonly space: string;
  readonly spec: AgentSpec;
  readonly ordinal: number;
  /** The revision of the definition that `spec` is. */
  readonly definitionRevision: number;
  /** The node that hosts it. */
  readonly node: string;
  /** Loaded by Node agents before anything else (`--import`). */
  readonly preload?: readonly string[];
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

/** What a host gives its instance. */
export interface InstanceOptions extends HostOptions {
  readonly command: CommandLine;
  /** What the incarnations under one lease have in common; the run is its suffix. */
  readonly lineage: string;
  readonly lease: KeptLease;
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
    const { command, spec, space, ordinal, lineage, policy, drainMs, onLine } = this.#options;
    this.#process = superviseProcess({
      name: `${spec.id}.${ordinal}`,
      ...command,
      env: (run) =>
        agentEnvironment({ natsUrl: this.#bus.url, space, spec, ordinal, incarnation: `${lineage}-${run}` }),
      restart: spec.restart,
      ...(policy === undefined ? {} : { policy }),
      ...(drainMs === undefined ? {} : { drainMs }),
      onLine: (stream, line) => onLine?.(stream, line, this.incarnation),
      onChange: (state) => this.#follow(state),
      onMessage: (message) => {
        if (isReady(message)) this.#ready();
      },
    });
    void this.#finish(this.#process);
  }

  /** Drains the process for `drainMs`, kills it if it is still there, and resolves when all is over. Twice is nothing. */
  async stop(options: { readonly drainMs?: number } = {}): Promise<InstanceEnd> {
    this.#stopAsked.resolve();
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
    const began = { incarnation, status: 'starting', pid, restarts: run, reason: undefined } as const;
    this.#observe(began, pid === undefined ? undefined : 'started');
  }

  #awaitReadiness(): void {
    const { readyTimeoutMs = 30_000 } = this.#options;
    if (this.#observed.status !== 'starting') return;
    this.#readiness = this.#isForeign
      ? setTimeout(() => this.#ready(), foreignReadyMs)
      : setTimeout(() => this.#timeOut(readyTimeoutMs), readyTimeoutMs);
  }

  #ready(): void {
    if (this.#observed.status !== 'starting') return;
    clearTimeout(this.#readiness);
    this.#observe({ status: 'active' }, 'ready');
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
    this.#publishing = this.#publishing
      .then(() => events.publish('agent', agent, verb, body, options))
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

function isReady(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'ready';
}
