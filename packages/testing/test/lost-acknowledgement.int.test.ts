/**
 * The acknowledgement of a write is lost and the connection with it: the write is repeated, has one effect, and is not told as
 * refused. Those marked as failing fail because the bus takes the refusal of its own repetition for a lost race: the server looks
 * at the expectation before it looks for duplicates. The mark is to go when the bus looks the repetition up.
 */
import {
  acquireLease,
  commitBatch,
  connectBus,
  ensureStreams,
  lastSequence,
  openEvents,
  openTasks,
  putKey,
  readKeyHistory,
  readStreamOnce,
  spaceNames,
  spaceStreams,
  type Bus,
} from '@mabeam/bus';
import { freshSpace, openLossyProxy } from '@mabeam/testing';
import { customVariable, openVariables } from '@mabeam/variables';
import { expect, inject, onTestFinished, test } from 'vitest';

const natsUrl = inject('natsUrl');

interface Place {
  readonly space: string;
  readonly bucket: string;
  /** Behind a proxy that loses one acknowledgement of a write on the subject, the first or `which`, and cuts the connection. */
  readonly bus: Bus;
  /** Another way to the server, on which nothing is lost. */
  readonly direct: Bus;
  /** How many acknowledgements were lost. */
  readonly lost: () => number;
}

async function openPlace(subjectOf: (space: string) => string, which = 1): Promise<Place> {
  const space = freshSpace('ack');
  const subject = subjectOf(space);
  const direct = await connectBus({ url: natsUrl, name: 'direct' });
  await ensureStreams(direct, spaceStreams(space));
  const replies = new Set<string>();
  let seen = 0;
  let lost = 0;
  const proxy = await openLossyProxy(natsUrl, {
    seed: 1,
    drop: (frame) => {
      if (frame.verb.endsWith('PUB') && frame.subject === subject && frame.reply !== undefined)
        replies.add(frame.reply);
      if (!frame.verb.endsWith('MSG') || !replies.has(frame.subject) || ++seen !== which) return 0;
      lost++;
      queueMicrotask(() => proxy.cut());
      return 1;
    },
  });
  const bus = await connectBus({ url: proxy.url, name: 'behind the proxy' });
  onTestFinished(async () => {
    await bus.close();
    await direct.close();
    await proxy[Symbol.asyncDispose]();
  });
  return { space, bucket: spaceNames(space).bucket, bus, direct, lost: () => lost };
}

const keyOf = (key: string) => (space: string) => `$KV.${spaceNames(space).bucket}.${key}`;

test('a compare-and-set is acknowledged with the revision it has', async () => {
  const { bucket, bus, lost } = await openPlace(keyOf('space.a'));
  const revision = await putKey(bus, bucket, 'space.a', { n: 1 }, { expectLastSequence: 0 });
  expect(lost()).toBe(1);
  expect((await readKeyHistory(bus, bucket, 'space.a')).map((entry) => entry.revision)).toEqual([revision]);
});

test('a lost race is still a conflict', async () => {
  const { bucket, bus, lost } = await openPlace(keyOf('space.a'));
  await putKey(bus, bucket, 'space.a', { n: 1 });
  const late = putKey(bus, bucket, 'space.a', { n: 2 }, { expectLastSequence: 0 });
  await expect(late).rejects.toMatchObject({ code: 'conflict' });
  expect(lost()).toBe(1);
});

test('an update of a variable is written, once', async () => {
  const { bucket, bus, direct, lost, space } = await openPlace(keyOf('space.a'));
  await using creator = await openVariables(direct, space);
  await creator.create(customVariable('a', { initial: 0 }), { by: 'test' });
  await using store = await openVariables(bus, space);
  const before = store.get('a').revision;
  const outcome = await store.update('a', 1, { by: 'test', ifRevision: before });
  expect(lost()).toBe(1);
  expect(outcome).toMatchObject({ kind: 'written' });
  expect(await readKeyHistory(bus, bucket, 'space.a')).toHaveLength(2);
});

test('a change set is committed, once', async () => {
  const { bucket, bus, lost } = await openPlace(keyOf('space.b'));
  const { revision } = await commitBatch(bus, bucket, [
    { key: 'space.a', body: 1, expect: 0 },
    { key: 'space.b', body: 1, expect: 0 },
  ]);
  expect(lost()).toBe(1);
  expect(await lastSequence(bus, `KV_${bucket}`)).toBe(revision);
});

test('a lease is held by who has taken it', async () => {
  const { bus, lost, space } = await openPlace((id) => `$KV.${spaceNames(id).leases}.x`);
  const { leases } = spaceNames(space);
  const result = await acquireLease(bus, leases, 'x', { holder: { me: 1 }, ttlMs: 5_000 });
  expect(lost()).toBe(1);
  expect(result.kind).toBe('held');
  if (result.kind === 'held') await result.lease.release();
});

test('a lease whose renewal is confirmed late is not lost', async () => {
  const { bus, lost, space } = await openPlace((id) => `$KV.${spaceNames(id).leases}.x`, 2);
  const result = await acquireLease(bus, spaceNames(space).leases, 'x', { holder: { me: 1 }, ttlMs: 5_000 });
  if (result.kind === 'taken') throw new Error('nobody else has it');
  await using lease = result.lease;
  const first = lease.revision;
  await lease.update({ me: 2 });
  expect(lost()).toBe(1);
  expect(lease.lost.aborted).toBe(false);
  expect(lease.revision).toBeGreaterThan(first);
});

test('an event and a task are stored once', async () => {
  for (const [kind, subject] of [
    ['event', 'event.note.n1.written'],
    ['task', 'task.work'],
  ] as const) {
    const { bus, lost, space } = await openPlace((id) => `mabeam.${id}.${subject}`);
    if (kind === 'event') await openEvents(bus, space).publish('note', 'n1', 'written', {});
    else await openTasks(bus, space).submit('work', 't1', {});
    expect(lost()).toBe(1);
    const { events, tasks } = spaceNames(space);
    const stored = [];
    for await (const message of readStreamOnce(bus, kind === 'event' ? events : tasks)) stored.push(message);
    expect(stored).toHaveLength(1);
  }
});
