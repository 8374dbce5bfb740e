/**
 * The crew hosts of a node, and the leases that cover what lives in them: for each space one lease, and one host, or as many as
 * the bound on their size asks for.
 *
 * P1  A space's host lease is taken before anything of it begins; when it is lost for good, the next start takes another.
 * P2  A host that ends takes nothing new: the next life begins in another one.
 */
import type { Bus } from '@mabeam/bus';
import { openHostLease, type HostLease } from '../host-lease.ts';
import type { SharedPlace } from '../hosted-instance.ts';
import { CrewHost, type CrewHostOptions } from './crew-host.ts';

export interface CrewPoolOptions extends Pick<CrewHostOptions, 'preload' | 'runtimeBundle' | 'onProblem'> {
  readonly node: string;
  /** How many agents of a space live in one host at most; default: all of them. */
  readonly crewSize?: number | undefined;
  /** A line of a host that names none of its agents. */
  readonly onLine: (line: CrewLine) => void;
}

/** A line that a crew host has written, not one of its agents. */
export interface CrewLine {
  readonly space: string;
  readonly pid: number | undefined;
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
}

/** The shared places of a node; disposing ends its crew hosts, with whatever is left in them. */
export class CrewPool implements AsyncDisposable {
  readonly #bus: Bus;
  readonly #options: CrewPoolOptions;
  readonly #leases = new Map<string, Promise<HostLease>>();
  readonly #hosts = new Set<CrewHost>();

  constructor(bus: Bus, options: CrewPoolOptions) {
    this.#bus = bus;
    this.#options = options;
  }

  /** Where an agent of the space can live beside others (P1). Its process is on its way when this resolves. Throws what the bus throws. */
  async placeIn(space: string): Promise<SharedPlace> {
    this.#hostIn(space);
    const host = await this.#leaseOf(space);
    return { host, startRun: (life, listeners) => this.#hostIn(space).startRun(life, listeners) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#hosts].map((host) => host[Symbol.asyncDispose]()));
    for (const opening of this.#leases.values()) {
      const lease = await opening.catch(() => undefined);
      await lease?.[Symbol.asyncDispose]();
    }
  }

  async #leaseOf(space: string): Promise<HostLease> {
    const known = this.#leases.get(space);
    const lease = await known?.catch(() => undefined);
    if (lease?.isOver === false) return lease;
    // Somebody else may have seen the same in the meantime.
    const present = this.#leases.get(space);
    if (present !== undefined && present !== known) return present;
    const opening = openHostLease(this.#bus, { space, node: this.#options.node });
    this.#leases.set(space, opening);
    return opening;
  }

  /** P2: one that has room, or another. */
  #hostIn(space: string): CrewHost {
    const { crewSize = Infinity, preload, runtimeBundle, onLine, onProblem } = this.#options;
    for (const host of this.#hosts) if (host.isEnding && host.size === 0) this.#hosts.delete(host);
    const present = [...this.#hosts].find(
      (each) => each.space === space && !each.isEnding && each.size < crewSize,
    );
    if (present !== undefined) return present;
    const host: CrewHost = new CrewHost({
      space,
      natsUrl: this.#bus.url,
      preload,
      runtimeBundle,
      onLine: (stream, line) => onLine({ space, pid: host.pid, stream, line }),
      onProblem,
    });
    this.#hosts.add(host);
    return host;
  }
}
