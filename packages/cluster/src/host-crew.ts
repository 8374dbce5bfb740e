/**
 * A crew in a program of one's own, hosted: the program is the host of its agents, as a node is of others. Each has a lease and
 * an observed state, so that whoever looks at the space – `ps`, `settled`, the orchestrator – knows them.
 *
 * K1  All are covered by one lease of this program (host-lease.ts); an instance that another host has is not started.
 * K2  A member that ends by itself is started again as its definition says, as on a node.
 * K3  Somebody else has the lease: the member is taken out at once.
 */
import {
  parseAgentSpec,
  startAgents,
  type AgentCrew,
  type AgentSpec,
  type CrewMember,
  type CrewOptions,
} from '@mabeam/agents';
import { parseJson, readKey, spaceNames, type Bus } from '@mabeam/bus';
import { CrewLives } from './crew-lives.ts';
import { clusterError } from './errors.ts';
import { hostInstance } from './host.ts';
import { openHostLease, type HostLease } from './host-lease.ts';
import type { HostedInstance, HostOptions } from './hosted-instance.ts';
import { observedKey, type InstanceHolder } from './registry.ts';

/** A member; its incarnation is the host's business. */
export type HostedMember = Omit<CrewMember, 'incarnation'>;

export interface HostCrewOptions
  extends
    Pick<HostOptions, 'policy' | 'readyTimeoutMs' | 'drainMs' | 'onObserved' | 'onProblem'>,
    Pick<CrewOptions, 'store' | 'log' | 'capacity'> {
  /** What the program is called as a host; default `program-<pid>`. */
  readonly node?: string;
}

/**
 * Starts agents in this process and hosts them; resolves when all are active. If one cannot be started, none is: throws
 * `already-hosted`, `not-started` with the reason, and what the bus throws.
 */
export async function hostCrew(
  bus: Bus,
  space: string,
  members: Iterable<HostedMember>,
  options: HostCrewOptions = {},
): Promise<HostedCrew> {
  const { node = `program-${process.pid}`, store, log, capacity } = options;
  const lives = new CrewLives();
  const crew = await startAgents(bus, space, [], {
    onEnded: lives.onEnded,
    ...(store === undefined ? {} : { store }),
    ...(log === undefined ? {} : { log }),
    ...(capacity === undefined ? {} : { capacity }),
  });
  const host = await openHostLease(bus, { space, node }).catch(async (error: unknown) => {
    await crew.close();
    throw error;
  });
  const hosted = new HostedCrew(bus, { ...options, space, node, crew, lives, host });
  try {
    await Promise.all([...members].map((member) => hosted.add(member)));
    return hosted;
  } catch (error) {
    await hosted.close(0);
    throw error;
  }
}

interface Parts extends HostCrewOptions {
  readonly space: string;
  readonly node: string;
  readonly crew: AgentCrew;
  readonly lives: CrewLives;
  readonly host: HostLease;
}

/** Hosted agents of this process; closing drains them and gives their leases back. Start them with {@link hostCrew}. */
export class HostedCrew implements AsyncDisposable {
  readonly #bus: Bus;
  readonly #parts: Parts;
  readonly #instances = new Map<string, HostedInstance>();
  /** Members whose lease is being asked for: the end waits until they are instances, or are not. */
  readonly #taking = new Set<Promise<unknown>>();
  #ending: Promise<void> | undefined;

  /** Use `hostCrew`. */
  constructor(bus: Bus, parts: Parts) {
    this.#bus = bus;
    this.#parts = parts;
  }

  /** The members that are alive. */
  get crew(): AgentCrew {
    return this.#parts.crew;
  }

  /** Adds an agent; resolves when it is active. Throws as `hostCrew` does. */
  async add(member: HostedMember): Promise<void> {
    const active = Promise.withResolvers<void>();
    const taking = this.#take(member, active.resolve);
    this.#taking.add(taking);
    const instance = await taking.finally(() => this.#taking.delete(taking));
    const end = await Promise.race([active.promise, instance.ended]);
    if (end === undefined) return;
    const name = observedKey({ agent: member.id, ordinal: member.ordinal ?? 0 });
    const message = `${name} could not be started: ${end.reason}`;
    throw clusterError('not-started', message, { details: { instance: name, reason: end.reason } });
  }

  /** Takes a member's lease and begins its life. Throws `already-hosted`. */
  async #take(member: HostedMember, onActive: () => void): Promise<HostedInstance> {
    const { space, node, crew, lives, host, policy, readyTimeoutMs, drainMs, onProblem } = this.#parts;
    const ordinal = member.ordinal ?? 0;
    const { spec, revision } = await definitionOf(this.#bus, space, member.id);
    const result = await hostInstance(this.#bus, {
      space,
      spec,
      ordinal,
      node,
      definitionRevision: revision,
      place: {
        host,
        startRun: ({ incarnation, seed }, listeners) =>
          lives.begin(crew, { config: spec.config, seed, ...member, ordinal, incarnation }, listeners),
      },
      ...(policy === undefined ? {} : { policy }),
      ...(readyTimeoutMs === undefined ? {} : { readyTimeoutMs }),
      ...(drainMs === undefined ? {} : { drainMs }),
      ...(onProblem === undefined ? {} : { onProblem }),
      onObserved: (observed) => {
        this.#parts.onObserved?.(observed);
        if (observed.status === 'active') onActive();
      },
    });
    const name = observedKey({ agent: member.id, ordinal });
    if (result.kind === 'taken') throw alreadyHosted(name, result.by);
    const { instance } = result;
    this.#instances.set(name, instance);
    void instance.ended.then(() => this.#instances.delete(name));
    return instance;
  }

  /** Takes an instance out: it drains, and its lease is given back. Resolves with whether there was one. */
  async remove(
    id: string,
    options: { readonly ordinal?: number; readonly drainMs?: number } = {},
  ): Promise<boolean> {
    const { ordinal = 0, ...stopping } = options;
    const instance = this.#instances.get(observedKey({ agent: id, ordinal }));
    await instance?.stop(stopping);
    return instance !== undefined;
  }

  /** Ends all, each within its drain time; a second time is nothing. */
  close(drainMs?: number): Promise<void> {
    this.#ending ??= this.#end(drainMs);
    return this.#ending;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #end(drainMs: number | undefined): Promise<void> {
    const stopping = drainMs === undefined ? {} : { drainMs };
    await Promise.allSettled(this.#taking);
    await Promise.all([...this.#instances.values()].map((instance) => instance.stop(stopping)));
    await this.#parts.crew.close();
    await this.#parts.host[Symbol.asyncDispose]();
  }
}

/** What the space says of the agent; an agent it does not define is one of its own program. */
async function definitionOf(
  bus: Bus,
  space: string,
  agent: string,
): Promise<{ readonly spec: AgentSpec; readonly revision: number }> {
  const entry = await readKey(bus, spaceNames(space).bucket, `definition.agent.${agent}`);
  if (entry?.operation !== 'put') return { spec: parseAgentSpec({ id: agent }), revision: 0 };
  return { spec: parseAgentSpec(parseJson(entry.data)), revision: entry.revision };
}

function alreadyHosted(name: string, by: InstanceHolder | undefined): Error {
  const who = by === undefined ? 'somebody else' : `${by.node} (pid ${by.pid})`;
  const message = `${name} is hosted by ${who}; choose another ordinal, or stop that one`;
  return clusterError('already-hosted', message, { details: { instance: name, by } });
}
