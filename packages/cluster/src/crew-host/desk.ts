/**
 * The desk of a crew host, in the host's process: begins and ends lives as the node orders, and reports what becomes of them.
 *
 * D1  Each life that was ordered is reported `ended` exactly once, whatever becomes of it, and never `ready` after that.
 * D2  A module is loaded once, however many lives it has; one that cannot be loaded fails those who wait for it, and is tried
 *     again with the next.
 * D3  What fails while one life begins fails that life alone.
 * D4  One that is told to end while its module is still being loaded never begins.
 * D5  A life in this process that outlasts its time is left behind: it hears nothing any more. A thread is ended.
 */
import {
  publicKeyIn,
  recruitAgent,
  startAgents,
  WorkerAgent,
  type AgentCrew,
  type AgentMaker,
} from '@mabeam/agents';
import type { Bus } from '@mabeam/bus';
import { CrewLives } from '../crew-lives.ts';
import type { Run } from '../run.ts';
import type { HostOrder, HostReport, StartOrder } from './messages.ts';

export interface CrewDeskOptions {
  readonly space: string;
  /** The connection that the agents of this process share; asked for when the first of them begins. */
  readonly connect: () => Promise<Bus>;
  readonly tell: (report: HostReport) => void;
}

/** One life: its order, and how to end it once it has begun. */
interface Life {
  readonly order: StartOrder;
  isOver: boolean;
  isStopping: boolean;
  thread?: WorkerAgent;
  run?: Run;
}

export class CrewDesk {
  readonly #options: CrewDeskOptions;
  readonly #lives = new Map<string, Life>();
  readonly #here = new CrewLives();
  readonly #modules = new Map<string, Promise<AgentMaker>>();
  #crew: Promise<AgentCrew> | undefined;

  constructor(options: CrewDeskOptions) {
    this.#options = options;
  }

  /** Does as ordered; what becomes of it is reported. */
  obey(order: HostOrder): void {
    if (order.kind === 'start') void this.#begin(order);
    else void this.#end(order.incarnation, order.drainMs);
  }

  /** Ends all lives, each within the grace. */
  async close(graceMs: number): Promise<void> {
    await Promise.all([...this.#lives.keys()].map((incarnation) => this.#end(incarnation, graceMs)));
    await (await this.#crew?.catch(() => undefined))?.close(graceMs);
  }

  async #begin(order: StartOrder): Promise<void> {
    const life: Life = { order, isOver: false, isStopping: false };
    this.#lives.set(order.incarnation, life);
    try {
      if (order.form === 'worker') await this.#beginThread(life);
      else await this.#beginHere(life);
    } catch (error) {
      this.#over(life, 1, error instanceof Error ? error.message : String(error));
    }
  }

  async #beginHere(life: Life): Promise<void> {
    const { agent: id, ordinal, incarnation, config, group, module, seed } = life.order;
    const [makeAgent, crew] = await Promise.all([this.#recruit(module), this.#opened()]);
    if (life.isStopping) return this.#over(life, 0);
    const member = {
      id,
      ordinal,
      incarnation,
      config,
      definition: makeAgent(),
      ...(seed === undefined ? {} : { seed }),
      ...(group === undefined ? {} : { group }),
    };
    life.run = this.#here.begin(crew, member, {
      onSpawn: () => undefined,
      onMessage: (message) =>
        this.#options.tell({
          kind: 'ready',
          incarnation,
          process: crew.process,
          publicKey: publicKeyIn(message),
        }),
      onEnd: ({ code, failure }) => this.#over(life, code ?? 1, failure),
    });
  }

  async #beginThread(life: Life): Promise<void> {
    const { agent, ordinal, incarnation, config, module, seed } = life.order;
    const { space, tell } = this.#options;
    const onLine = (stream: 'stdout' | 'stderr', line: string): void =>
      tell({ kind: 'line', incarnation, stream, line });
    const thread = new WorkerAgent({ module, space, agent, ordinal, incarnation, config, seed, onLine });
    life.thread = thread;
    void thread.ready.then(() => {
      if (!life.isOver) tell({ kind: 'ready', incarnation, publicKey: thread.publicKey });
    });
    const code = await thread.ended;
    this.#over(life, code, code === 0 ? undefined : `its thread ended with status ${code}`);
  }

  async #end(incarnation: string, drainMs: number): Promise<void> {
    const life = this.#lives.get(incarnation);
    if (life === undefined) return;
    life.isStopping = true;
    if (life.thread !== undefined) await life.thread.close(drainMs);
    else if (life.run !== undefined) life.run.kill(drainMs > 0 ? 'SIGTERM' : 'SIGKILL', drainMs);
    else this.#over(life, 0);
  }

  /** D1: the one place where a life is reported over. */
  #over(life: Life, code: number, reason?: string): void {
    if (life.isOver) return;
    life.isOver = true;
    const { incarnation } = life.order;
    this.#lives.delete(incarnation);
    if (life.isStopping && code === 0) this.#options.tell({ kind: 'drained', incarnation });
    this.#options.tell({ kind: 'ended', incarnation, code, ...(reason === undefined ? {} : { reason }) });
  }

  #opened(): Promise<AgentCrew> {
    this.#crew ??= this.#openCrew().catch((error: unknown) => {
      this.#crew = undefined;
      throw error;
    });
    return this.#crew;
  }

  async #openCrew(): Promise<AgentCrew> {
    const bus = await this.#options.connect();
    return startAgents(bus, this.#options.space, [], { onEnded: this.#here.onEnded });
  }

  #recruit(module: string): Promise<AgentMaker> {
    const known = this.#modules.get(module);
    if (known !== undefined) return known;
    const loading = recruitAgent(module).catch((error: unknown) => {
      this.#modules.delete(module);
      throw error;
    });
    this.#modules.set(module, loading);
    return loading;
  }
}
