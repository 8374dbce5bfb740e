/** A store that leaves at once, beside those that wait for the end of the turn. */
import { connectBus, deleteStreams, ensureStreams, keySubject, spaceNames, spaceStreams } from '@mabeam/bus';
import { freshSpace } from '@mabeam/testing';
import { expect, inject, it } from 'vitest';

it('a store that leaves at once is there before one that was begun earlier in the same turn', async () => {
  await using bus = await connectBus({ url: inject('natsUrl'), name: 'at once' });
  const space = freshSpace();
  const streams = spaceStreams(space);
  await ensureStreams(bus, streams);
  const { bucket } = spaceNames(space);
  const body = new TextEncoder().encode('{}');
  const waiting = bus.store(keySubject(bucket, 'space.waits'), body);
  const prompt = bus.store(keySubject(bucket, 'space.hurries'), body, { atOnce: true });
  expect((await prompt).sequence).toBeLessThan((await waiting).sequence);
  await deleteStreams(
    bus,
    streams.map(({ name }) => name),
  );
});
