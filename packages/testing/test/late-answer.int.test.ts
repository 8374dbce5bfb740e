/**
 * An answer that says how long a stream was, and arrives together with what has been written since. Marked as failing while the
 * replica compares the answer with what it has heard meanwhile, and takes its own bucket for another.
 */
import {
  bucketStream,
  connectBus,
  ensureStreams,
  openReplica,
  putKey,
  spaceNames,
  spaceStreams,
  subjects,
} from '@mabeam/bus';
import { freshSpace, openLossyProxy, waitFor } from '@mabeam/testing';
import { expect, inject, test } from 'vitest';

const natsUrl = inject('natsUrl');

test('a replica that hears news while it asks about its bucket goes on', async () => {
  const space = freshSpace('late');
  const { bucket } = spaceNames(space);
  await using direct = await connectBus({ url: natsUrl, name: 'direct' });
  await ensureStreams(direct, spaceStreams(space));
  await putKey(direct, bucket, 'space.a', 0);
  const question = `$JS.API.STREAM.INFO.${bucketStream(bucket)}`;
  const replies = new Set<string>();
  const gate = Promise.withResolvers<void>();
  let isArmed = false;
  let isHeld = false;
  await using proxy = await openLossyProxy(natsUrl, {
    seed: 1,
    hold: (frame) => {
      if (!isArmed) return undefined;
      if (frame.subject === question && frame.reply !== undefined) replies.add(frame.reply);
      if (!frame.verb.endsWith('MSG') || !replies.has(frame.subject)) return undefined;
      isHeld = true;
      return gate.promise;
    },
  });
  await using bus = await connectBus({ url: proxy.url, name: 'behind the proxy' });
  const digest = subjects(space).signal('digest', bucket);
  await using replica = await openReplica(bus, { bucket, prefix: subjects(space).at('variable'), digest });
  isArmed = true;
  // A digest from before the last revision: reason enough to ask.
  direct.publish(digest, { sequence: 0 });
  await waitFor(() => isHeld, { what: 'the answer is on its way' });
  let last = 0;
  for (let n = 1; n <= 5; n++) last = await putKey(direct, bucket, 'space.a', n);
  gate.resolve();
  await replica.waitFor(last, 5_000);
  const next = await putKey(direct, bucket, 'space.a', 6);
  await replica.waitFor(next, 5_000);
  expect(replica.applied).toBe(next);
});
