/**
 * The heartbeat of a command, spoken by its host (ruling R15): a program without our library need not beat, and yet its
 * team sees that it is there and what it goes by.
 *
 * V1  `applied` is the newest revision of the space that has reached this host. A program that reads no variables goes by
 *     none, so what has reached its host has reached it.
 * V2  A program that beats itself knows better: once one of its own beats is heard, the host is silent for this life.
 * V3  Nothing is said before the host knows a revision; it learns one from the next change or digest.
 */
import { heartbeatEveryMs, parseHeartbeat, type Heartbeat } from '@mabeam/agents';
import { MabeamError, spaceNames, subjects, type Bus, type BusMessage, type Subscription } from '@mabeam/bus';

/** One life of an instance. */
export interface ForeignInstance {
  readonly space: string;
  readonly agent: string;
  readonly ordinal: number;
  readonly incarnation: string;
}

/** Beats for an instance until it is stopped or disposed. */
export class ForeignHeartbeat implements Disposable {
  readonly #bus: Bus;
  readonly #instance: ForeignInstance;
  readonly #subject: string;
  readonly #subscriptions: readonly Subscription[];
  readonly #timer: NodeJS.Timeout;
  #applied: number | undefined;
  #isSilent = false;

  /** Use `startForeignHeartbeat`. */
  constructor(bus: Bus, instance: ForeignInstance) {
    const { at, signal } = subjects(instance.space);
    this.#bus = bus;
    this.#instance = instance;
    this.#subject = signal('heartbeat', instance.agent);
    const digest = at(`signal.digest.${spaceNames(instance.space).bucket}`);
    this.#subscriptions = [
      bus.subscribe(at('variable.>'), ({ headers }) => this.#reach(Number(headers.get('nats-sequence')))),
      bus.subscribe(digest, (message) => this.#reach(sequenceIn(message))),
      bus.subscribe(this.#subject, (message) => this.#listen(message)),
    ];
    this.#timer = setInterval(() => this.#beat('active'), heartbeatEveryMs);
    this.#timer.unref();
  }

  /** Says that the instance stops, and ends. */
  stop(): void {
    this.#beat('stopping');
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#isSilent = true;
    clearInterval(this.#timer);
    // Unsubscribing is a line on the wire; without a connection there is nothing to unsubscribe.
    for (const subscription of this.#subscriptions) void subscription[Symbol.asyncDispose]();
  }

  #reach(revision: number): void {
    if (!Number.isSafeInteger(revision) || revision <= (this.#applied ?? 0)) return;
    this.#applied = revision;
    this.#beat('active');
  }

  /** V2: a beat of this life that is not the host's is the program's own. */
  #listen(message: BusMessage): void {
    const body = jsonIn(message);
    const beat = parseHeartbeat(body);
    const { ordinal, incarnation } = this.#instance;
    if (beat === undefined || beat.ordinal !== ordinal || beat.incarnation !== incarnation) return;
    if (!isByHost(body)) this[Symbol.dispose]();
  }

  #beat(status: Heartbeat['status']): void {
    if (this.#isSilent || this.#applied === undefined) return;
    const { agent, ordinal, incarnation } = this.#instance;
    const beat = { agent, ordinal, incarnation, status, applied: this.#applied } satisfies Heartbeat;
    try {
      this.#bus.publish(this.#subject, { ...beat, by: 'host' });
    } catch (error) {
      if (!(error instanceof MabeamError)) throw error;
      // Not connected: the next beat after the reconnect says it all.
    }
  }
}

/** Starts to beat for an instance that is active. */
export function startForeignHeartbeat(bus: Bus, instance: ForeignInstance): ForeignHeartbeat {
  return new ForeignHeartbeat(bus, instance);
}

function isByHost(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'by' in body && body.by === 'host';
}

function sequenceIn(message: BusMessage): number {
  const body = jsonIn(message);
  return typeof body === 'object' && body !== null && 'sequence' in body ? Number(body.sequence) : Number.NaN;
}

/** A stranger may publish anything on a signal's subject: what is not JSON counts as nothing. */
function jsonIn(message: BusMessage): unknown {
  try {
    return message.json();
  } catch {
    return undefined;
  }
}
