/** What a consumer has before it, as the server counts it. */
import { freshSpace, waitFor } from '@mabeam/testing';
import { expect, inject, it } from 'vitest';
import { connectBus, consumeStream, deleteStreams, ensureStreams, readBacklog } from '@mabeam/bus';

it('tells what nobody has taken from what somebody has not finished, also before anybody consumes', async () => {
  await using bus = await connectBus({ url: inject('natsUrl'), name: 'backlog' });
  const stream = freshSpace('backlog');
  await ensureStreams(bus, [{ name: stream, subjects: [`${stream}.*`] }]);
  const about = { stream, durable: 'workers', filter: `${stream}.work` };
  for (let count = 0; count < 5; count++) await bus.store(`${stream}.work`, Buffer.from('x'));
  await bus.store(`${stream}.other`, Buffer.from('x'));
  expect(await readBacklog(bus, about)).toEqual({ pending: 5, unacknowledged: 0, isConsumed: false });
  const leaving = new AbortController();
  const consumer = consumeStream(bus, {
    ...about,
    maxMessages: 2,
    maxOutstanding: 2,
    signal: leaving.signal,
  });
  const first = await consumer.next();
  let seen = await readBacklog(bus, about);
  await waitFor(
    async () => {
      seen = await readBacklog(bus, about);
      return seen.unacknowledged === 2;
    },
    { what: 'two are out', timeoutMs: 5_000 },
  );
  expect(seen).toEqual({ pending: 3, unacknowledged: 2, isConsumed: true });
  expect(first.done).toBe(false);
  leaving.abort();
  await consumer.return();
  await deleteStreams(bus, [stream]);
  await expect(readBacklog(bus, about)).rejects.toMatchObject({ code: 'stream-missing' });
});
