/**
 * What histories are made on: a space, members in processes of their own – some of them behind a proxy that loses and doubles messages –
 * and a nemesis that kills one after the other with -9 and starts it again, of another mind and with no memory but its key.
 */
import { createSeed, openIdentity } from '@mabeam/bus';
import { openLossyProxy, seededRandom, type LossyProxy, type Random } from '@mabeam/testing';
import { startFixture, type FixtureProcess } from './fixtures/processes.ts';
import { openStage, type Stage } from './negotiation-stage.ts';

/** A member, and its present process. */
interface Peer {
  readonly party: string;
  readonly seed: string;
  readonly url: string;
  process: FixtureProcess | undefined;
  starts: number;
}

/** Peers on a stage; disposing ends them and takes everything down. */
export class Peers implements AsyncDisposable {
  readonly stage: Stage;
  readonly random: Random;
  /** What peers have said, of killed ones too: the party and the line. */
  readonly said: (readonly [string, string])[] = [];
  kills = 0;
  readonly #peers: readonly Peer[];
  readonly #proxies: readonly LossyProxy[];

  /** Use `openPeers`. */
  constructor(stage: Stage, random: Random, peers: readonly Peer[], proxies: readonly LossyProxy[]) {
    this.stage = stage;
    this.random = random;
    this.#peers = peers;
    this.#proxies = proxies;
  }

  /** The electorate, with keys. */
  get electorate(): readonly { readonly party: string; readonly key: string }[] {
    return this.#peers.map(({ party, seed }) => ({ party, key: openIdentity(seed).publicKey }));
  }

  /** How many messages were lost on the way. */
  get dropped(): number {
    return this.#proxies.reduce((sum, { counts }) => sum + counts.dropped, 0);
  }

  /** Starts all that do not run. */
  async startAll(): Promise<void> {
    await Promise.all(
      this.#peers.filter(({ process }) => process === undefined).map((peer) => this.#start(peer)),
    );
  }

  /** Kills so many, one after the other; each is back before the next one goes. */
  async torment(kills: number): Promise<void> {
    for (let n = 0; n < kills; n++) {
      const peer = this.#peers[Math.floor(this.random() * this.#peers.length)];
      await peer?.process?.kill();
      if (peer === undefined) continue;
      peer.process = undefined;
      this.kills += 1;
      await this.#start(peer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { process } of this.#peers) await process?.kill();
    await Promise.all(this.#proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
    await this.stage[Symbol.asyncDispose]();
  }

  async #start(peer: Peer): Promise<void> {
    const { party, seed, url } = peer;
    const words = [url, this.stage.space, party, seed, String(peer.starts), JSON.stringify(this.electorate)];
    peer.starts += 1;
    peer.process = startFixture('peer', url, words, (line) => this.said.push([party, line]));
    await peer.process.line('ready');
  }
}

/** Brings four members; the last two speak through a lossy proxy each. */
export async function openPeers(natsUrl: string, seed: number): Promise<Peers> {
  const stage = await openStage();
  const proxies = await Promise.all(
    [0, 1].map((n) =>
      openLossyProxy(natsUrl, {
        seed: seed * 2 + n,
        drop: ({ subject }) => (subject.includes('.round.') ? 0.15 : 0),
        duplicate: ({ subject }) => (subject.includes('.round.') ? 0.15 : 0),
      }),
    ),
  );
  const urls = [natsUrl, natsUrl, ...proxies.map(({ url }) => url)];
  const peers = ['ada', 'bob', 'cyd', 'dan'].map((party, i) => ({
    party,
    seed: createSeed(),
    url: urls[i] ?? natsUrl,
    process: undefined,
    starts: 0,
  }));
  const opened = new Peers(stage, seededRandom(seed), peers, proxies);
  await opened.startAll();
  return opened;
}
