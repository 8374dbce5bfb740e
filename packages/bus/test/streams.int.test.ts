import { freshSpace, openFaultProxy, startTestServer, waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import {
  acquireLease,
  commitBatch,
  connectBus,
  deleteKey,
  deleteStreams,
  ensureStreams,
  MabeamError,
  openEvents,
  openReplica,
  openTasks,
  platformStreams,
  putKey,
  readKey,
  readKeyHistory,
  spaceNames,
  spaceStreams,
  subjects,
  type Bus,
  type Replica,
  type TaskOutcome,
} from '@mabeam/bus';

const conflict = expect.objectContaining({ code: 'conflict' });

const replicaOf = (bus: Bus, space: string): Promise<Replica> =>
  openReplica(bus, {
    bucket: spaceNames(space).bucket,
    prefix: subjects(space).at('variable'),
    digest: subjects(space).signal('digest', 'bucket'),
  });

/** Takes outcomes until a task has one, and returns those of every task seen. */
const outcomesUntil = async (
  bus: Bus,
  space: string,
  isEnough: (seen: readonly TaskOutcome[]) => boolean,
): Promise<TaskOutcome[]> => {
  const seen: TaskOutcome[] = [];
  for await (const outcome of openTasks(bus, space).outcomes({ signal: AbortSignal.timeout(15_000) })) {
    seen.push(outcome);
    if (isEnough(seen)) break;
  }
  return seen;
};

describe('streams of a space', () => {
  const space = freshSpace('streams');
  const names = spaceNames(space);
  let bus: Bus;
  let other: Bus;
  beforeAll(async () => {
    bus = await connectBus({ url: inject('natsUrl'), name: 'one' });
    other = await connectBus({ url: inject('natsUrl'), name: 'two' });
    await Promise.all(
      [bus, other].map((each) => ensureStreams(each, [...spaceStreams(space), ...platformStreams()])),
    );
  });
  afterAll(async () => {
    await bus.close();
    await other.close();
  });

  it('a second creation of the same streams changes nothing', async () => {
    await ensureStreams(other, spaceStreams(space));
    expect(await readKey(bus, names.bucket, 'space.none')).toBeUndefined();
  });

  it('how many servers keep a stream is one number, which a server alone refuses to exceed', async () => {
    const [definition] = spaceStreams(freshSpace('replicas'));
    const made = async (replicas: string): Promise<unknown> => {
      vi.stubEnv('MABEAM_REPLICAS', replicas);
      const ending = ensureStreams(bus, definition === undefined ? [] : [definition]);
      return ending.catch((error: unknown) => error).finally(() => vi.unstubAllEnvs());
    };
    expect(await made('3')).toMatchObject({
      code: 'store-failed',
      message: expect.stringMatching(/replicas/),
    });
    expect(await made('many')).toMatchObject({ code: 'store-failed' });
    expect(await made('1')).toBeUndefined();
    await deleteStreams(bus, definition === undefined ? [] : [definition.name]);
  });

  it('a compare-and-set has one winner', async () => {
    const revision = await putKey(bus, names.bucket, 'space.cas', 1);
    const results = await Promise.allSettled(
      [bus, other].map((each) =>
        putKey(each, names.bucket, 'space.cas', 2, { expectLastSequence: revision }),
      ),
    );
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: conflict });
  });

  it('a batch is all or nothing, wherever the stale expectation stands', async () => {
    const a = await putKey(bus, names.bucket, 'space.a', 0);
    for (const stale of [0, 1, 2]) {
      const writes = ['space.a', 'space.b', 'space.c'].map((key, index) => ({
        key,
        body: 1,
        ...(index === stale ? { expect: a + 999 } : {}),
      }));
      await expect(commitBatch(bus, names.bucket, writes)).rejects.toThrow(conflict);
    }
    expect(await readKey(bus, names.bucket, 'space.b')).toBeUndefined();
    const ack = await commitBatch(bus, names.bucket, [
      { key: 'space.a', body: 1, expect: a },
      { key: 'space.b', body: 1, expect: 0 },
    ]);
    expect(ack.revisions).toEqual({ 'space.a': ack.revision - 1, 'space.b': ack.revision });
  });

  it('a write fenced by another key is refused whole once that key has moved', async () => {
    const leader = await putKey(bus, names.bucket, 'leader', 'first');
    const fenced = (key: string): Promise<unknown> =>
      commitBatch(bus, names.bucket, [
        { key, body: 1 },
        { key: 'fence', body: 1, expect: leader, expectKey: 'leader' },
      ]);
    await fenced('space.fenced-1');
    await putKey(other, names.bucket, 'leader', 'second');
    await expect(fenced('space.fenced-2')).rejects.toThrow(conflict);
    expect(await readKey(bus, names.bucket, 'space.fenced-2')).toBeUndefined();
  });

  it('a deleted key reads as deleted and its history stays', async () => {
    await putKey(bus, names.bucket, 'space.gone', 'x');
    await deleteKey(bus, names.bucket, 'space.gone');
    expect(await readKey(bus, names.bucket, 'space.gone')).toMatchObject({ operation: 'delete' });
    expect((await readKeyHistory(bus, names.bucket, 'space.gone')).map(({ operation }) => operation)).toEqual(
      ['put', 'delete'],
    );
  });

  it('a replica shows a batch as a whole and never half of it', async () => {
    await using replica = await replicaOf(other, space);
    const states: unknown[] = [];
    const decode = (key: string): unknown =>
      JSON.parse(Buffer.from(replica.get(key)?.data ?? Buffer.from('0')).toString());
    using _ = replica.onChange(() => states.push([decode('space.left'), decode('space.right')]));
    let last = 0;
    for (let round = 1; round <= 20; round++) {
      const writes = [
        { key: 'space.left', body: round },
        { key: 'space.right', body: round },
      ];
      last = (await commitBatch(bus, names.bucket, writes)).revision;
    }
    await replica.waitFor(last, 5_000);
    expect(states).toEqual(Array.from({ length: 20 }, (__, index) => [index + 1, index + 1]));
  });

  it('events are read in order, kept ones first, and a repeated message id is stored once', async () => {
    const events = openEvents(bus, space);
    await events.publish('mail', 'm1', 'scored', { n: 1 }, { messageId: 'once' });
    await events.publish('mail', 'm1', 'scored', { n: 1 }, { messageId: 'once' });
    await events.trigger('quality-low', { id: 't' });
    const seen: unknown[] = [];
    const follow = (async () => {
      for await (const event of openEvents(other, space).follow({
        filter: 'event.mail.*.scored',
        signal: AbortSignal.timeout(5_000),
      })) {
        seen.push(event.json());
        if (seen.length === 2) return;
      }
    })();
    await events.publish('mail', 'm2', 'scored', { n: 2 });
    await follow;
    expect(seen).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('a lease has one holder, is taken over when released, and is lost when somebody else writes it', async () => {
    const first = await acquireLease(bus, names.leases, 'instance.a.0', {
      holder: { node: 'n1' },
      ttlMs: 2_000,
    });
    if (first.kind !== 'held') throw new Error('the lease was free');
    expect(
      await acquireLease(other, names.leases, 'instance.a.0', { holder: { node: 'n2' }, ttlMs: 2_000 }),
    ).toEqual({ kind: 'taken', by: { node: 'n1' } });
    await first.lease.release();
    const second = await acquireLease(other, names.leases, 'instance.a.0', {
      holder: { node: 'n2' },
      ttlMs: 2_000,
    });
    if (second.kind !== 'held') throw new Error('the lease was released');
    const lost = new Promise((resolve) =>
      second.lease.lost.addEventListener('abort', resolve, { once: true }),
    );
    await putKey(bus, names.leases, 'instance.a.0', { node: 'intruder' });
    await lost;
    expect(second.lease.lost.reason).toMatchObject({ code: 'lease-lost' });
  });

  it('an unrenewed lease expires by itself, and the bucket says so', async () => {
    await using replica = await openReplica(other, {
      bucket: names.leases,
      prefix: subjects(space).at('lease'),
    });
    await putKey(bus, names.leases, 'instance.b.0', { node: 'dead' }, { ttlMs: 1_000 });
    const expired = new Promise<void>((resolve) => {
      replica.onChange(({ entries }) => {
        if (entries.some(({ key, operation }) => key === 'instance.b.0' && operation === 'delete')) resolve();
      });
    });
    await expired;
    const taken = await acquireLease(bus, names.leases, 'instance.b.0', {
      holder: { node: 'next' },
      ttlMs: 1_000,
    });
    expect(taken.kind).toBe('held');
    if (taken.kind === 'held') await taken.lease.release();
  });

  it('a task is retried until it succeeds, and its outcome names the delivery', async () => {
    const tasks = openTasks(bus, space);
    const work = ({ attempt }: { attempt: number }): unknown => {
      if (attempt < 3) throw new Error('not yet');
      return { attempt };
    };
    await using _ = openTasks(other, space).work('retry', work, { agent: 'reader', instance: 'reader.0' });
    await tasks.submit('retry', 'retry-1', {});
    const [outcome] = await outcomesUntil(bus, space, (seen) => seen.some(({ task }) => task === 'retry-1'));
    expect(outcome).toMatchObject({ kind: 'completed', output: { attempt: 3 }, delivery: { count: 3 } });
  });

  it('a task that keeps failing ends as failed with its input, and malformed bodies fail at once', async () => {
    const tasks = openTasks(bus, space);
    const fail = (): never => {
      throw new Error('poison');
    };
    await using _ = openTasks(other, space).work('poison', fail, {
      agent: 'reader',
      instance: 'reader.0',
      maxDeliveries: 2,
    });
    await tasks.submit('poison', 'poison-1', { mail: 1 });
    await bus.store(subjects(space).task('poison'), Buffer.from('{"mail":'), {
      headers: { 'Content-Type': 'application/json', 'Mabeam-Task': 'poison-2' },
    });
    const isDone = (seen: readonly TaskOutcome[]): boolean =>
      ['poison-1', 'poison-2'].every((id) => seen.some(({ task }) => task === id));
    const outcomes = (await outcomesUntil(bus, space, isDone)).filter(({ task }) =>
      task.startsWith('poison'),
    );
    expect(outcomes.find(({ task }) => task === 'poison-1')).toMatchObject({
      kind: 'failed',
      error: { message: 'poison' },
      input: { mail: 1 },
      delivery: { count: 2 },
    });
    expect(outcomes.find(({ task }) => task === 'poison-2')).toMatchObject({
      kind: 'failed',
      error: { code: 'malformed-message' },
      delivery: { count: 1 },
    });
  });

  it('a task submitted twice under one id runs once, and two workers never both get their outcome accepted', async () => {
    const tasks = openTasks(bus, space);
    const runs: string[] = [];
    const both = Promise.withResolvers<void>();
    // The ack wait is so short that the task is delivered to the second worker while the first still sits on it.
    const work = (name: string) => async (): Promise<string> => {
      runs.push(name);
      if (runs.length === 2) both.resolve();
      await both.promise;
      return name;
    };
    const options = { agent: 'reader', ackWaitMs: 300 };
    const stall = { ...options, instance: 'stalled' };
    await using first = openTasks(bus, space).work('twins', work('first'), stall);
    await tasks.submit('twins', 'twins-1', {});
    await tasks.submit('twins', 'twins-1', {});
    await waitFor(() => runs.length === 1, { what: 'the first worker has the task' });
    // A copy of the task under another message id: what a duplicate past the server's window looks like.
    await using second = openTasks(other, space).work('twins', work('second'), {
      ...options,
      instance: 'second',
    });
    await bus.store(subjects(space).task('twins'), Buffer.from('{}'), {
      headers: { 'Content-Type': 'application/json', 'Mabeam-Task': 'twins-1' },
    });
    await outcomesUntil(bus, space, (seen) => seen.some(({ task }) => task === 'twins-1'));
    await first.close();
    await second.close();
    const kept = (await outcomesUntil(bus, space, (seen) => seen.at(-1)?.task === 'twins-1')).filter(
      ({ task }) => task === 'twins-1',
    );
    expect(kept).toHaveLength(1);
    expect(runs.length).toBeGreaterThanOrEqual(2);
  });
});

describe('faults', () => {
  it(
    'a server killed in the middle loses no acknowledged task, keeps one outcome each, and leaves no replica stale',
    { timeout: 40_000 },
    async () => {
      const { mkdtemp, rm } = await import('node:fs/promises');
      const { tmpdir } = await import('node:os');
      const path = await import('node:path');
      const { startServer } = await import('@mabeam/bus/server');
      const storeDir = await mkdtemp(path.join(tmpdir(), 'mabeam-faults-'));
      let server = await startServer({ storeDir });
      const { port, url } = server;
      const space = freshSpace('killed');
      await using bus = await connectBus({ url, name: 'client' });
      await using worker = await connectBus({ url, name: 'worker' });
      await ensureStreams(bus, spaceStreams(space));
      await using replica = await replicaOf(worker, space);
      await using _ = openTasks(worker, space).work('desk', ({ input }) => input, {
        agent: 'reader',
        instance: 'reader.0',
        ackWaitMs: 1_000,
      });
      const total = 300;
      const submitAll = async (): Promise<void> => {
        for (let n = 0; n < total; n++) {
          await openTasks(bus, space).submit('desk', `t${n}`, { n });
          if (n % 10 === 0) await putKey(bus, spaceNames(space).bucket, `space.v${n % 50}`, n);
        }
      };
      const submitted = submitAll();
      const counted = outcomesUntil(
        bus,
        space,
        (seen) => new Set(seen.map(({ task }) => task)).size === total,
      );
      for (let kill = 0; kill < 2; kill++) {
        await waitFor(() => bus.connected && replica.applied > kill * 10, {
          what: 'the job runs',
          timeoutMs: 10_000,
        });
        process.kill(server.pid, 'SIGKILL');
        await server.exited;
        server = await startServer({ storeDir, port });
      }
      await submitted;
      const outcomes = await counted;
      expect(outcomes.map(({ task }) => task).toSorted()).toEqual(
        Array.from({ length: total }, (__, n) => `t${n}`).toSorted(),
      );
      const last = await putKey(bus, spaceNames(space).bucket, 'space.last', 1);
      await replica.waitFor(last, 5_000);
      for (let n = 0; n < 50; n += 10) {
        const truth = await readKey(bus, spaceNames(space).bucket, `space.v${n}`);
        expect(replica.get(`space.v${n}`)?.revision).toBe(truth?.revision);
      }
      await bus.close();
      await worker.close();
      await server.stop();
      await rm(storeDir, { recursive: true, force: true });
    },
  );

  it('a replica that misses live revisions behind a cut heals after the reconnect', async () => {
    await using server = await startTestServer();
    await using proxy = await openFaultProxy(server.url);
    const space = freshSpace('gap');
    await using writer = await connectBus({ url: server.url, name: 'writer' });
    await using reader = await connectBus({ url: proxy.url, name: 'reader' });
    await ensureStreams(writer, spaceStreams(space));
    await using replica = await replicaOf(reader, space);
    proxy.refuse();
    proxy.cut();
    await waitFor(() => !reader.connected, { what: 'the reader has noticed' });
    const missed = await putKey(writer, spaceNames(space).bucket, 'space.missed', 1);
    proxy.accept();
    await replica.waitFor(missed, 5_000);
    expect(replica.get('space.missed')?.revision).toBe(missed);
  });

  it('a full stream refuses a task as overloaded and says so', async () => {
    await using server = await startTestServer();
    await using bus = await connectBus({ url: server.url, name: 'flood' });
    const space = freshSpace('full');
    const limited = spaceStreams(space).map((stream) =>
      stream.name.endsWith('-tasks') ? { ...stream, max_bytes: 4_096 } : stream,
    );
    await ensureStreams(bus, limited);
    const flood = async (): Promise<void> => {
      for (let n = 0; n < 100; n++) await openTasks(bus, space).submit('desk', `t${n}`, 'x'.repeat(500));
    };
    const error = await flood().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MabeamError);
    expect(error).toMatchObject({ code: 'overloaded', retryable: true });
  });
});
