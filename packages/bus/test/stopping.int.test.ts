/** What stops, closes, fills up or loses its connection in the middle: it drops nothing, keeps nothing, and ends in time. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { freshSpace, openFaultProxy, waitFor, type FaultProxy } from '@mabeam/testing';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import {
  commitBatch,
  connectBus,
  countBySubject,
  bucketStream,
  ensureStreams,
  keySubject,
  openBucket,
  openEvents,
  openReplica,
  openTasks,
  putKey,
  spaceNames,
  spaceStreams,
  subjects,
  type Bus,
  type Task,
  type WorkOptions,
} from '@mabeam/bus';
import { busError } from '../src/errors.ts';
import { wireOf } from '../src/wire.ts';

const space = freshSpace('stopping');
const at = subjects(space);
const { bucket } = spaceNames(space);
const prefix = at.at('variable');

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

interface Far extends AsyncDisposable {
  readonly proxy: FaultProxy;
  readonly far: Bus;
}

/** A connection that can be cut. */
async function openFar(): Promise<Far> {
  const proxy = await openFaultProxy(inject('natsUrl'));
  const far = await connectBus({ url: proxy.url, name: 'far' });
  const dispose = async (): Promise<void> => {
    proxy.accept();
    await far.close(50);
    await proxy[Symbol.asyncDispose]();
  };
  return { proxy, far, [Symbol.asyncDispose]: dispose };
}

async function cutOff({ proxy, far }: Far): Promise<void> {
  proxy.refuse();
  proxy.cut();
  await waitFor(() => !far.connected, { what: 'the connection is lost' });
}

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );

const options: WorkOptions = { agent: 'reader', instance: 'reader.0' };

async function submit(group: string, ...ids: string[]): Promise<void> {
  await Promise.all(ids.map((id) => openTasks(bus, space).submit(group, id, null)));
}

const numbered = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${name}-${n}`);

describe('a worker', () => {
  it('takes no more than it works on, so what waits goes to whoever is free', async () => {
    const gate = Promise.withResolvers<void>();
    const begun: string[] = [];
    await submit('busy', ...numbered('busy', 9));
    await using _busy = openTasks(bus, space).work(
      'busy',
      async ({ id }) => {
        begun.push(id);
        await gate.promise;
      },
      { ...options, concurrency: 4, ackWaitMs: 1_000 },
    );
    await waitFor(() => begun.length === 4, { what: 'it is full' });
    const taken: Task[] = [];
    await using _free = openTasks(other, space).work('busy', (task) => taken.push(task), options);
    await waitFor(() => taken.length === 5, { what: 'another has taken the rest' });
    expect(taken.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1]);
    expect(begun).toHaveLength(4);
    gate.resolve();
  });

  it('that read ahead and became slow gives back what it has not begun, and begins none of it later', async () => {
    const gate = Promise.withResolvers<void>();
    const begun: string[] = [];
    await submit('slowed', ...numbered('quick', 40), ...numbered('slow', 12));
    await using busy = openTasks(bus, space).work(
      'slowed',
      async ({ id }) => {
        begun.push(id);
        if (id.startsWith('slow')) await gate.promise;
      },
      { ...options, concurrency: 4, ackWaitMs: 1_200 },
    );
    await waitFor(() => begun.length === 44, { what: 'it is full of slow ones' });
    const taken: string[] = [];
    await using _free = openTasks(other, space).work('slowed', ({ id }) => taken.push(id), {
      ...options,
      ackWaitMs: 30_000,
    });
    await waitFor(() => taken.length === 8, { what: 'another has taken the rest' });
    gate.resolve();
    await busy.close();
    expect(new Set([...begun, ...taken]).size).toBe(52);
    expect(begun).toHaveLength(44);
  });

  it('closes within its grace though its handler does not obey, and another gets the task at once', async () => {
    const begun = Promise.withResolvers<void>();
    await submit('deaf', 'deaf');
    const deaf = openTasks(bus, space).work(
      'deaf',
      () => {
        begun.resolve();
        return new Promise(() => undefined);
      },
      { ...options, ackWaitMs: 30_000 },
    );
    await begun.promise;
    await deaf.close(10);
    await using _ = openTasks(other, space).work('deaf', () => 'done', options);
    const outcome = await waitFor(() => openTasks(other, space).outcomeOf('deaf'), { what: 'it is done' });
    expect(outcome).toMatchObject({ kind: 'completed', delivery: { count: 2 } });
  });

  it('that was opened without a connection can be closed', async () => {
    await using stage = await openFar();
    await cutOff(stage);
    const worker = openTasks(stage.far, space).work('unconnected', () => 1, options);
    await expect(worker.close()).resolves.toBeUndefined();
    await expect(worker.done).resolves.toBeUndefined();
  });
});

describe('a connection that is lost', () => {
  it('does not keep a store whose signal has aborted already', async () => {
    await using stage = await openFar();
    await cutOff(stage);
    const error = failureOf(stage.far.store(at.task('x'), Buffer.from('1'), { signal: AbortSignal.abort() }));
    expect(await error).toMatchObject({ code: 'cancelled' });
  });

  it('is waited out by a store that has to find out whether it was stored before', async () => {
    using called = vi
      .spyOn(wireOf(bus).calls, 'call')
      .mockRejectedValueOnce(busError('deadline-exceeded', 'the acknowledgement is lost'))
      .mockRejectedValueOnce(busError('conflict', 'refused', { details: { stream: bucketStream(bucket) } }))
      .mockRejectedValueOnce(busError('disconnected', 'nor is there an answer to the question who did'));
    await expect(putKey(bus, bucket, 'space.late', 1, { expectLastSequence: 0 })).resolves.toBeGreaterThan(0);
    expect(called).toHaveBeenCalledTimes(4);
  });

  it('is waited out by who reads what comes from now on', async () => {
    await using stage = await openFar();
    await cutOff(stage);
    const ending = new AbortController();
    const reading = openEvents(stage.far, space).follow({ from: 'new', signal: ending.signal }).next();
    const first = openEvents(stage.far, space).follow({ from: 'new', filter: 'trigger.later' }).next();
    ending.abort();
    expect(await reading).toEqual({ done: true, value: undefined });
    stage.proxy.accept();
    const publishing = setInterval(() => void openEvents(bus, space).trigger('later', 1), 20);
    expect(await first).toMatchObject({ done: false });
    clearInterval(publishing);
  });

  it('is heard of by everybody, though one of them throws', async () => {
    await using stage = await openFar();
    const heard = Promise.withResolvers<void>();
    using _one = stage.far.onReconnect(() => {
      throw new Error('of no use to anybody else');
    });
    using _two = stage.far.onReconnect(() => heard.resolve());
    stage.proxy.cut();
    await heard.promise;
    expect(stage.far.connected).toBe(true);
    const again = Promise.withResolvers<void>();
    using _three = stage.far.onReconnect(() => again.resolve());
    stage.proxy.cut();
    await again.promise;
    expect(stage.far.connected).toBe(true);
  });
});

describe('a server that has gone silent', () => {
  it('keeps neither a service nor the opening of a replica or a watch from ending', async () => {
    await using stage = await openFar();
    const service = stage.far.serve(at.askAgent('silent'), () => 1);
    await stage.far.flush();
    stage.proxy.freeze();
    const closing = new AbortController();
    const { signal } = closing;
    const opening = failureOf(openReplica(stage.far, { bucket, prefix, signal }));
    const never = { encode: (value: unknown) => value, decode: (body: unknown) => body };
    const watching = openBucket(stage.far, bucket, never).watch({ prefix, signal }).next();
    closing.abort();
    const since = performance.now();
    await service.close(50);
    expect(await opening).toMatchObject({ code: 'cancelled' });
    expect(await watching).toEqual({ done: true, value: undefined });
    expect(performance.now() - since).toBeLessThan(2_000);
    stage.proxy.thaw();
  });

  it('does not keep a connecting that is cancelled', async () => {
    await using proxy = await openFaultProxy(inject('natsUrl'));
    proxy.freeze();
    const cancelling = new AbortController();
    const { signal } = cancelling;
    const since = performance.now();
    const connecting = failureOf(connectBus({ url: proxy.url, name: 'cancelled', signal }));
    await waitFor(() => proxy.connections === 1, { what: 'it waits for the server' });
    cancelling.abort();
    expect(await connecting).toMatchObject({ code: 'cancelled' });
    expect(performance.now() - since).toBeLessThan(2_000);
  });
});

describe('a connection that closes', () => {
  it('takes a cancel for what it is too late for, and a publish for one after its end', async () => {
    await using stage = await openFar();
    const deaf = other.serve(
      at.askAgent('deaf'),
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
    );
    await other.flush();
    const uncaught: unknown[] = [];
    const onUncaught = (error: unknown): unknown => uncaught.push(error);
    process.on('uncaughtException', onUncaught);
    const cancelling = new AbortController();
    const { signal } = cancelling;
    const asked = failureOf(stage.far.request(at.askAgent('deaf'), {}, { signal, timeoutMs: 20_000 }));
    const streamed = failureOf(
      stage.far.requestStream(at.askAgent('deaf'), {}, { signal, idleMs: 20_000 }).next(),
    );
    await stage.far.flush();
    stage.proxy.setLatency(50);
    const closed = stage.far.close();
    // It takes what is published until its subscriptions have ended.
    const refused = await waitFor(() => refusalOf(() => stage.far.publish(at.signal('metrics', 'x'), 1)), {
      what: 'it takes nothing more',
    });
    cancelling.abort();
    expect(refused).toMatchObject({ code: 'closed' });
    expect(await asked).toMatchObject({ code: 'cancelled' });
    expect(await streamed).toMatchObject({ code: 'cancelled' });
    await closed;
    stage.proxy.setLatency(0);
    await deaf.close(0);
    process.off('uncaughtException', onUncaught);
    expect(uncaught).toEqual([]);
  });
});

function refusalOf(publish: () => void): unknown {
  try {
    publish();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('a replica', () => {
  it('shows what is left of a change set whose last message has expired', async () => {
    await putKey(bus, bucket, 'space.before', 1);
    await commitBatch(bus, bucket, [
      { key: 'space.kept', body: 1 },
      { key: 'space.marker', body: undefined, operation: 'delete', lastsMs: 1_000 },
    ]);
    const marker = keySubject(bucket, 'space.marker');
    await waitFor(async () => (await countBySubject(bus, bucketStream(bucket), marker)).size === 0, {
      what: 'the marker has expired',
    });
    await using replica = await openReplica(other, { bucket, prefix });
    expect(replica.get('space.kept')).toBeDefined();
    await putKey(bus, bucket, 'space.after', 1);
    await waitFor(() => replica.get('space.after'), { what: 'it goes on' });
  });
});

describe('a streamed answer', () => {
  it('leaves nothing behind of the parts that were sent, though it goes on', async () => {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    const heap = (): number => {
      if (typeof collect === 'function') collect();
      return process.memoryUsage().heapUsed;
    };
    await using _ = other.serve(at.askAgent('long'), async function* () {
      for (let n = 0; ; n++) yield n;
    });
    await other.flush();
    let before = 0;
    let count = 0;
    for await (const _part of bus.requestStream(at.askAgent('long'), {}, { window: 512 })) {
      count += 1;
      if (count === 5_000) before = heap();
      if (count === 25_000) break;
    }
    // A race against one promise for all of them kept a quarter of a kilobyte for each.
    expect((heap() - before) / 20_000).toBeLessThan(100);
  });
});
