import { connectBus, deleteStreams, ensureStreams, spaceStreams } from '@mabeam/bus';
import { openFaultProxy } from '@mabeam/testing';
import { openVariables, performanceThreshold, type SpaceChange, type VariableStore } from '@mabeam/variables';
import { describe, expect, inject, it } from 'vitest';
import { code, openStage } from './stage.ts';

const by = 'operator';
const threshold = performanceThreshold('threshold', { initial: 0, min: 0, max: 100 });

describe('a store whose connection was cut', () => {
  it('has everything after it is back, and its watcher hears once what differs', async () => {
    await using stage = await openStage();
    const { space, store } = stage;
    await using proxy = await openFaultProxy(inject('natsUrl'));
    await using far = await connectBus({ url: proxy.url, name: 'far' });
    await using reader = await openVariables(far, space);
    await reader.waitForRevision((await store.create(threshold, { by })).revision);
    const watching = reader.watch({ ids: ['threshold'] })[Symbol.asyncIterator]();
    const next = watching.next();
    proxy.refuse();
    proxy.cut();
    let last = 0;
    for (const value of [1, 2, 3, 4, 5]) last = (await store.update('threshold', value, { by })).revision;
    expect(reader.get('threshold').value).toBe(0);
    proxy.accept();
    await reader.waitForRevision(last, { timeoutMs: 15_000 });
    expect(reader.get('threshold')).toEqual(store.get('threshold'));
    const { value: change } = await next;
    expect((change as SpaceChange).changes).toMatchObject([{ from: { value: 0 } }]); // the watch has not ended
    await watching.return?.();
  });

  it('hears of what it missed in silence by the digest of the leader', async () => {
    await using stage = await openStage();
    const { bus, bucket, space, store } = stage;
    await using proxy = await openFaultProxy(inject('natsUrl'));
    await using far = await connectBus({ url: proxy.url, name: 'far' });
    await using reader = await openVariables(far, space);
    const { revision } = await store.create(threshold, { by });
    await reader.waitForRevision(revision);
    proxy.freeze();
    const last = (await store.update('threshold', 7, { by })).revision;
    expect(reader.applied).toBe(revision);
    bus.publish(`mabeam.${space}.signal.digest.${bucket}`, { sequence: last });
    proxy.thaw();
    await reader.waitForRevision(last, { timeoutMs: 15_000 });
    expect(reader.get('threshold').value).toBe(7);
  });

  it.each([
    ['a value', (writer: VariableStore) => writer.update('threshold', 9, { by })],
    ['a change set', (writer: VariableStore) => writer.apply([{ id: 'threshold', value: 9 }], { by })],
  ])('writes %s once, though the acknowledgement was lost with the connection', async (_, write) => {
    await using stage = await openStage();
    const { space, store } = stage;
    await using proxy = await openFaultProxy(inject('natsUrl'));
    await using far = await connectBus({ url: proxy.url, name: 'far' });
    await using writer = await openVariables(far, space);
    const created = await store.create(threshold, { by });
    await writer.waitForRevision(created.revision);
    const heard = Promise.withResolvers<void>();
    using _listening = store.onChange(() => {
      // The write is stored; its acknowledgement is still on its way, held up by the latency.
      proxy.cut();
      heard.resolve();
    });
    proxy.setLatency(50);
    const writing = write(writer);
    await heard.promise;
    proxy.setLatency(0);
    const { revision } = await writing;
    await store.replica.refresh();
    expect(store.applied).toBe(revision);
    expect(await store.history('threshold')).toHaveLength(2);
    expect(writer.get('threshold').value).toBe(9);
  });
});

it('a store whose bucket was replaced is closed and says why, and shows nothing old as if it were new', async () => {
  await using stage = await openStage();
  const { bus, bucket, space, store } = stage;
  const { revision } = await store.create(threshold, { by });
  const waiting = store
    .waitForRevision(revision + 100, { timeoutMs: 15_000 })
    .catch((error: unknown) => error);
  await deleteStreams(bus, [`KV_${bucket}`]);
  await ensureStreams(bus, spaceStreams(space));
  bus.publish(`mabeam.${space}.signal.digest.${bucket}`, { sequence: 0 });
  expect(await waiting).toMatchObject({ code: 'store-closed', cause: { code: 'bucket-replaced' } });
  expect(store.failed.aborted).toBe(true);
  await expect(store.update('threshold', 1, { by })).rejects.toThrowError(code('store-closed'));
});
