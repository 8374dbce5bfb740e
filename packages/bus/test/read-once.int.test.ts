/** Reading what is stored, from beginning to end. */
import { freshSpace, openLossyProxy } from '@mabeam/testing';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connectBus, deleteStreams, ensureStreams, readStreamOnce, type Bus } from '@mabeam/bus';

const stream = freshSpace('read-once');

let bus: Bus;
beforeAll(async () => {
  bus = await connectBus({ url: inject('natsUrl'), name: 'read once' });
  await ensureStreams(bus, [{ name: stream, subjects: [`${stream}.*`] }]);
});
afterAll(async () => {
  await deleteStreams(bus, [stream]);
  await bus.close();
});

it.each([
  ['all', undefined],
  ['those of a filter', `${stream}.odd`],
])('a reading of %s ends, though a message is stored for each that is read', async (_, filter) => {
  const store = (): Promise<unknown> => bus.store(`${stream}.odd`, Buffer.from('1'));
  // More than one batch.
  for (let n = 0; n < 300; n++) await store();
  const options = filter === undefined ? {} : { filter };
  const before: number[] = [];
  for await (const { sequence } of readStreamOnce(bus, stream, options)) before.push(sequence);
  const seen: number[] = [];
  for await (const { sequence } of readStreamOnce(bus, stream, options)) {
    seen.push(sequence);
    await store();
    if (seen.length > before.length) break;
  }
  expect(seen).toEqual(before);
});

it('each message is read once, though the network doubles the answers', async () => {
  await using proxy = await openLossyProxy(inject('natsUrl'), {
    seed: 1,
    duplicate: ({ verb }) => (verb === 'HMSG' ? 1 : 0),
  });
  await using doubled = await connectBus({ url: proxy.url, name: 'doubled' });
  const subject = `${stream}.twice`;
  const kept: number[] = [];
  for (let n = 0; n < 3; n++) kept.push((await bus.store(subject, Buffer.from('1'))).sequence);
  const seen: number[] = [];
  for await (const { sequence } of readStreamOnce(doubled, stream, { filter: subject })) seen.push(sequence);
  expect(proxy.counts.duplicated).toBeGreaterThan(0);
  expect(seen).toEqual(kept);
});
