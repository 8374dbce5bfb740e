/**
 * The electorate of a revision: which instances must have it, read from what their hosts have observed (settled.ts: Q1, Q3).
 *
 * Tolerant: the observed bucket belongs to the hosts; of its entries only the few fields needed here are read, and what is none is
 * passed over. Instances of agents that are plain commands follow no variables and are not waited for.
 */
import { bucketStream, keySubject, openReplica, readStreamOnce, spaceNames, subjects } from '@mabeam/bus';
import type { Bus, BucketEntry, Replica } from '@mabeam/bus';
import * as z from 'zod';
import { readJson } from './entry.ts';
import { isPlainObject } from './json.ts';

/** One life of an instance. */
export interface SettledInstance {
  readonly agent: string;
  readonly ordinal: number;
  readonly incarnation: string;
}

/** What a process says of itself. */
export interface SettledProcess {
  readonly process: string;
  /** Revision of the space that its agents see. */
  readonly applied: number;
  readonly instances: readonly SettledInstance[];
}

/** An instance that must have the revision. */
export interface Elector {
  readonly instance: SettledInstance;
  /** Where it lives: its node, and its process there. */
  readonly home: string;
}

const observedSchema = z.object({
  agent: z.string(),
  ordinal: z.int().min(0),
  incarnation: z.string(),
  status: z.string(),
  node: z.string().catch(''),
  pid: z.int().optional().catch(undefined),
});

type Observed = z.infer<typeof observedSchema>;

/** Are these the same life of the same instance? */
export function isSame(left: SettledInstance, right: SettledInstance): boolean {
  return (
    left.agent === right.agent && left.ordinal === right.ordinal && left.incarnation === right.incarnation
  );
}

/** Which electorate. */
export interface ElectorateOptions {
  readonly revision: number;
  /** Only the instances of these; all when absent. */
  readonly agents?: readonly string[] | undefined;
  /** A copy of the observed bucket that is open already. */
  readonly observed?: Replica | undefined;
}

/** Reads who must have a revision. Throws `stream-missing` when there is no such space. */
export async function openElectorate(
  bus: Bus,
  space: string,
  options: ElectorateOptions,
): Promise<Electorate> {
  const prefix = subjects(space).at('observed');
  const replica =
    options.observed ?? (await openReplica(bus, { bucket: spaceNames(space).observed, prefix }));
  const close = async (): Promise<void> => {
    if (options.observed === undefined) await replica.close();
  };
  try {
    const [commands, committedAt] = await Promise.all([
      commandAgents(bus, space),
      commitTime(bus, space, options.revision),
    ]);
    const isVoter = (agent: string): boolean =>
      !commands.has(agent) && options.agents?.includes(agent) !== false;
    return new Electorate(bus, space, { replica, close, isVoter, committedAt });
  } catch (error) {
    await close();
    throw error;
  }
}

interface Surroundings {
  readonly replica: Replica;
  /** Closes the replica, if it was opened for this. */
  readonly close: () => Promise<void>;
  readonly isVoter: (agent: string) => boolean;
  readonly committedAt: Date | undefined;
}

/** The electorate while it is asked. */
export class Electorate implements AsyncDisposable {
  readonly #bus: Bus;
  readonly #space: string;
  readonly #close: () => Promise<void>;
  /** Those waited for, by observed key; they leave it when they have ended. */
  readonly #electors = new Map<string, Elector>();
  readonly #gone: SettledInstance[] = [];
  readonly #listening: Disposable;
  #onChange = (): void => undefined;

  constructor(bus: Bus, space: string, { replica, close, isVoter, committedAt }: Surroundings) {
    this.#bus = bus;
    this.#space = space;
    this.#close = close;
    for (const entry of replica.entries()) {
      const seen = observedIn(entry);
      if (seen === undefined || !isVoter(seen.agent)) continue;
      if (seen.status === 'active') this.#electors.set(entry.key, electorOf(seen));
      else if (hasEnded(seen) && committedAt !== undefined && entry.at >= committedAt)
        this.#gone.push(instanceOf(seen));
    }
    this.#listening = replica.onChange(({ entries }) => {
      for (const entry of entries) this.#follow(entry);
      this.#onChange();
    });
  }

  /** How many processes will answer: those of the electors, and the others that have. */
  expectedAnswers(answers: ReadonlyMap<string, SettledProcess>): number {
    const electors = [...this.#electors.values()];
    const answered = [...answers.values()].flatMap(({ instances }) => instances.map(instanceKey));
    const known = new Set(answered);
    const silent = electors.filter(({ instance }) => !known.has(instanceKey(instance)));
    return electors.length === 0 ? 0 : answers.size + new Set(silent.map(({ home }) => home)).size;
  }

  /** The electors that have not said that they have the revision. */
  missing(answers: readonly SettledProcess[], revision: number): Elector[] {
    const settled = answers.filter(({ applied }) => applied >= revision);
    const known = new Set(settled.flatMap(({ instances }) => instances.map(instanceKey)));
    return [...this.#electors.values()].filter(({ instance }) => !known.has(instanceKey(instance)));
  }

  /** Instances that were active at the commit and are no more. */
  gone(): SettledInstance[] {
    return [...this.#gone];
  }

  /** Takes those off who have not answered at all and whose host does not hold their lease any more: it died with them. */
  async lookForTheDead(answers: readonly SettledProcess[]): Promise<void> {
    const heard = new Set(answers.flatMap(({ instances }) => instances.map(instanceKey)));
    const silent = [...this.#electors].filter(([, { instance }]) => !heard.has(instanceKey(instance)));
    if (silent.length === 0) return;
    const alive = await leasedInstances(this.#bus, this.#space);
    for (const [key] of silent) if (!alive.has(key)) this.#leave(key);
  }

  /** Resolves when something was observed, or after this long. */
  async changed(timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    this.#onChange = resolve;
    await promise;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening[Symbol.dispose]();
    await this.#close();
  }

  #follow(entry: BucketEntry): void {
    const elector = this.#electors.get(entry.key);
    if (elector === undefined) return;
    const seen = observedIn(entry);
    const isSameLife = seen !== undefined && isSame(instanceOf(seen), elector.instance);
    if (!isSameLife || hasEnded(seen)) this.#leave(entry.key);
  }

  #leave(key: string): void {
    const elector = this.#electors.get(key);
    if (elector === undefined) return;
    this.#electors.delete(key);
    this.#gone.push(elector.instance);
  }
}

/** The agents that are plain commands: nothing in them follows variables. */
async function commandAgents(bus: Bus, space: string): Promise<ReadonlySet<string>> {
  const { bucket } = spaceNames(space);
  const prefix = keySubject(bucket, 'definition.agent.');
  const commands = new Set<string>();
  for await (const { subject, data } of readStreamOnce(bus, bucketStream(bucket), { filter: `${prefix}*` })) {
    const agent = subject.slice(prefix.length);
    const body = readJson(data)?.json;
    const run = isPlainObject(body) ? body['run'] : undefined;
    if (isPlainObject(run) && run['command'] !== undefined) commands.add(agent);
    else commands.delete(agent);
  }
  return commands;
}

/** The observed keys of the instances whose host holds their lease, or its own that covers them. */
async function leasedInstances(bus: Bus, space: string): Promise<ReadonlySet<string>> {
  const { leases } = spaceNames(space);
  const [prefix, hostPrefix] = [keySubject(leases, 'instance.'), keySubject(leases, 'host.')];
  const hosts = new Set<string>();
  const held = new Map<string, unknown>();
  for await (const { subject, headers, data } of readStreamOnce(bus, bucketStream(leases))) {
    if (headers.has('kv-operation') || headers.has('nats-marker-reason')) continue;
    if (subject.startsWith(hostPrefix)) hosts.add(subject.slice(hostPrefix.length));
    if (!subject.startsWith(prefix)) continue;
    const body = readJson(data)?.json;
    held.set(subject.slice(prefix.length), isPlainObject(body) ? body['host'] : undefined);
  }
  const isHeld = (host: unknown): boolean => typeof host !== 'string' || hosts.has(host);
  return new Set([...held].filter(([, host]) => isHeld(host)).map(([key]) => key));
}

/** When the revision was written, by the server's clock; that of the next kept one when it is not kept itself. */
async function commitTime(bus: Bus, space: string, revision: number): Promise<Date | undefined> {
  const stream = bucketStream(spaceNames(space).bucket);
  for await (const { at } of readStreamOnce(bus, stream, { from: Math.max(1, revision) })) return at;
  return undefined;
}

function observedIn({ data, operation }: BucketEntry): Observed | undefined {
  return operation === 'put' ? observedSchema.safeParse(readJson(data)?.json).data : undefined;
}

function hasEnded({ status }: Observed): boolean {
  return status === 'stopping' || status === 'inactive' || status === 'failed';
}

function electorOf(seen: Observed): Elector {
  return { instance: instanceOf(seen), home: `${seen.node}/${seen.pid ?? instanceKey(seen)}` };
}

function instanceOf({ agent, ordinal, incarnation }: Observed): SettledInstance {
  return { agent, ordinal, incarnation };
}

function instanceKey({ agent, ordinal, incarnation }: SettledInstance): string {
  return `${agent}.${ordinal} ${incarnation}`;
}
