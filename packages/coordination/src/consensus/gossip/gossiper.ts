/**
 * A member of a gossip as a pure party: push–pull anti-entropy (Demers et al., "Epidemic algorithms for replicated database
 * maintenance", PODC 1987) over a map of signed entries. Each round it greets `fanout` peers with the digest of what it holds; where
 * that differs the two exchange what the other lacks, in both directions. So news reaches all n in about log n rounds (Karp,
 * Schindelhauer, Shenker and Vöcking, "Randomized rumor spreading", FOCS 2000), whatever is lost, doubled or late on the way.
 *
 * Invariants
 *  G1  It holds only entries that their parties signed. What is forged is dropped and counted, and so is what comes from a clock
 *      further ahead than `maxSkewMs`, until its time has come.
 *  G2  Of each key what it holds never goes back: every merge only adds.
 *  G3  Once it has sealed a digest it holds exactly that for good, and seals no other. It still tells others what it holds.
 */
import type { Json } from '@mabeam/variables';
import { seededRandom } from '../../negotiation/random.ts';
import { clockStart, compareTimes, hearClock, isAhead, tickClock, type HybridTime } from './clock.ts';
import {
  compareVersions,
  digestOfEntries,
  holdEntry,
  isEntry,
  mergeEntries,
  mostKeys,
  sortedEntries,
  versionOf,
  type GossipEntry,
  type Held,
  type HeldEntries,
  type UnsignedEntry,
} from './entry.ts';
import type { GossipMessage } from './message.ts';

/** What a member is. */
export interface GossiperOptions {
  readonly self: string;
  /** Whom it talks to, itself included or not. */
  readonly members: readonly string[];
  readonly sign: (entry: UnsignedEntry) => GossipEntry;
  /** Is an entry by the party it names? */
  readonly check: (entry: GossipEntry) => boolean;
  /** Peers greeted in a round. Default 3. */
  readonly fanout?: number | undefined;
  /** Time between rounds. Default 1 000. */
  readonly everyMs?: number | undefined;
  /** How far ahead of the own wall clock an entry may be. Default 5 000. */
  readonly maxSkewMs?: number | undefined;
  /** Decides with whom it talks. Default 0. */
  readonly seed?: number | undefined;
}

/** What a member knows. */
export interface GossiperState {
  readonly held: HeldEntries;
  readonly digest: string;
  readonly clock: HybridTime;
  /** Rounds so far. */
  readonly rounds: number;
  /** The round in which it last learned something. */
  readonly changedIn: number;
  /** What was not let in: signed by nobody who may, or from too far ahead. */
  readonly refused: { readonly forged: number; readonly ahead: number };
  readonly sealed?: string | undefined;
}

/** What comes in. */
export type GossiperInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'message'; readonly from: string; readonly message: GossipMessage }
  | { readonly kind: 'timer'; readonly timer: string }
  /** Something is to be written. */
  | { readonly kind: 'write'; readonly key: string; readonly value: Json }
  /** What is held is to be held for good, if its digest is this. */
  | { readonly kind: 'seal'; readonly digest: string };

/** What it becomes and wants. */
export interface GossiperStep {
  readonly state: GossiperState;
  readonly sends: readonly { readonly to: string; readonly message: GossipMessage }[];
  readonly timers: readonly { readonly timer: string; readonly afterMs?: number | undefined }[];
}

/** A member as a pure party. */
export interface Gossiper {
  readonly initial: GossiperState;
  readonly step: (state: GossiperState, input: GossiperInput, nowMs: number) => GossiperStep;
}

const roundTimer = 'round';
/** The most text of entries in one message; the rest comes with the next greeting. */
const mostText = 131_072;

const nothing: GossiperState = {
  held: new Map(),
  digest: digestOfEntries(new Map()),
  clock: clockStart,
  rounds: 0,
  changedIn: 0,
  refused: { forged: 0, ahead: 0 },
};

/** Makes a member. Its functions change nothing they are handed. */
export function createGossiper(options: GossiperOptions): Gossiper {
  const { self, everyMs = 1_000, fanout = 3, seed = 0 } = options;
  const peers = options.members.filter((member) => member !== self).toSorted();
  const known = new Set(peers);
  const place = options.members.toSorted().indexOf(self) + 1;
  const greet = (state: GossiperState, turn: number): GossiperStep['sends'] =>
    choosePeers(peers, fanout, seed ^ Math.imul(place, 0x9e3779b1) ^ Math.imul(turn, 0x85ebca6b)).map(
      (to) => ({
        to,
        message: { kind: 'hello', digest: state.digest },
      }),
    );
  const step: Gossiper['step'] = (state, input, nowMs) => {
    if (input.kind === 'start' || input.kind === 'timer') {
      const next = input.kind === 'start' ? state : { ...state, rounds: state.rounds + 1 };
      return {
        state: next,
        sends: greet(next, 2 * next.rounds),
        timers: [{ timer: roundTimer, afterMs: everyMs }],
      };
    }
    if (input.kind === 'seal') {
      const isSame = state.sealed === undefined && state.digest === input.digest;
      // Who has sealed has nothing to learn any more: it greets nobody.
      if (isSame)
        return { state: { ...state, sealed: input.digest }, sends: [], timers: [{ timer: roundTimer }] };
      return { state, sends: [], timers: [] };
    }
    if (input.kind === 'write') {
      const written = write(options, state, input, nowMs);
      return {
        state: written,
        sends: written === state ? [] : greet(written, 2 * written.rounds + 1),
        timers: [],
      };
    }
    if (!known.has(input.from)) return { state, sends: [], timers: [] };
    const { next, answer } = hear(options, state, input.message, nowMs);
    return {
      state: next,
      sends: answer === undefined ? [] : [{ to: input.from, message: answer }],
      timers: [],
    };
  };
  return { initial: nothing, step };
}

/** Different peers, drawn by a seed; all of them when there are no more than wanted. */
function choosePeers(peers: readonly string[], fanout: number, seed: number): readonly string[] {
  if (peers.length <= fanout) return peers;
  const random = seededRandom(seed);
  const chosen = new Set<number>();
  while (chosen.size < fanout) chosen.add(Math.floor(random.unit() * peers.length));
  return [...chosen].map((i) => peers[i] ?? '');
}

function write(
  { self, sign }: GossiperOptions,
  state: GossiperState,
  { key, value }: { readonly key: string; readonly value: Json },
  nowMs: number,
): GossiperState {
  if (state.sealed !== undefined || (!state.held.has(key) && state.held.size >= mostKeys)) return state;
  const clock = tickClock(state.clock, nowMs);
  return holding({ ...state, clock }, [holdEntry(sign({ key, value, ...clock, party: self }))]);
}

/** What a message makes of a state, and what is answered. */
function hear(
  options: GossiperOptions,
  state: GossiperState,
  message: GossipMessage,
  nowMs: number,
): { readonly next: GossiperState; readonly answer?: GossipMessage | undefined } {
  if (message.kind === 'hello') {
    if (message.digest === state.digest) return { next: state };
    return { next: state, answer: { kind: 'summary', versions: sortedEntries(state.held).map(versionOf) } };
  }
  if (message.kind === 'summary') {
    const theirs = new Map(message.versions.map((version) => [version.key, version]));
    const newer = sortedEntries(state.held).filter((one) => {
      const version = theirs.get(one.entry.key);
      return version === undefined || compareVersions(version, versionOf(one)) < 0;
    });
    const wants = message.versions.filter((version) => {
      const mine = state.held.get(version.key);
      return mine === undefined || compareVersions(versionOf(mine), version) < 0;
    });
    if (newer.length === 0 && wants.length === 0) return { next: state };
    return {
      next: state,
      answer: { kind: 'give', entries: portionOf(newer), wants: wants.map(({ key }) => key) },
    };
  }
  const next = take(options, state, message.entries, nowMs);
  const wanted = message.wants.flatMap((key) => next.held.get(key) ?? []);
  if (wanted.length === 0) return { next };
  return { next, answer: { kind: 'give', entries: portionOf(wanted), wants: [] } };
}

/** Takes in what is new and may be let in (G1). */
function take(
  { check, maxSkewMs = 5_000 }: GossiperOptions,
  state: GossiperState,
  entries: readonly GossipEntry[],
  nowMs: number,
): GossiperState {
  if (state.sealed !== undefined) return state;
  let { forged, ahead } = state.refused;
  const fresh: Held[] = [];
  for (const entry of entries) {
    if (!isEntry(entry.key, entry.value)) {
      forged += 1;
      continue;
    }
    const one = holdEntry(entry);
    const mine = state.held.get(entry.key);
    if (mine !== undefined && compareVersions(versionOf(mine), versionOf(one)) >= 0) continue;
    if (isAhead(entry, nowMs, maxSkewMs)) ahead += 1;
    else if (check(entry)) fresh.push(one);
    else forged += 1;
  }
  const [latest] = fresh.map(({ entry }) => entry).toSorted((a, b) => compareTimes(b, a));
  const clock = latest === undefined ? state.clock : hearClock(state.clock, latest, nowMs);
  return holding({ ...state, clock, refused: { forged, ahead } }, fresh);
}

function holding(state: GossiperState, arriving: readonly Held[]): GossiperState {
  const held = mergeEntries(state.held, arriving);
  if (held === state.held) return state;
  return { ...state, held, digest: digestOfEntries(held), changedIn: state.rounds };
}

/** As many of these as go into one message; at least one. */
function portionOf(entries: readonly Held[]): readonly GossipEntry[] {
  let text = 0;
  const portion: GossipEntry[] = [];
  for (const { entry } of entries) {
    text += JSON.stringify(entry).length;
    if (portion.length > 0 && text > mostText) break;
    portion.push(entry);
  }
  return portion;
}
