/**
 * The table of the benchmarks of rounds: an asker here, all parties in a process of their own, and what one could write by hand instead
 * of a round.
 */
import { jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { connectBus, ensureStreams, isSignedBy, spaceStreams, type Bus } from '@mabeam/bus';
import type { Stage } from './benchmark.ts';
import { startPeer } from './peer.ts';
import { bareSubject, keptSubject, signedPurpose, signedSubject } from './programs/party-names.ts';

/** How long may be waited for a round; far longer than it takes. */
export const roundMs = 60_000;

/** What bare responders are asked. */
const question = 'threshold';

/** Each asks all parties once and resolves when it has what it wants. */
export interface ByHand {
  /** One question, and as many answers as there are parties. */
  readonly requestMany: () => Promise<unknown>;
  /** The same, and the answers are stored as one message. */
  readonly kept: () => Promise<unknown>;
  /** The same, each answer signed, and the signatures of a majority checked. */
  readonly signed: () => Promise<unknown>;
}

/** An asker and its parties; disposing ends them. */
export interface Table extends AsyncDisposable {
  readonly bus: Bus;
  readonly space: string;
  /** Public key of each party, by id. */
  readonly keys: Readonly<Record<string, string>>;
  readonly byHand: ByHand;
  /** Resolves when hardly anything is left to do among the parties. */
  readonly idle: () => Promise<unknown>;
  /** How many messages the server is handed, until all is idle again: an observer hears everything, and nothing else goes on. */
  readonly count: (hold: () => Promise<unknown>) => Promise<number>;
}

/** Starts so many parties and resolves when they can be asked. */
export async function openTable(stage: Stage, parties: number): Promise<Table> {
  await using resources = new AsyncDisposableStack();
  const space = `bench-rounds-${parties}`;
  const bus = resources.use(await connectBus({ name: 'asker', url: stage.natsUrl }));
  await ensureStreams(bus, spaceStreams(space));
  const args = [stage.natsUrl, space, String(parties)];
  const peer = resources.use(await startPeer('parties', { args, signal: stage.signal }));
  const connection = await connect({ servers: stage.natsUrl, noAsyncTraces: true });
  resources.defer(() => connection.close());
  const keys = (await peer.call('keys')) as Readonly<Record<string, string>>; // the program's own answer
  const byHand = await byHandOf(connection, keys);
  const idle = (): Promise<unknown> => peer.call('idle');
  const kept = resources.move();
  return {
    bus,
    space,
    keys,
    byHand,
    idle,
    count: (hold) => countMessages(stage, hold, idle),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function byHandOf(connection: NatsConnection, keys: Readonly<Record<string, string>>): Promise<ByHand> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  await manager.streams.add({ name: 'bench-rounds', subjects: [keptSubject], storage: StorageType.File });
  const client = jetstream(connection);
  const keep = (answers: readonly string[]): Promise<unknown> =>
    client.publish(keptSubject, JSON.stringify(answers));
  const parties = Object.keys(keys).length;
  const ask = (subject: string): Promise<string[]> => askAll(connection, subject, parties);
  return {
    requestMany: () => ask(bareSubject),
    kept: async () => keep(await ask(bareSubject)),
    signed: async () => {
      const answers = await ask(signedSubject);
      const majority = answers.slice(0, Math.floor(parties / 2) + 1);
      if (!majority.every((answer) => isSigned(answer, keys))) throw new Error('a signature is not valid');
      await keep(majority);
    },
  };
}

function isSigned(answer: string, keys: Readonly<Record<string, string>>): boolean {
  const { party, signature } = JSON.parse(answer) as { party: string; signature: string }; // the program's own answer
  return isSignedBy(keys[party] ?? '', signedPurpose, question, signature);
}

async function askAll(connection: NatsConnection, subject: string, parties: number): Promise<string[]> {
  const options = { strategy: 'count', maxMessages: parties, maxWait: roundMs } as const;
  const answers: string[] = [];
  for await (const answer of await connection.requestMany(subject, question, options))
    answers.push(answer.string());
  if (answers.length !== parties) throw new Error(`${answers.length} of ${parties} answered`);
  return answers;
}

async function countMessages(
  stage: Stage,
  hold: () => Promise<unknown>,
  idle: () => Promise<unknown>,
): Promise<number> {
  const observer = await connect({ servers: stage.natsUrl, noAsyncTraces: true });
  let heard = 0;
  observer.subscribe('>', { callback: () => void heard++ });
  await idle();
  await observer.flush();
  const before = heard;
  await hold();
  await idle();
  await observer.flush();
  await observer.close();
  return heard - before;
}
