/** Batches of one stream on a real server: all or nothing, with markers that go away and messages that do not. */
import { freshSpace, waitFor } from '@mabeam/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import {
  bucketStream,
  commitBatch,
  connectBus,
  countBySubject,
  deleteStreams,
  ensureStreams,
  jsonBytes,
  keySubject,
  lastSequence,
  openReplica,
  putKey,
  readKey,
  readKeyHistory,
  readLastMessage,
  spaceNames,
  spaceStreams,
  storeBatch,
  subjects,
  type BatchMessage,
  type Bus,
} from '@mabeam/bus';

const space = freshSpace();
const { bucket, history } = spaceNames(space);
let bus: Bus;

beforeAll(async () => {
  bus = await connectBus({ url: inject('natsUrl'), name: 'batch-test' });
  await ensureStreams(bus, spaceStreams(space));
});
afterAll(async () => {
  const names = spaceStreams(space).map(({ name }) => name);
  await deleteStreams(bus, names);
  await bus.close();
});

const message = (
  key: string,
  body: unknown,
  more: Omit<BatchMessage, 'subject' | 'data'> = {},
): BatchMessage => ({
  subject: subjects(space).history(key),
  data: jsonBytes(body),
  ...more,
});
const last = (key: string) => readLastMessage(bus, history, subjects(space).history(key));

test('a batch is stored in a row, and resolves with its last sequence', async () => {
  const before = await lastSequence(bus, history);
  expect(await storeBatch(bus, [message('space.a', 1), message('space.b', 2)])).toBe(before + 2);
  expect((await last('space.a'))?.sequence).toBe(before + 1);
  expect((await last('space.b'))?.json()).toBe(2);
});

test('one expectation that fails refuses all of it', async () => {
  const before = await lastSequence(bus, history);
  const wrong = message('space.c', 1, { options: { expectLastSequence: 77 } });
  const conflict = expect.objectContaining({ code: 'conflict' });
  await expect(storeBatch(bus, [wrong, message('space.d', 1)])).rejects.toThrow(conflict);
  await expect(storeBatch(bus, [message('space.d', 1), wrong])).rejects.toThrow(conflict);
  expect(await lastSequence(bus, history)).toBe(before);
  expect(await last('space.d')).toBeUndefined();
});

test('what is too large is refused before anything is sent', async () => {
  const large = message('space.e', 'x'.repeat(bus.maxPayload));
  const tooLarge = expect.objectContaining({ code: 'payload-too-large' });
  await expect(storeBatch(bus, [message('space.f', 1), large])).rejects.toThrow(tooLarge);
  expect(await last('space.f')).toBeUndefined();
  await expect(storeBatch(bus, [])).rejects.toThrow(expect.objectContaining({ code: 'store-failed' }));
});

test('a lasting message says so, and one that takes the place of others is the only one', async () => {
  const options = { headers: { 'Nats-Rollup': 'sub' } };
  for (const body of [1, 2]) await storeBatch(bus, [message('space.g', body, { isLasting: true, options })]);
  const found = await last('space.g');
  expect(found?.headers.get('nats-ttl')).toBe('never');
  const subject = subjects(space).history('space.g');
  expect(await countBySubject(bus, history, subject)).toEqual(new Map([[subject, 1]]));
});

test('a change set removes a key but for a marker, whole or not at all, and the marker goes away', async () => {
  const prefix = subjects(space).at('variable');
  await using replica = await openReplica(bus, { bucket, prefix });
  for (const body of [1, 2, 3]) await putKey(bus, bucket, 'adaptation.x', body);
  const revision = replica.revisionOf('adaptation.x');
  const gone = { key: 'adaptation.x', body: undefined, operation: 'delete', lastsMs: 1_000 } as const;
  const fence = { key: 'fence', body: {}, expect: 0, expectKey: 'adaptation.x' };
  const conflict = expect.objectContaining({ code: 'conflict' });
  await expect(commitBatch(bus, bucket, [{ ...gone, expect: revision }, fence])).rejects.toThrow(conflict);
  expect(await readKeyHistory(bus, bucket, 'adaptation.x')).toHaveLength(3);
  await commitBatch(bus, bucket, [{ ...gone, expect: revision }]);
  expect(await readKeyHistory(bus, bucket, 'adaptation.x')).toMatchObject([{ operation: 'delete' }]);
  await waitFor(() => replica.get('adaptation.x') === undefined, { what: 'the copy has the removal' });
  const isGone = async (): Promise<boolean> => (await readKey(bus, bucket, 'adaptation.x')) === undefined;
  await waitFor(isGone, { what: 'the marker has gone', timeoutMs: 5_000 });
  expect(await countBySubject(bus, bucketStream(bucket), keySubject(bucket, 'adaptation.>'))).toEqual(
    new Map(),
  );
  expect(replica.get('adaptation.x')).toBeUndefined();
});

test('the entries of one change set share an id, and one that was written alone has none', async () => {
  await commitBatch(bus, bucket, [
    { key: 'space.p', body: 1 },
    { key: 'space.q', body: 2 },
  ]);
  await putKey(bus, bucket, 'space.r', 3);
  const [p, q, r] = await Promise.all(
    ['space.p', 'space.q', 'space.r'].map((key) => readKey(bus, bucket, key)),
  );
  expect(p?.batch).toBeDefined();
  expect(q?.batch).toBe(p?.batch);
  expect(r).not.toHaveProperty('batch');
});
