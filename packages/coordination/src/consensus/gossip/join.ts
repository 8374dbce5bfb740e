/**
 * A member of a group that gossips: a map that each of its processes holds, writes and watches without asking anybody. What one
 * writes all others hold a few rounds later, whoever is slow, cut off or gone meanwhile; of two that write one key the later stays.
 */
import { digestOf, parseId, parseToken, type Bus, type Identity, type Subscription } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import { coordinationError } from '../../errors.ts';
import { isByItsParty, isEntry, mostKeys, signEntry, type GossipEntry } from './entry.ts';
import { createGossiper, type GossiperState } from './gossiper.ts';
import { RunningGossiper } from './run-gossiper.ts';
import { hearGossip, tellGossip } from './step-subject.ts';

/** A party that may write, and the key it signs with. */
export interface GossipParty {
  readonly party: string;
  readonly key: string;
}

/** How a party takes part. All members of a group are told the same `members`. */
export interface GossipOptions {
  readonly identity: Identity;
  readonly members: readonly GossipParty[];
  /** Time between rounds. Default 1 000. */
  readonly everyMs?: number | undefined;
  /** Peers greeted in a round. Default 3. */
  readonly fanout?: number | undefined;
  /** How far ahead of the own wall clock the clock of another may be. Default 5 000. */
  readonly maxSkewMs?: number | undefined;
  /** Decides with whom it talks. Default: by chance. */
  readonly seed?: number | undefined;
  /** The wall clock. Default `Date.now`. */
  readonly clock?: (() => number) | undefined;
}

/**
 * Joins a group of a space for a party; it holds nothing at first, and soon what the others hold. Throws `invalid-id`, and
 * `invalid-proposal` when the party is no member with this key.
 */
export function joinGossip(
  bus: Bus,
  space: string,
  group: string,
  party: string,
  options: GossipOptions,
): GossipMember {
  parseToken('group', group);
  parseId('party', party);
  const { members, identity } = options;
  if (!members.some((member) => member.party === party && member.key === identity.publicKey)) {
    const message = `${party} is no member of the group ${group} with the key it has`;
    throw coordinationError('invalid-proposal', message, { details: { group, party } });
  }
  return new GossipMember(bus, { space, group, party }, options);
}

/** A member at work; disposing leaves the group. */
export class GossipMember implements AsyncDisposable {
  readonly party: string;
  readonly group: string;
  readonly #bus: Bus;
  readonly #running: RunningGossiper;
  readonly #hearing: Subscription;
  readonly #watchers = new Set<(changed: readonly GossipEntry[]) => void>();

  /** Use `joinGossip`. */
  constructor(
    bus: Bus,
    seat: { readonly space: string; readonly group: string; readonly party: string },
    options: GossipOptions,
  ) {
    const { space, group, party } = seat;
    const { identity, members, clock, seed = Math.floor(Math.random() * 2 ** 31) } = options;
    this.#bus = bus;
    this.party = party;
    this.group = group;
    const scope = digestOf({ v: 1, space, group });
    const keys = new Map(members.map((member) => [member.party, member.key]));
    const gossiper = createGossiper({
      ...options,
      seed,
      self: party,
      members: [...keys.keys()],
      sign: (entry) => signEntry(identity, scope, entry),
      check: (entry) => isByItsParty(scope, entry, keys),
    });
    this.#running = new RunningGossiper(gossiper, {
      send: (to, message) => tellGossip(bus, seat, to, message),
      changed: (state, before) => this.#tell(state, before),
      clock,
    });
    this.#hearing = hearGossip(bus, seat, (to, from, message) => {
      if (to === group) this.#running.take({ kind: 'message', from, message });
    });
    this.#running.take({ kind: 'start' });
  }

  /** Resolves when the server knows that this member can be told. */
  async ready(): Promise<void> {
    await this.#bus.flush();
  }

  /** What it holds under a key; undefined when nothing. */
  get(key: string): Json | undefined {
    return this.#running.state.held.get(key)?.entry.value;
  }

  /** Writes, signed and dated later than all it has heard; others hear of it soon. Throws `invalid-proposal`. */
  set(key: string, value: Json): void {
    const { held } = this.#running.state;
    if (!isEntry(key, value) || (!held.has(key) && held.size >= mostKeys)) {
      const message = `"${key}" cannot be written: keys are up to 128 letters, digits, ".", "_", "-" and at most ${mostKeys}, values JSON of at most 64 KiB`;
      throw coordinationError('invalid-proposal', message, { details: { group: this.group, key } });
    }
    this.#running.take({ kind: 'write', key, value });
  }

  /** What it holds, by key; each says who wrote it, and when. */
  get entries(): ReadonlyMap<string, GossipEntry> {
    return new Map([...this.#running.state.held].map(([key, { entry }]) => [key, entry]));
  }

  /** Equal for two members exactly when they hold the same. */
  get digest(): string {
    return this.#running.state.digest;
  }

  /** What it did not let in: entries that their parties did not sign, and entries from clocks too far ahead. */
  get refused(): { readonly forged: number; readonly ahead: number } {
    return this.#running.state.refused;
  }

  /** Yields what it holds, then every entry that changes, the last of each key; ends when the signal aborts. */
  async *watch({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<GossipEntry, void, void> {
    const pending = new Map(this.entries);
    let wake = Promise.withResolvers<void>();
    const note = (changed: readonly GossipEntry[]): void => {
      for (const entry of changed) pending.set(entry.key, entry);
      wake.resolve();
    };
    const stop = (): void => wake.resolve();
    this.#watchers.add(note);
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (!signal.aborted) {
        const [next] = pending;
        if (next === undefined) {
          await wake.promise;
          wake = Promise.withResolvers<void>();
          continue;
        }
        pending.delete(next[0]);
        yield next[1];
      }
    } finally {
      this.#watchers.delete(note);
      signal.removeEventListener('abort', stop);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running[Symbol.dispose]();
    await this.#hearing[Symbol.asyncDispose]();
  }

  #tell({ held }: GossiperState, before: GossiperState): void {
    const changed = [...held.values()].filter((one) => before.held.get(one.entry.key) !== one);
    for (const note of this.#watchers) note(changed.map(({ entry }) => entry));
  }
}
