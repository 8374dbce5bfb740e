/** The lossy proxy between a real client and a real server. */
import { connectBus } from '@mabeam/bus';
import { freshSpace, openLossyProxy, waitFor } from '@mabeam/testing';
import { expect, inject, test } from 'vitest';

const natsUrl = inject('natsUrl');

/** Publishes numbers on a subject and gives those a listener behind the proxy has heard, once the last has passed. */
async function heard(url: string, subject: string, count: number): Promise<number[]> {
  await using near = await connectBus({ url, name: 'behind the proxy' });
  await using far = await connectBus({ url: natsUrl, name: 'at the server' });
  const numbers: number[] = [];
  let isOver = false;
  near.subscribe(subject, (message) => void numbers.push(Number(message.json())));
  near.subscribe(`${subject}.over`, () => (isOver = true));
  await near.flush();
  for (let n = 0; n < count; n++) far.publish(subject, n);
  far.publish(`${subject}.over`, {});
  await waitFor(() => isOver, { what: 'the last message has passed' });
  // Strays come at most 50 ms after what has overtaken them.
  const strays = waitFor(() => numbers.length > 2 * count, { what: 'never so', timeoutMs: 80 });
  await strays.catch(() => undefined);
  return numbers;
}

test('the same share of the same messages is lost again, and the connection stays whole', async () => {
  const subject = freshSpace('lossy');
  const options = { seed: 4, drop: (frame: { subject: string }) => (frame.subject === subject ? 0.2 : 0) };
  await using first = await openLossyProxy(natsUrl, options);
  await using second = await openLossyProxy(natsUrl, options);
  const lost = await heard(first.url, subject, 200);
  expect(await heard(second.url, subject, 200)).toEqual(lost);
  expect(first.counts.dropped).toBe(200 - lost.length);
  expect(first.counts.dropped).toBeGreaterThan(20);
  expect(first.counts.dropped).toBeLessThan(60);
});

test('doubled and reordered messages all arrive, none of them damaged', async () => {
  const subject = freshSpace('lossy');
  const share = (frame: { subject: string }): number => (frame.subject === subject ? 0.3 : 0);
  await using proxy = await openLossyProxy(natsUrl, { seed: 5, duplicate: share, reorder: share });
  const numbers = await heard(proxy.url, subject, 100);
  expect(new Set(numbers).size).toBe(100);
  expect(numbers).toHaveLength(100 + proxy.counts.duplicated);
  expect(numbers).not.toEqual(numbers.toSorted((a, b) => a - b));
});

test('a held message waits, and what follows waits behind it', async () => {
  const subject = freshSpace('lossy');
  const gate = Promise.withResolvers<void>();
  let isHeld = false;
  await using proxy = await openLossyProxy(natsUrl, {
    seed: 6,
    hold: (frame) => {
      if (frame.verb !== 'PUB' || frame.subject !== subject || isHeld) return undefined;
      isHeld = true;
      return gate.promise;
    },
  });
  await using near = await connectBus({ url: proxy.url, name: 'behind the proxy' });
  await using far = await connectBus({ url: natsUrl, name: 'at the server' });
  const texts: unknown[] = [];
  far.subscribe(subject, (message) => void texts.push(message.json()));
  await far.flush();
  near.publish(subject, 'held');
  near.publish(subject, 'behind');
  await waitFor(() => isHeld, { what: 'the proxy holds the message' });
  await far.flush();
  expect(texts).toEqual([]);
  gate.resolve();
  await waitFor(() => texts.length === 2, { what: 'both have arrived' });
  expect(texts).toEqual(['held', 'behind']);
});
