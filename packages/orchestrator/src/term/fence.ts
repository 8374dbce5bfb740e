/**
 * The fence: why only one orchestrator's writes take effect (rulings R3).
 *
 * F1 A lease says who may become leader; it does not stop an old leader that does not know yet. So a new leader
 *    compare-and-sets the key `leader`, and the revision of that write is its ticket.
 * F2 Every commit of a leader is one atomic batch: its changes with their own expectations, and a record on the key `fence`
 *    that expects the last revision of `leader` to be the ticket. A deposed leader's batch is refused whole.
 * F3 A refused batch is told apart by reading `leader`: another revision there means deposed, the same one means that one
 *    of the changes has lost its own race.
 * F4 What is committed without a person's wish also expects the key `freeze` to be as the decision saw it: from the revision of a
 *    freeze on, none of it is accepted.
 */
import {
  acquireLease,
  commitBatch,
  MabeamError,
  readKey,
  spaceNames,
  type BatchWrite,
  type Bus,
  type Lease,
} from '@mabeam/bus';
import { freezeKey } from '@mabeam/variables';
import { z } from 'zod';

/** What a fenced commit can end in. */
export type CommitOutcome =
  | {
      readonly kind: 'committed';
      readonly revision: number;
      readonly revisions: Readonly<Record<string, number>>;
    }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'deposed' };

/** The key of the lease, and in the space's bucket of the ticket (F1). */
export const leaderKey = 'leader';

const identitySchema = z.object({ process: z.string(), pid: z.int(), host: z.string() });

/** Who leads; the holder of the lease and the body of the key `leader`. */
export type LeaderIdentity = Readonly<z.infer<typeof identitySchema>>;

/** The leader that the holder of the lease says; undefined when it is none. */
export function parseLeader(value: unknown): LeaderIdentity | undefined {
  return identitySchema.safeParse(value).data;
}

/** Which space to lead, as whom, and how long a lease lasts without renewal (2 000 ms by default). */
export interface LeadershipOptions {
  readonly space: string;
  readonly identity: LeaderIdentity;
  readonly ttlMs?: number;
}

const defaultTtlMs = 2_000;
const fenceKey = 'fence';
const freezeFenceKey = 'fence.freeze';

/** What else a commit expects. */
export interface CommitOptions {
  /** Revision of the key `freeze` that the decision saw (F4); absent for what a person wishes. */
  readonly freezeRevision?: number;
}

/** Tries once to become leader: undefined while another holds the lease. */
export async function seekLeadership(bus: Bus, options: LeadershipOptions): Promise<Leadership | undefined> {
  const { space, identity, ttlMs = defaultTtlMs } = options;
  const { bucket, leases } = spaceNames(space);
  const acquired = await acquireLease(bus, leases, leaderKey, { holder: identity, ttlMs });
  if (acquired.kind === 'taken') return undefined;
  try {
    const ticket = await takeTicket(bus, bucket, identity, acquired.lease.lost);
    return new Leadership(bus, bucket, acquired.lease, ticket);
  } catch (error) {
    await acquired.lease[Symbol.asyncDispose]();
    throw error;
  }
}

/** Compare-and-sets `leader` (F1); a rival can only be a leader whose lease has run out, so the race is short. */
async function takeTicket(
  bus: Bus,
  bucket: string,
  identity: LeaderIdentity,
  lost: AbortSignal,
): Promise<number> {
  for (;;) {
    lost.throwIfAborted();
    const present = await readKey(bus, bucket, leaderKey);
    const body = { v: 1, ...identity, at: new Date().toISOString() };
    try {
      const { revision } = await commitBatch(bus, bucket, [
        { key: leaderKey, body, expect: present?.revision ?? 0 },
      ]);
      return revision;
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }
}

/** A term of office: from taking the ticket until the lease is lost, given up, or a commit finds itself deposed. */
export class Leadership implements AsyncDisposable {
  /** The revision of `leader`: what every directive and commit of this term carries. */
  readonly revision: number;
  readonly #bus: Bus;
  readonly #bucket: string;
  readonly #lease: Lease;
  readonly #deposed = new AbortController();

  /** Use `seekLeadership`. */
  constructor(bus: Bus, bucket: string, lease: Lease, revision: number) {
    this.#bus = bus;
    this.#bucket = bucket;
    this.#lease = lease;
    this.revision = revision;
  }

  /** Aborts when the term is over, for whatever reason. */
  get over(): AbortSignal {
    return AbortSignal.any([this.#lease.lost, this.#deposed.signal]);
  }

  /**
   * Writes all or nothing, and nothing if this is not the leader any more (F2, F3); `deposed` ends the term. Throws what the
   * bus throws when the outcome is not known: the caller reads again before it repeats.
   */
  async commit(
    writes: readonly BatchWrite[],
    { freezeRevision }: CommitOptions = {},
  ): Promise<CommitOutcome> {
    const body = { v: 1, leader: this.revision, at: new Date().toISOString() };
    const record = { key: fenceKey, body, expect: this.revision, expectKey: leaderKey };
    const guard =
      freezeRevision === undefined
        ? []
        : [{ key: freezeFenceKey, body, expect: freezeRevision, expectKey: freezeKey }];
    try {
      const batch = [...writes, ...guard, record];
      const { revision, revisions } = await commitBatch(this.#bus, this.#bucket, batch);
      return { kind: 'committed', revision, revisions };
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
    return (await this.confirm()) ? { kind: 'conflict' } : { kind: 'deposed' };
  }

  /** Is this still the leader? Reads the key; if not, the term ends. */
  async confirm(): Promise<boolean> {
    const leader = await readKey(this.#bus, this.#bucket, leaderKey);
    if (leader?.revision !== this.revision) this.#deposed.abort();
    return !this.#deposed.signal.aborted;
  }

  /** Gives the lease back; a standby takes over at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#deposed.abort();
    await this.#lease[Symbol.asyncDispose]();
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof MabeamError && error.code === 'conflict';
}
