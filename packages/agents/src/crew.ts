/**
 * A crew: any number of agents in one process, on one connection and one copy of the variables.
 *
 * Invariants
 *  C1  An instance (agent, ordinal) is in the crew at most once.
 *  C2  When `startAgents` or `add` has resolved, the server knows the subscriptions of every member.
 *  C3  The server holds no consumer for a member, unless it works on tasks or takes data edges.
 *  C4  It says, and answers, for all its active members at once which revision they see.
 *  C5  A member that ends by itself leaves the crew; the others go on.
 */
import { parseId, type Bus, type Service } from '@mabeam/bus';
import type { Logger } from '@mabeam/telemetry/api';
import { answerSettled, openVariables, type SettledInstance, type VariableStore } from '@mabeam/variables';
import { startAppliedSignal } from './applied-signal.ts';
import type { Instance } from './context.ts';
import type { AgentForm } from './define.ts';
import { agentError } from './errors.ts';
import { drainMs, Member } from './member.ts';
import { startMetricsSignal } from './metrics-signal.ts';
import { createPremises, type Premises } from './premises.ts';
import type { AgentStatus } from './status.ts';

/** An agent of a crew. */
export interface CrewMember {
  /** The agent's id. */
  readonly id: string;
  readonly definition: AgentForm;
  /** Default: that of the agent's definition in the space. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The queue it shares; default: that of its definition in the space. */
  readonly group?: string;
  /** Default 0. */
  readonly ordinal?: number;
  /** Default: the token of the process. */
  readonly incarnation?: string;
  /** The secret of its identity (`createSeed`). Default: a new one, made when it is first needed. */
  readonly seed?: string;
}

/** What the agents of a crew share. */
export interface CrewOptions {
  /** The variables of the space, when the process has them open already; they are left open. */
  readonly store?: VariableStore;
  /** Token of this process, as in `signal.applied.<process>`; default: a fresh one. */
  readonly process?: string;
  readonly log?: Logger;
  /**
   * Questions and edges that its members work on at once, from 1, when their network priorities differ; above its part of this a class
   * is refused `overloaded`. Default `MABEAM_CAPACITY`, else 1 024.
   */
  readonly capacity?: number;
  /** Called when a member has ended, with the error when one ended it. */
  readonly onEnded?: (instance: string, error?: unknown) => void;
}

/** Starts agents in this process; resolves when all are active. If one cannot start, none does: throws what its `start` threw, `agent-exists`, `invalid-id`, `stream-missing`, `invalid-hosting` over a capacity. */
export async function startAgents(
  bus: Bus,
  space: string,
  members: Iterable<CrewMember>,
  options: CrewOptions = {},
): Promise<AgentCrew> {
  const store = options.store ?? (await openVariables(bus, space));
  let crew: AgentCrew | undefined;
  try {
    crew = new AgentCrew(createPremises(bus, store, options), options);
    await crew.addAll(members);
    return crew;
  } catch (error) {
    await crew?.close();
    if (options.store === undefined) await store.close();
    throw error;
  }
}

/** Starts one agent in this process: a crew of one. Throws as `startAgents` does. */
export function startAgent(
  bus: Bus,
  space: string,
  id: string,
  definition: AgentForm,
  options: CrewOptions & Omit<CrewMember, 'id' | 'definition'> = {},
): Promise<AgentCrew> {
  return startAgents(bus, space, [{ ...options, id, definition }], options);
}

/** Agents in this process; start them with {@link startAgents}. */
export class AgentCrew implements AsyncDisposable {
  readonly #premises: Premises;
  readonly #options: CrewOptions;
  readonly #members = new Map<string, Member>();
  readonly #starting = new Set<string>();
  #activeCount = 0;
  readonly #signal: Disposable;
  /** Says what its members do. */
  readonly #metrics: Disposable;
  /** Answers, for all its members, whether a revision has arrived. */
  readonly #settled: Service;
  #ending: Promise<void> | undefined;

  /** @internal Use {@link startAgents}. */
  constructor(premises: Premises, options: CrewOptions) {
    this.#premises = premises;
    this.#options = options;
    const { bus, store, process } = premises;
    this.#signal = startAppliedSignal(premises, () => this.#census());
    this.#metrics = startMetricsSignal(premises, () => [...this.#members.values()]);
    this.#settled = answerSettled(bus, store, { process, instances: () => this.#active() });
  }

  /** Token of this process. */
  get process(): string {
    return this.#premises.process;
  }

  /** Revision of the space's bucket that the next call of every member sees. */
  get applied(): number {
    return this.#premises.store.applied;
  }

  /** How many instances are in it, starting and stopping ones too. */
  get size(): number {
    return this.#members.size;
  }

  /** The status of every member by its instance, `<agent>.<ordinal>`. */
  statuses(): ReadonlyMap<string, AgentStatus> {
    return new Map([...this.#members].map(([instance, { status }]) => [instance, status]));
  }

  /** The key by which what an instance signs is known; undefined when there is no such instance. */
  publicKeyOf(id: string, options: { readonly ordinal?: number } = {}): string | undefined {
    return this.#members.get(`${id}.${options.ordinal ?? 0}`)?.identity.publicKey;
  }

  /** Adds an agent; resolves when it is active. Throws what its `start` throws, and `agent-exists`. */
  add(member: CrewMember): Promise<void> {
    return this.addAll([member]);
  }

  /** Adds agents; resolves when all are active. Those that cannot start are not in the crew; throws the first one's error. */
  async addAll(members: Iterable<CrewMember>): Promise<void> {
    const started = await Promise.allSettled([...members].map((member) => this.#start(member)));
    const failed = started.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    await this.#premises.bus.flush();
  }

  /**
   * Takes an instance out: it drains and ends. Resolves with whether there was one. A second time may shorten the first: what has not
   * ended by then is left behind, without subscriptions.
   */
  async remove(
    id: string,
    options: { readonly ordinal?: number; readonly drainMs?: number } = {},
  ): Promise<boolean> {
    const name = `${id}.${options.ordinal ?? 0}`;
    const member = this.#members.get(name);
    if (member === undefined) return false;
    const isHurried = member.isStopping;
    const end = member.stop(options.drainMs);
    await (isHurried ? endedWithin(options.drainMs ?? drainMs, end) : end);
    this.#leave(name, member);
    return true;
  }

  /** Ends all members, each within the grace; a second time is nothing. */
  close(graceMs = drainMs): Promise<void> {
    this.#ending ??= this.#end(graceMs);
    return this.#ending;
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(given: CrewMember): Promise<void> {
    const { id, definition, ordinal = 0, incarnation = this.process, group, seed } = given;
    const instance = { agent: parseId('agent', id), ordinal, incarnation };
    const name = nameOf(instance);
    if (this.#members.has(name) || this.#ending !== undefined) throw cannotJoin(name, this.process);
    const config = given.config ?? this.#premises.specs.of(id)?.spec?.config ?? {};
    const hooks = { onEnded: this.#onEnded, onStatus: this.#onStatus };
    const member = new Member(this.#premises, { instance, definition, config, group, seed, ...hooks });
    this.#members.set(name, member);
    this.#premises.admission.join(instance.agent);
    try {
      await member.start();
    } catch (error) {
      this.#leave(name, member);
      throw error;
    }
  }

  /** C5; one function for all members, as the next. */
  readonly #onEnded = (member: Member, error?: unknown): void => {
    const name = nameOf(member.instance);
    // One that was left behind is nobody's news any more.
    if (this.#leave(name, member)) this.#options.onEnded?.(name, error);
  };

  /** One that is told to end while it starts may outlast its place: by then it may be another's. */
  #leave(name: string, member: Member): boolean {
    const isHere = this.#members.get(name) === member && this.#members.delete(name);
    if (isHere) this.#premises.admission.leave(member.instance.agent);
    return isHere;
  }

  readonly #onStatus = ({ instance, status }: Member, from: AgentStatus): void => {
    if (status === 'starting') this.#starting.add(nameOf(instance));
    if (from === 'starting') this.#starting.delete(nameOf(instance));
    if (status === 'active') this.#activeCount += 1;
    if (from === 'active') this.#activeCount -= 1;
  };

  async #end(graceMs: number): Promise<void> {
    await Promise.all([...this.#members.values()].map((member) => member.stop(graceMs)));
    this.#signal[Symbol.dispose]();
    this.#metrics[Symbol.dispose]();
    this.#premises.admission[Symbol.dispose]();
    await this.#settled.close(graceMs);
    if (this.#options.store === undefined) await this.#premises.store.close();
  }

  #active(): SettledInstance[] {
    return [...this.#members.values()]
      .filter(({ status }) => status === 'active')
      .map(({ instance }) => instance);
  }

  /** What the signal says; of constant cost, for it is said at every change of the space. */
  #census(): { laggards: string[]; instances: number } {
    return { laggards: [...this.#starting], instances: this.#activeCount };
  }
}

/** Resolves when it has ended, or after this long. */
async function endedWithin(ms: number, end: Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([end, late]);
  clearTimeout(timer);
}

function nameOf({ agent, ordinal }: Instance): string {
  return `${agent}.${ordinal}`;
}

function cannotJoin(name: string, process: string): Error {
  const message = `${name} cannot join the crew of ${process}: it is in it already, or the crew has ended; choose another ordinal`;
  return agentError('agent-exists', message, { details: { instance: name, process } });
}
