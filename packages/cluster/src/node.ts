/**
 * A node: hosts the agents of one machine, as it is ordered (docs/protocol.md, "Node commands").
 *
 * N1  The node is registered under a lease; two processes never have the same id at once.
 * N2  Orders for one instance are obeyed one after the other; orders for different instances at once.
 * N3  A leader older than the one in office is refused: than the revision of the space's key `leader` when the order is looked
 *     at, or than one that was seen before.
 * N4  When it ends, by its signal or by losing its id, every instance was stopped first.
 * N5  What shares a process lives in a crew host, a child of the node: a module cannot end the node.
 */
import { availableParallelism, hostname, totalmem } from 'node:os';
import {
  ensureStreams,
  nodesBucket,
  parseId,
  pause,
  platformStreams,
  readKey,
  spaceNames,
  type Bus,
  type MabeamError,
  type Service,
} from '@mabeam/bus';
import { CrewPool, type CrewLine } from './crew-host/pool.ts';
import { clusterError } from './errors.ts';
import { hostInstance } from './host.ts';
import type { HostedInstance, HostOptions } from './hosted-instance.ts';
import { keepLease, type KeptLease } from './lease-keeper.ts';
import {
  nodeCommandSubject,
  parseStartCommand,
  parseStopCommand,
  type NodeReply,
  type StartCommand,
  type StopCommand,
} from './node-command.ts';
import {
  leaseTtlMs,
  observedKey,
  parseNodeRecord,
  type NodeRecord,
  type ObservedInstance,
} from './registry.ts';

/** Which instance a line came from. */
export interface AgentLine {
  readonly space: string;
  readonly agent: string;
  readonly ordinal: number;
  readonly incarnation: string;
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
}

/** How to run a node. */
export interface NodeOptions extends Pick<
  HostOptions,
  'preload' | 'runtimeBundle' | 'policy' | 'readyTimeoutMs' | 'drainMs'
> {
  readonly id: string;
  /** How many agents of a space share one process at most; default: all that share one. */
  readonly crewSize?: number;
  /** Aborting it stops all instances and ends the node. */
  readonly signal: AbortSignal;
  /** Each line that an agent of this node writes. */
  readonly onLine?: (line: AgentLine) => void;
  /** Each line of a process that agents share, when it names none of them. */
  readonly onCrewLine?: (line: CrewLine) => void;
  /** Every state of every instance of this node, in order. */
  readonly onObserved?: (space: string, observed: ObservedInstance) => void;
  /** What failed and is tried again or given up, while the node goes on. */
  readonly onProblem?: (error: unknown) => void;
  /** The node is registered and takes orders. */
  readonly onReady?: (record: NodeRecord) => void;
}

/** How a node ended: `stopped` counts the instances that ran until then. */
export interface NodeEnd {
  readonly kind: 'drained';
  readonly stopped: number;
}

/** Registering waits this long for a killed predecessor's lease to expire; a lease that is renewed meanwhile is alive. */
const takeoverMs = leaseTtlMs + 1_000;

/** The key of a space's bucket whose revision is the leader's. */
const leaderKey = 'leader';

/** Pause between two attempts to register. */
const retryMs = 100;

/**
 * Runs a node until its signal aborts; then every instance has been stopped. Throws `node-exists` when a living process has
 * the id, at the start or, after a suspension, later; `invalid-id`; and what the bus throws.
 */
export async function runNode(bus: Bus, options: NodeOptions): Promise<NodeEnd> {
  const node = new Node(bus, options);
  try {
    await node.open();
    return { kind: 'drained', stopped: await node.untilOver() };
  } finally {
    await node[Symbol.asyncDispose]();
  }
}

class Node implements AsyncDisposable {
  readonly #bus: Bus;
  readonly #options: NodeOptions;
  readonly #record: NodeRecord;
  readonly #instances = new Map<string, HostedInstance>();
  readonly #orders = new Map<string, Promise<unknown>>();
  readonly #leaders = new Map<string, number>();
  readonly #services: Service[] = [];
  readonly #crews: CrewPool;
  readonly #over = Promise.withResolvers<void>();
  #lease: KeptLease | undefined;
  #isDraining = false;
  #isCounting = false;

  constructor(bus: Bus, options: NodeOptions) {
    this.#bus = bus;
    this.#options = options;
    this.#record = {
      v: 1,
      id: parseId('node', options.id),
      pid: process.pid,
      host: hostname(),
      startedAt: new Date().toISOString(),
      capacity: { cpu: availableParallelism(), memory: totalmem() },
      instances: 0,
    };
    this.#crews = new CrewPool(bus, {
      node: options.id,
      preload: options.preload ?? [],
      runtimeBundle: options.runtimeBundle,
      crewSize: options.crewSize,
      onLine: (line) => options.onCrewLine?.(line),
      onProblem: (error) => options.onProblem?.(error),
    });
  }

  /** Registers (N1) and takes orders, unless the signal aborts first. */
  async open(): Promise<void> {
    const { id, signal, onReady } = this.#options;
    this.#over.promise.catch(() => undefined); // heard by `untilOver`, which may be called later
    signal.addEventListener('abort', () => this.#over.resolve(), { once: true });
    if (signal.aborted) this.#over.resolve();
    await ensureStreams(this.#bus, platformStreams());
    this.#lease = await this.#register();
    if (this.#lease === undefined) return;
    this.#services.push(
      this.#bus.serve(nodeCommandSubject(id, 'start'), ({ body }) =>
        this.#obeyStart(parseStartCommand(body)),
      ),
      this.#bus.serve(nodeCommandSubject(id, 'stop'), ({ body }) => this.#obeyStop(parseStopCommand(body))),
    );
    await this.#bus.flush();
    onReady?.(this.#record);
  }

  /** Resolves, when the node is over, with how many instances still ran. Throws `node-exists` when its id was lost. */
  async untilOver(): Promise<number> {
    await this.#over.promise;
    return this.#instances.size;
  }

  /** Stops everything, side by side, then gives the id back (N4). */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDraining = true;
    await Promise.all(this.#services.map((service) => service.close(0)));
    await Promise.allSettled(this.#orders.values());
    await Promise.all([...this.#instances.values()].map((instance) => instance.stop()));
    await this.#crews[Symbol.asyncDispose]();
    await this.#lease?.[Symbol.asyncDispose]();
  }

  /** Takes the lease of the id; undefined when the signal aborts first. */
  async #register(): Promise<KeptLease | undefined> {
    const { id, signal } = this.#options;
    const giveUpAtMs = performance.now() + takeoverMs;
    let firstSeen: number | undefined;
    while (!signal.aborted) {
      const result = await keepLease(this.#bus, {
        bucket: nodesBucket,
        key: id,
        ttlMs: leaseTtlMs,
        holder: this.#record,
        isOwn: (holder) => this.#isOwn(holder),
        onFenced: (reason) => this.#over.reject(nodeExists(id, reason)),
        onRetaken: () => undefined,
      });
      if (result.kind === 'held') return result.lease;
      const revision = (await readKey(this.#bus, nodesBucket, id))?.revision;
      firstSeen ??= revision;
      const by = parseNodeRecord(result.by);
      const isRenewed = revision !== firstSeen && by !== undefined;
      if (isRenewed || performance.now() > giveUpAtMs) {
        throw nodeExists(id, `process ${by?.pid} on ${by?.host} has it`);
      }
      await pause(retryMs, signal);
    }
    return undefined;
  }

  #isOwn(holder: unknown): boolean {
    const other = parseNodeRecord(holder);
    const { pid, host, startedAt } = this.#record;
    return other?.pid === pid && other.host === host && other.startedAt === startedAt;
  }

  #obeyStart(command: StartCommand): Promise<NodeReply> {
    return this.#inTurn(command, async (key) => {
      const refusal = await this.#refusal(command);
      if (refusal !== undefined) return refusal;
      const present = this.#instances.get(key);
      if (present?.isEnding === true) return { kind: 'rejected', reason: 'stopping' };
      if (present !== undefined) return { kind: 'noop', incarnation: present.incarnation, pid: present.pid };
      return this.#start(key, command);
    });
  }

  #obeyStop(command: StopCommand): Promise<NodeReply> {
    return this.#inTurn(command, async (key) => {
      const refusal = await this.#refusal(command);
      if (refusal !== undefined) return refusal;
      const present = this.#instances.get(key);
      if (present === undefined) return { kind: 'noop' };
      if (present.isEnding) return { kind: 'noop', incarnation: present.incarnation };
      const { incarnation, pid } = present;
      const { drainMs, incarnation: meant } = command;
      if (meant !== undefined && meant !== incarnation) return { kind: 'noop', incarnation };
      void present.stop(drainMs === undefined ? {} : { drainMs });
      return { kind: 'applied', incarnation, pid };
    });
  }

  async #start(key: string, command: StartCommand): Promise<NodeReply> {
    const { space, spec, ordinal, definitionRevision, restarts } = command;
    const { id, onLine, onObserved, onProblem, ...hosting } = this.#options;
    const place = isShared(spec) ? await this.#crews.placeIn(space) : undefined;
    const result = await hostInstance(this.#bus, {
      ...hosting,
      ...(restarts === undefined ? {} : { policy: restarts }),
      place,
      space,
      spec,
      ordinal,
      definitionRevision,
      node: id,
      onLine: (stream, line, incarnation) =>
        onLine?.({ space, agent: spec.id, ordinal, incarnation, stream, line }),
      onObserved: (observed) => onObserved?.(space, observed),
      onProblem: (error) => onProblem?.(error),
    });
    if (result.kind === 'taken') return { kind: 'rejected', reason: 'lease-held' };
    const { instance } = result;
    this.#instances.set(key, instance);
    this.#count();
    void instance.ended.then(() => {
      this.#instances.delete(key);
      this.#count();
    });
    return { kind: 'applied', incarnation: instance.incarnation, pid: instance.pid };
  }

  /** An order may have been on its way for long, and its leader's successor may not have spoken here yet (N3). */
  async #refusal({ space, leaderRevision }: StopCommand | StartCommand): Promise<NodeReply | undefined> {
    const inOffice = await readKey(this.#bus, spaceNames(space).bucket, leaderKey);
    if (this.#isDraining) return { kind: 'rejected', reason: 'draining' };
    const newest = Math.max(this.#leaders.get(space) ?? 0, inOffice?.revision ?? 0);
    this.#leaders.set(space, Math.max(newest, leaderRevision));
    return leaderRevision < newest ? { kind: 'rejected', reason: 'stale-leader' } : undefined;
  }

  /** Runs an order after those before it for the same instance (N2). */
  async #inTurn(
    command: StartCommand | StopCommand,
    order: (key: string) => Promise<NodeReply>,
  ): Promise<NodeReply> {
    const key = `${command.space}.${observedKey(command)}`;
    const before = this.#orders.get(key) ?? Promise.resolve();
    const turn = before.then(
      () => order(key),
      () => order(key),
    );
    this.#orders.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#orders.get(key) === turn) this.#orders.delete(key);
    }
  }

  #count(): void {
    if (!this.#isCounting) void this.#sayCount();
  }

  /** Says how many instances there are; numbers that come while one is being said are overtaken by the last of them. */
  async #sayCount(): Promise<void> {
    this.#isCounting = true;
    try {
      let said: number | undefined;
      while (!this.#isDraining && said !== this.#instances.size) {
        said = this.#instances.size;
        await this.#lease?.update({ ...this.#record, instances: said });
      }
    } finally {
      this.#isCounting = false;
    }
  }
}

/** Does an agent of this definition share a process with others? */
function isShared({ run }: StartCommand['spec']): boolean {
  return run !== undefined && 'module' in run && (run.form ?? 'process') !== 'process';
}

function nodeExists(id: string, reason: string): MabeamError {
  const message = `there is a node "${id}" already: ${reason}; stop it or choose another --id`;
  return clusterError('node-exists', message, { details: { node: id } });
}
