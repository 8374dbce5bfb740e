import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startServer } from '@mabeam/bus/server';
import { freshSpace, openFaultProxy, waitFor } from '@mabeam/testing';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  connectBus,
  consumeBatches,
  consumeStream,
  deleteStreams,
  ensureStreams,
  jsonBytes,
  openBucket,
  openReplica,
  openTasks,
  putKey,
  schemaCodec,
  spaceNames,
  spaceStreams,
  subjects,
  type Bus,
  type MabeamError,
  type Replica,
  type TaskOutcome,
  type TypedChange,
} from '@mabeam/bus';

const replicaOf = (bus: Bus, space: string): Promise<Replica> =>
  openReplica(bus, { bucket: spaceNames(space).bucket, prefix: subjects(space).at('variable') });

/** What a client that is not ours learns from the server. */
async function askServer<Value>(ask: (manager: JetStreamManager) => Promise<Value>): Promise<Value> {
  const client = await connect({ servers: inject('natsUrl') });
  try {
    return await ask(await jetstreamManager(client));
  } finally {
    await client.close();
  }
}

describe('what goes wrong is said', () => {
  const space = freshSpace('honest');
  const names = spaceNames(space);
  const at = subjects(space);
  let bus: Bus;
  let other: Bus;
  beforeAll(async () => {
    bus = await connectBus({ url: inject('natsUrl'), name: 'one' });
    other = await connectBus({ url: inject('natsUrl'), name: 'two' });
    await ensureStreams(bus, spaceStreams(space));
  });
  afterAll(async () => {
    await bus.close();
    await other.close();
  });

  const submit = async (group: string, count: number, from = 0): Promise<void> => {
    for (let n = from; n < from + count; n++)
      await openTasks(bus, space).submit(group, `${group}-${n}`, { n });
  };
  const source = (group: string, signal: AbortSignal) => ({
    stream: names.tasks,
    durable: group,
    filter: at.task(group),
    ackWaitMs: 15_000,
    signal,
  });
  const delivered = (group: string, count: number): Promise<unknown> =>
    waitFor(
      () =>
        askServer(async (manager) => {
          const info = await manager.consumers.info(names.tasks, group).catch(() => undefined);
          return info?.num_ack_pending === count;
        }),
      { what: `${count} of ${group} are delivered` },
    );

  it('what a consumer had not handed on when it stopped is there for the next at once', async () => {
    await submit('given-back', 20);
    const abort = new AbortController();
    for await (const delivery of consumeStream(bus, source('given-back', abort.signal))) {
      delivery.ack();
      break;
    }
    const seen = new Set<number>();
    for await (const delivery of consumeStream(other, source('given-back', AbortSignal.timeout(5_000)))) {
      seen.add(delivery.sequence);
      delivery.ack();
      if (seen.size === 19) break;
    }
    expect(seen.size).toBe(19);
  });

  it('what is on its way when a consumer is stopped comes to the next at once', async () => {
    await using proxy = await openFaultProxy(inject('natsUrl'));
    await using far = await connectBus({ url: proxy.url, name: 'far' });
    await submit('on-its-way', 1);
    const deliveries = consumeStream(far, source('on-its-way', AbortSignal.timeout(15_000)));
    const first = await deliveries.next();
    first.value?.ack();
    await delivered('on-its-way', 0);
    proxy.setLatency(200);
    await submit('on-its-way', 10, 1);
    await delivered('on-its-way', 10);
    await deliveries.return();
    const seen: number[] = [];
    for await (const delivery of consumeStream(other, source('on-its-way', AbortSignal.timeout(5_000)))) {
      seen.push(delivery.count);
      delivery.ack();
      if (seen.length === 10) break;
    }
    expect(seen).toEqual(Array(10).fill(2));
  });

  it('an incomplete batch is given back when its consumer is stopped', async () => {
    await submit('batches', 3);
    const abort = new AbortController();
    const batches = consumeBatches(bus, { ...source('batches', abort.signal), lingerMs: 15_000 });
    const pending = batches.next();
    await delivered('batches', 3);
    abort.abort();
    expect(await pending).toEqual({ done: true, value: undefined });
    const [batch] = await firstOf(
      consumeBatches(other, { ...source('batches', AbortSignal.timeout(5_000)), lingerMs: 200 }),
    );
    expect(batch?.map(({ count }) => count)).toEqual([2, 2, 2]);
    for (const delivery of batch ?? []) delivery.ack();
  });

  it('an outcome that names another agent than its subject is left out, reported, and hides none after it', async () => {
    const forged = { task: 'f1', agent: 'judge', instance: 'x', delivery: { sequence: 1, count: 1 } };
    await bus.store(
      at.outcome('f1', 'thief', 'completed'),
      jsonBytes({ ...forged, kind: 'completed', output: 1 }),
    );
    await bus.store(at.outcome('f2', 'thief', 'completed'), jsonBytes('nonsense'));
    const honest = { ...forged, task: 'f3', kind: 'completed', output: 3 };
    await bus.store(at.outcome('f3', 'judge', 'completed'), jsonBytes(honest));
    const refused: MabeamError[] = [];
    const seen: TaskOutcome[] = [];
    const signal = AbortSignal.timeout(5_000);
    for await (const outcome of openTasks(bus, space).outcomes({
      signal,
      onRefused: (e) => refused.push(e),
    })) {
      seen.push(outcome);
      if (outcome.task === 'f3') break;
    }
    expect(seen.map(({ task }) => task)).not.toContain('f1');
    expect(refused.map(({ code }) => code)).toEqual(['malformed-message', 'malformed-message']);
  });

  it('two versions of a stream racing end in the larger, without an error, and no other makes it smaller', async () => {
    const racing = freshSpace('racing');
    const versions = [7, 9].map((mebibytes) =>
      spaceStreams(racing).map((stream) => ({ ...stream, max_bytes: mebibytes * 1_048_576 })),
    );
    await Promise.all(
      [bus, other, bus, other].map((each, index) => ensureStreams(each, versions[index % 2] ?? [])),
    );
    const configs = await askServer((manager) =>
      Promise.all(spaceStreams(racing).map(async ({ name }) => (await manager.streams.info(name)).config)),
    );
    for (const config of configs) expect(config.max_bytes).toBe(9 * 1_048_576);
    await deleteStreams(
      bus,
      spaceStreams(racing).map(({ name }) => name),
    );
  });

  it('a replica whose bucket is replaced says so, and to whoever waits', async () => {
    const replaced = freshSpace('replaced');
    await ensureStreams(bus, spaceStreams(replaced));
    const { bucket } = spaceNames(replaced);
    await putKey(bus, bucket, 'space.a', 1);
    await putKey(bus, bucket, 'space.b', 1);
    const digest = subjects(replaced).signal('digest', 'bucket');
    await using replica = await openReplica(other, {
      bucket,
      prefix: subjects(replaced).at('variable'),
      digest,
    });
    const waiting = replica.waitFor(99, 10_000).then(
      () => 'it arrived',
      (error: unknown) => error,
    );
    await deleteStreams(bus, [`KV_${bucket}`]);
    await ensureStreams(bus, spaceStreams(replaced));
    bus.publish(digest, { sequence: 0 });
    expect(await waiting).toMatchObject({ code: 'bucket-replaced' });
    expect(replica.failed.reason).toMatchObject({ code: 'bucket-replaced' });
    await expect(replica.waitFor(99, 10)).rejects.toMatchObject({ code: 'bucket-replaced' });
  });
});

describe('a wiped server', () => {
  it('is noticed by a replica after the reconnect', { timeout: 60_000 }, async () => {
    const folders = await Promise.all(
      ['before', 'after'].map((name) => mkdtemp(path.join(tmpdir(), `mabeam-${name}-`))),
    );
    const [before = '', after = ''] = folders;
    const space = freshSpace('wiped');
    let server = await startServer({ storeDir: before });
    await using bus = await connectBus({ url: server.url, name: 'wiped' });
    await ensureStreams(bus, spaceStreams(space));
    await putKey(bus, spaceNames(space).bucket, 'space.a', 1);
    await using replica = await replicaOf(bus, space);
    const failed = new Promise<unknown>((resolve) => {
      replica.failed.addEventListener('abort', () => resolve(replica.failed.reason), { once: true });
    });
    const { port } = server;
    await server.stop();
    server = await startServer({ storeDir: after, port });
    await using maker = await connectBus({ url: server.url, name: 'maker' });
    await ensureStreams(maker, spaceStreams(space));
    expect(await failed).toMatchObject({ code: 'bucket-replaced' });
    await maker.close();
    await bus.close();
    await server.stop();
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  });
});

describe('a typed bucket', () => {
  const space = freshSpace('typed');
  const { bucket } = spaceNames(space);
  const prefix = subjects(space).at('variable');
  let bus: Bus;
  beforeAll(async () => {
    bus = await connectBus({ url: inject('natsUrl'), name: 'typed' });
    await ensureStreams(bus, spaceStreams(space));
  });
  afterAll(() => bus.close());

  interface Point {
    readonly x: number;
  }
  const isPoint = (value: unknown): value is Point =>
    typeof value === 'object' && value !== null && 'x' in value && typeof value.x === 'number';
  const points = () =>
    openBucket(
      bus,
      bucket,
      schemaCodec<Point>({
        '~standard': {
          validate: (value) => (isPoint(value) ? { value } : { issues: [{ message: 'x must be a number' }] }),
        },
      }),
    );

  it('create, update and delete have one winner each, and a deleted key may be created again', async () => {
    const first = await points().create('space.p', { x: 1 });
    await expect(points().create('space.p', { x: 2 })).rejects.toMatchObject({ code: 'conflict' });
    const second = await points().update('space.p', { x: 2 }, first);
    await expect(points().update('space.p', { x: 3 }, first)).rejects.toMatchObject({ code: 'conflict' });
    await expect(points().delete('space.p', first)).rejects.toMatchObject({ code: 'conflict' });
    expect(await points().get('space.p')).toMatchObject({ value: { x: 2 }, revision: second });
    await points().delete('space.p', second);
    expect(await points().get('space.p')).toBeUndefined();
    await points().create('space.p', { x: 4 });
    const kinds = (await points().history('space.p')).map(({ kind }) => kind);
    expect(kinds).toEqual(['put', 'put', 'delete', 'put']);
  });

  it('what is not of the type is neither written nor read', async () => {
    const wrong: unknown = { x: 'one' };
    const refused = { code: 'malformed-message' };
    await expect(points().put('space.q', wrong as Point)).rejects.toMatchObject(refused);
    await putKey(bus, bucket, 'space.raw', wrong);
    await expect(points().get('space.raw')).rejects.toMatchObject(refused);
  });

  it('a watch yields what is there, then every change, and reports what it left out', async () => {
    await points().put('space.w', { x: 1 });
    const refused: string[] = [];
    const signal = AbortSignal.timeout(5_000);
    const seen: TypedChange<Point>[] = [];
    for await (const change of points().watch({ prefix, signal, onRefused: (key) => refused.push(key) })) {
      if (!change.key.startsWith('space.w')) continue;
      seen.push(change);
      if (seen.length === 1) await points().put('space.w', { x: 2 });
      if (seen.length === 2) await points().delete('space.w');
      if (seen.length === 3) break;
    }
    expect(seen.map((change) => (change.kind === 'put' ? change.value.x : 'deleted'))).toEqual([
      1,
      2,
      'deleted',
    ]);
    expect(refused).toContain('space.raw');
    expect(await points().keys({ prefix })).not.toContain('space.w');
  });
});

async function firstOf<T>(source: AsyncGenerator<T>): Promise<T[]> {
  for await (const item of source) return [item];
  return [];
}
