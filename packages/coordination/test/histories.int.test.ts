/**
 * Histories over real processes: members are killed with -9 and started again with no memory but their key, two of them behind
 * a proxy that loses and doubles what is said in rounds, while clients work. What the clients saw must be as if there were one copy of
 * everything, and each operation took effect at one instant.
 */
import { canonicalText, connectBus, pause, type Bus } from '@mabeam/bus';
import { establishConsensus, readRounds, verifyCertificate, type Consensus } from '@mabeam/coordination';
import {
  checkLinearizability,
  seededRandom,
  type ObservedOperation,
  type RegisterOperation,
} from '@mabeam/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  GroupClient,
  History,
  LedgerClient,
  model,
  RoundsClient,
  wishOf,
  type Done,
} from './history-clients.ts';
import { openPeers, type Peers } from './history-stage.ts';
import type { Wish } from './register-copy.ts';

const natsUrl = inject('natsUrl');
const isLong = process.env['MABEAM_LONG'] === '1';
const seeds = isLong ? [1, 2, 3, 4, 5, 6] : [1];
const kills = isLong ? 12 : 2;
/** How long a client thinks between two things that it does, at most. */
const thinkMs = 60;

/** What came of one seed. */
interface Campaign {
  readonly bus: Bus;
  readonly histories: Readonly<Record<'pbft' | 'raft' | 'blockchain', History>>;
  /** By round: what each of its askers was told. */
  readonly votes: ReadonlyMap<string, readonly Consensus[]>;
}

/** Lets clients of all protocols work while members are killed, one after the other. */
async function wage(peers: Peers, seed: number): Promise<Campaign> {
  const buses = await Promise.all(['one', 'two', 'three'].map((name) => connectBus({ url: natsUrl, name })));
  const ending = new AbortController();
  const torment = peers.torment(kills).finally(() => ending.abort());
  try {
    const [campaign] = await Promise.all([work(peers, buses, { seed, over: ending.signal }), torment]);
    return campaign;
  } finally {
    await Promise.all(buses.map((bus) => bus.close(0)));
  }
}

/** What clients do until it is over. */
async function work(
  peers: Peers,
  buses: readonly Bus[],
  { over, seed }: { readonly over: AbortSignal; readonly seed: number },
): Promise<Campaign> {
  const { electorate, stage } = peers;
  const { bus, space } = stage;
  const members = electorate.map(({ party }) => party);
  const history = (clients: readonly Client[]): Promise<History> => makeHistory(seed, over, clients);
  const [pbft, raft, blockchain, votes] = await Promise.all([
    history(buses.map((own) => new RoundsClient(own, space, electorate, 'p'))),
    history(buses.map((own) => new GroupClient(own, space, members))),
    history(buses.map((own) => new LedgerClient(own, space, electorate))),
    pollTwice(buses, peers, over),
  ]);
  return { bus, histories: { pbft, raft, blockchain }, votes };
}

interface Client {
  readonly perform: (wish: Wish) => Promise<Done | 'not-done'>;
}

/** Has each client do one thing after the other, with some thought in between, until it is over and it was answered four times. */
async function makeHistory(seed: number, over: AbortSignal, clients: readonly Client[]): Promise<History> {
  const history = new History();
  const random = seededRandom(seed);
  let value = 0;
  let last: number | null = null;
  const keepBusy = async (client: Client): Promise<void> => {
    for (let answered = 0, n = 0; answered < 4 || !over.aborted; n++) {
      const wish = wishOf(n, random, { value: ++value, last });
      if (wish.kind !== 'read') last = wish.value;
      if (await history.note(wish, (asked) => client.perform(asked))) answered += 1;
      await pause(random() * thinkMs, over);
    }
  };
  await Promise.all(clients.map((client) => keepBusy(client)));
  return history;
}

function ask(bus: Bus, { electorate, stage }: Peers, round: string): Promise<Consensus> {
  const voters = electorate.slice(0, 3);
  const options = { round, alternatives: ['b'], requestTimeoutMs: 300, timeoutMs: 1_500 };
  return establishConsensus(bus, stage.space, voters, 'a', options);
}

/** Two askers at once in each round, one round after the other. */
async function pollTwice(
  buses: readonly Bus[],
  peers: Peers,
  over: AbortSignal,
): Promise<Map<string, readonly Consensus[]>> {
  const told = new Map<string, readonly Consensus[]>();
  for (let n = 0; n < 4 || !over.aborted; n++) {
    const round = `v-${n}`;
    told.set(round, await Promise.all(buses.slice(0, 2).map((bus) => ask(bus, peers, round))));
  }
  return told;
}

const verdictOn = (history: readonly ObservedOperation<RegisterOperation>[]): string =>
  checkLinearizability(model, history).kind;

/** The history with one read changed to what was there before the last write it must have seen. */
function withStaleRead({ operations }: History): readonly ObservedOperation<RegisterOperation>[] {
  const isWrite = ({ operation }: ObservedOperation<RegisterOperation>): boolean =>
    operation.kind === 'write' || (operation.kind === 'compare-and-set' && operation.isDone === true);
  const at = operations.findLastIndex(
    ({ operation, calledAt }) =>
      operation.kind === 'read' &&
      operations.some((one) => isWrite(one) && (one.returnedAt ?? Infinity) < calledAt),
  );
  return operations.map((one, i) => (i === at ? { ...one, operation: { kind: 'read', value: null } } : one));
}

describe.each(seeds)('while members are killed and messages lost (seed %i)', (seed) => {
  let peers: Peers;
  let campaign: Campaign;
  beforeAll(
    async () => {
      peers = await openPeers(natsUrl, seed);
      campaign = await wage(peers, seed);
    },
    60_000 + 10_000 * kills,
  );
  afterAll(async () => {
    await peers[Symbol.asyncDispose]();
  });

  test('members were really killed, messages really lost, and much was really done', () => {
    const { histories, votes } = campaign;
    expect(peers.kills).toBe(kills);
    expect(peers.dropped).toBeGreaterThan(0);
    for (const { operations } of Object.values(histories)) {
      const kinds = new Set(operations.map(({ operation }) => operation.kind));
      expect(kinds).toEqual(new Set(['read', 'write', 'compare-and-set']));
      expect(operations.filter(({ returnedAt }) => returnedAt !== undefined).length).toBeGreaterThan(8);
    }
    expect([...votes.values()].some(([first]) => first?.kind === 'agreed')).toBe(true);
  });

  test.each(['pbft', 'raft', 'blockchain'] as const)(
    'the history of %s is linearizable, and would not be with one stale read',
    (protocol) => {
      const history = campaign.histories[protocol];
      expect(verdictOn(history.operations)).toBe('linearizable');
      expect(verdictOn(withStaleRead(history))).toBe('not-linearizable');
    },
  );

  test('whoever asked in a round of votes, and whoever asks now, is told its one end, of what was proposed', async () => {
    const { bus, votes } = campaign;
    const { electorate, said, stage } = peers;
    const keys = Object.fromEntries(electorate.map(({ party, key }) => [party, key]));
    const ends = new Map((await readRounds(bus, stage.space)).map(({ round, outcome }) => [round, outcome]));
    const wrong: unknown[] = [];
    for (const [round, told] of votes) {
      const end = ends.get(round);
      const now = await ask(bus, peers, round);
      const texts = new Set([...told, now, end].map((one) => textOf(one)));
      const isProposed = now.kind !== 'agreed' || now.value === 'a' || now.value === 'b';
      const certificate = now.kind === 'agreed' || now.kind === 'rejected' ? now.certificate : undefined;
      const isProven = certificate === undefined || verifyCertificate(certificate, { keys }).kind === 'valid';
      const accepted = now.kind === 'agreed' ? now.accepted : 'none';
      const heard = said.filter(([, line]) => line.startsWith(`decided ${round} `));
      const isHeard = heard.every(([, line]) => line === `decided ${round} ${accepted}`);
      if (texts.size > 1 || !isProposed || !isProven || !isHeard)
        wrong.push({ round, told, now, end, heard });
    }
    expect(wrong).toEqual([]);
    expect(said.some(([, line]) => line.startsWith('decided '))).toBe(true);
  });
});

/** As it would be kept: its keys in order, without what JSON leaves out. */
function textOf(value: unknown): string {
  return canonicalText(JSON.parse(JSON.stringify(value)));
}
