/**
 * A run under faults: several processes behind lossy proxies write variables, tasks and events while connections are cut and
 * frozen and the server is killed; then it is quiet, and their books are compared with the server's.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  bucketStream,
  connectBus,
  ensureStreams,
  lastSequence,
  spaceNames,
  spaceStreams,
  subjects,
  type Bus,
} from '@mabeam/bus';
import { startServer, type ServerHandle } from '@mabeam/bus/server';
import { freshSpace, openLossyProxy, waitFor, type LossyProxy, type MessageFrame } from '@mabeam/testing';
import { customVariable, openVariables } from '@mabeam/variables';
import { Participant, startParticipant, type Look, type Tally } from './participants.ts';
import { readBooks, type Books } from './server-books.ts';
import { randomOf } from './seeded-random.ts';

export interface FaultRunOptions {
  readonly seed: string;
  readonly processes: number;
  /** How long there are faults. */
  readonly faultsMs: number;
  readonly serverKills: number;
  /** Shares of the republished revisions. */
  readonly shares: { readonly drop: number; readonly duplicate: number; readonly reorder: number };
}

/** What a run has left: the participants' books and views, the server's, and what was done to them. */
export interface FaultRunResult {
  readonly tallies: readonly Tally[];
  readonly looks: readonly Look[];
  readonly books: Books;
  readonly exitCodes: readonly (number | null)[];
  readonly done: {
    readonly kills: number;
    readonly cuts: number;
    readonly freezes: number;
    readonly dropped: number;
    readonly duplicated: number;
    readonly reordered: number;
  };
  /** How long after the last fault everything was in order. */
  readonly healedAfterMs: number;
  readonly space: string;
  readonly storeDir: string;
}

const counters = 12;
const digestEveryMs = 500;

/** Performs a run; everything it started has ended when it returns or throws. */
export async function runUnderFaults(options: FaultRunOptions): Promise<FaultRunResult> {
  const storeDir = await mkdtemp(join(tmpdir(), 'mabeam-faults-'));
  try {
    await using arena = await openArena(storeDir, options);
    const faults = await arena.disturb();
    const calmAt = performance.now();
    for (const { proxy } of arena.places) proxy.calm();
    const tallies = await Promise.all(arena.places.map(({ participant }) => participant.halt()));
    const { books, looks } = await settledBooks(arena, tallies);
    const healedAfterMs = performance.now() - calmAt;
    const exitCodes = await Promise.all(arena.places.map(({ participant }) => participant.end()));
    const counts = arena.places.map(({ proxy }) => proxy.counts);
    const sum = (pick: 'dropped' | 'duplicated' | 'reordered'): number =>
      counts.reduce((total, count) => total + count[pick], 0);
    const done = {
      ...faults,
      dropped: sum('dropped'),
      duplicated: sum('duplicated'),
      reordered: sum('reordered'),
    };
    return { tallies, looks, books, exitCodes, done, healedAfterMs, space: arena.space, storeDir };
  } finally {
    await rm(storeDir, { recursive: true, force: true });
  }
}

/** Waits, with an end, until no task is open and every process is where the bucket is; what is then not so is the result. */
async function settledBooks(
  arena: Arena,
  tallies: readonly Tally[],
): Promise<{ books: Books; looks: readonly Look[] }> {
  const submitted = tallies.flatMap(({ tasks }) => tasks.acknowledged);
  const look = async () => {
    const books = await readBooks(arena.bus, arena.space);
    const looks = await Promise.all(arena.places.map(({ participant }) => participant.look()));
    return { books, looks };
  };
  const isSettled = ({ books, looks }: Awaited<ReturnType<typeof look>>): boolean =>
    submitted.every((id) => books.outcomes.has(id)) &&
    books.openTasks === 0 &&
    looks.every((each) => each.applied === books.revision && each.seen.length === books.events.length);
  const settled = waitFor(async () => isSettled(await look()), {
    what: 'all tasks have ended and all views are up to date',
    timeoutMs: 20_000,
    everyMs: 250,
  });
  // The result says what is missing, better than a timeout could.
  await settled.catch(() => undefined);
  return look();
}

interface Place {
  readonly proxy: LossyProxy;
  readonly participant: Participant;
}

async function openArena(storeDir: string, options: FaultRunOptions): Promise<Arena> {
  const space = freshSpace('faults');
  const server = await startServer({ storeDir });
  const bus = await connectBus({ url: server.url, name: 'referee' });
  const arena = new Arena(bus, space, server, options);
  await ensureStreams(bus, spaceStreams(space));
  await using store = await openVariables(bus, space);
  for (let n = 0; n < counters; n++)
    await store.create(customVariable(`count-${n}`, { initial: 0 }), { by: 'referee' });
  for (const id of ['left', 'right'])
    await store.create(customVariable(id, { initial: 'none' }), { by: 'referee' });
  for (let n = 0; n < options.processes; n++) arena.places.push(await openPlace(arena, `p${n}`, options));
  return arena;
}

async function openPlace(
  { server, space }: Arena,
  name: string,
  { seed, shares }: FaultRunOptions,
): Promise<Place> {
  const { at } = subjects(space);
  const isRepublished = ({ subject, verb }: MessageFrame): boolean =>
    verb.endsWith('MSG') && (subject.startsWith(at('variable')) || subject.startsWith(at('signal')));
  const proxy = await openLossyProxy(server.url, {
    seed: `${seed} ${name}`,
    drop: (frame) => (isRepublished(frame) ? shares.drop : 0),
    duplicate: (frame) => (isRepublished(frame) ? shares.duplicate : 0),
    reorder: (frame) => (isRepublished(frame) ? shares.reorder : 0),
    delayMs: (frame) => (isRepublished(frame) ? 20 : 2),
  });
  const order = { name, url: proxy.url, space, seed, counters, paceMs: 60, patienceMs: 600 };
  return { proxy, participant: await startParticipant(order) };
}

/** The server, the proxies and the processes of one run. */
class Arena implements AsyncDisposable {
  readonly bus: Bus;
  readonly space: string;
  readonly places: Place[] = [];
  readonly #options: FaultRunOptions;
  readonly #digests: NodeJS.Timeout;
  server: ServerHandle;

  constructor(bus: Bus, space: string, server: ServerHandle, options: FaultRunOptions) {
    this.bus = bus;
    this.space = space;
    this.server = server;
    this.#options = options;
    this.#digests = setInterval(() => void this.#publishDigest(), digestEveryMs);
  }

  /** Cuts, freezes and kills by a seeded plan; resolves, when the server is up again and all is thawed, with what it did. */
  async disturb(): Promise<{ kills: number; cuts: number; freezes: number }> {
    const { faultsMs, seed, serverKills } = this.#options;
    const random = randomOf(`${seed} plan`);
    const endAt = performance.now() + faultsMs;
    const killEveryMs = faultsMs / (serverKills + 1);
    const done = { kills: 0, cuts: 0, freezes: 0 };
    while (performance.now() < endAt) {
      await pause(100 + random() * 900);
      const { proxy } = this.places[Math.floor(random() * this.places.length)] ?? {};
      const isKillDue = performance.now() > endAt - faultsMs + killEveryMs * (done.kills + 1);
      if (isKillDue && done.kills < serverKills) {
        await this.#killServer(200 + random() * 1_200);
        done.kills++;
      } else if ((done.cuts + done.freezes) % 3 < 2) {
        proxy?.cut();
        done.cuts++;
      } else {
        proxy?.freeze();
        await pause(random() * 1_200);
        proxy?.thaw();
        done.freezes++;
      }
    }
    return done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#digests);
    for (const { participant, proxy } of this.places) {
      await participant[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    }
    await this.bus.close();
    await this.server.stop();
  }

  /** kill -9, an outage, and a server on the same store and port. */
  async #killServer(outageMs: number): Promise<void> {
    const { pid, port, storeDir } = this.server;
    process.kill(pid, 'SIGKILL');
    await this.server.exited;
    await pause(outageMs);
    this.server = await startServer({ storeDir, port });
  }

  /** What the leader of a space does: how far the bucket is, for those who have missed its last revision. */
  async #publishDigest(): Promise<void> {
    const { bucket } = spaceNames(this.space);
    try {
      const sequence = await lastSequence(this.bus, bucketStream(bucket));
      this.bus.publish(subjects(this.space).signal('digest', bucket), { sequence });
    } catch {
      // The server has just been killed: the next digest says it.
    }
  }
}
