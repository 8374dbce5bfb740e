/** The listeners of the revision benchmarks: agents of ours, core subscriptions and watches, and how each is written to. */
import { DiscardPolicy, jetstreamManager, StorageType, type JetStreamManager } from '@nats-io/jetstream';
import { Kvm, type Bucket } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { bucketStream, connectBus, ensureStreams, spaceNames, spaceStreams } from '@mabeam/bus';
import { customVariable, openVariables, type VariableStore } from '@mabeam/variables';
import type { Stage } from './benchmark.ts';
import { startPeer, type Peer } from './peer.ts';
import {
  repeatedSubject,
  revisionBucket,
  revisionKey,
  revisionSubject,
  storedSubject,
} from './programs/revision-names.ts';
import { steadyMicros } from './roll.ts';

export interface FanOutSize {
  readonly agents: number;
  readonly processes: number;
}

export interface FanOut extends AsyncDisposable {
  /** Each writes a new value and resolves with the ms until its last listener has it. Ours asks agents afterwards whether they do. */
  readonly ours: () => Promise<number>;
  /** The same, until the value has been looked at once for every agent besides. */
  readonly looked: () => Promise<number>;
  readonly core: () => Promise<number>;
  readonly watch: () => Promise<number>;
  /** The least that a durable revision costs: one small message, stored and repeated by the server, heard once by each process. */
  readonly stored: () => Promise<number>;
  /** The processes of our agents, and which agents each has: `agent-<first>` and so on. */
  readonly crews: readonly { readonly peer: Peer; readonly first: number; readonly size: number }[];
  /** The value that was written last for our agents. */
  readonly lastValue: () => number;
  /** Consumers that the server keeps on the space's bucket. */
  readonly consumers: () => Promise<number>;
}

/** Starts all listeners, each kind in as many processes; resolves when they listen. Disposing ends them. */
export async function openFanOut(stage: Stage, size: FanOutSize): Promise<FanOut> {
  await using resources = new AsyncDisposableStack();
  const space = `bench-${size.agents}`;
  const connection = await connect({ servers: stage.natsUrl, noAsyncTraces: true });
  resources.defer(() => connection.close());
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const bucketName = `${revisionBucket}-${size.agents}`;
  const bucket = await openBucket(manager, new Kvm(connection), bucketName, size.agents);
  const store = await openStore(stage, space, resources);
  const share = size.agents / size.processes;
  const start = (program: string, argsOf: (n: number) => string[]): Promise<Peer[]> =>
    startAll(stage, resources, { program, processes: size.processes, argsOf });
  const listen = (way: string, count: number, place: string): Promise<Peer[]> =>
    start('listeners', () => [way, stage.natsUrl, String(count), place]);
  await openStored(manager);
  const crew = await start('crew', (n) => [
    stage.natsUrl,
    space,
    revisionKey,
    String(share),
    String(n * share),
  ]);
  const subscribers = await listen('subscriptions', share, revisionSubject);
  const watchers = await listen('watches', share, bucketName);
  const hearers = await listen('subscriptions', 1, repeatedSubject);
  const kept = resources.move();
  let last = 0;
  const write = (): unknown => store.update(revisionKey, ++last, { by: 'bench' });
  const crews = crew.map((peer, n) => ({ peer, first: n * share, size: share }));
  const checked = (once: () => Promise<number>) => async (): Promise<number> => {
    const ms = await once();
    await assertAgentsSee(crews, last, ({ size: each }) => [each - 1]);
    return ms;
  };
  return {
    ours: checked(fanOutOnce(crew, 'has', write)),
    looked: checked(fanOutOnce(crew, 'looked', write)),
    core: fanOutOnce(subscribers, 'seen', (value) => connection.publish(revisionSubject, String(value))),
    stored: fanOutOnce(hearers, 'seen', (value) => connection.publish(storedSubject, String(value))),
    watch: fanOutOnce(watchers, 'seen', (value) => bucket.put(revisionKey, String(value))),
    crews,
    lastValue: () => last,
    consumers: async () => {
      const { state } = await manager.streams.info(bucketStream(spaceNames(space).bucket));
      return state.consumer_count;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function openStore(
  stage: Stage,
  space: string,
  resources: AsyncDisposableStack,
): Promise<VariableStore> {
  const bus = resources.use(await connectBus({ name: 'writer', url: stage.natsUrl }));
  await ensureStreams(bus, spaceStreams(space));
  const store = resources.use(await openVariables(bus, space));
  await store.create(customVariable(revisionKey, { initial: 0 }), { by: 'bench' });
  return store;
}

/** A bucket that so many may watch: a stream has a thousand consumers at most, unless it is made for more. */
async function openBucket(
  manager: JetStreamManager,
  kvm: Kvm,
  name: string,
  watchers: number,
): Promise<Bucket> {
  await manager.streams.add({
    name: `KV_${name}`,
    subjects: [`$KV.${name}.>`],
    storage: StorageType.Memory,
    max_msgs_per_subject: 1,
    max_consumers: 2 * watchers,
    allow_direct: true,
    allow_rollup_hdrs: true,
    deny_delete: true,
    discard: DiscardPolicy.New,
  });
  return kvm.open(name);
}

/** The last of what is published on one subject, on disk as a space's bucket is, and repeated on another. */
async function openStored(manager: JetStreamManager): Promise<void> {
  await manager.streams.add({
    name: 'bench-stored',
    subjects: [storedSubject],
    storage: StorageType.File,
    max_msgs_per_subject: 1,
    republish: { src: storedSubject, dest: repeatedSubject },
  });
}

interface Starting {
  readonly program: string;
  readonly processes: number;
  readonly argsOf: (n: number) => string[];
}

async function startAll(
  { signal }: Stage,
  resources: AsyncDisposableStack,
  { program, processes, argsOf }: Starting,
): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (let n = 0; n < processes; n++)
    peers.push(resources.use(await startPeer(program, { args: argsOf(n), signal })));
  return peers;
}

/** Writes a value nobody has seen and resolves with the ms until the last listener says, by this function, that it has it. */
function fanOutOnce(
  peers: readonly Peer[],
  says: string,
  write: (value: number) => unknown,
): () => Promise<number> {
  let value = 0;
  return async () => {
    value += 1;
    const seen = peers.map((peer) => peer.number(says, value));
    // Calls are taken in their order: when these are answered, the peers wait for the value.
    await Promise.all(peers.map((peer) => peer.call('hello')));
    const writtenAt = steadyMicros();
    await write(value);
    return (Math.max(...(await Promise.all(seen))) - writtenAt) / 1_000;
  };
}

/** Asks agents of each process, chosen by their places in it, what they see. Throws when it is not the value. */
export async function assertAgentsSee(
  crews: FanOut['crews'],
  value: number,
  choose: (crew: FanOut['crews'][number]) => readonly number[],
): Promise<void> {
  const ask = (crew: FanOut['crews'][number]): Promise<unknown>[] =>
    choose(crew).map((place) => crew.peer.call('ask', `agent-${crew.first + place}`));
  const answers = await Promise.all(crews.flatMap(ask));
  const other = answers.find((answer) => answer !== value);
  if (other !== undefined)
    throw new Error(`an agent sees ${JSON.stringify(other)} where ${value} was written`);
}
