/** How much of a stream is out at once, and in which order it comes. */
import { freshSpace } from '@mabeam/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  connectBus,
  consumeStream,
  deleteStreams,
  ensureStreams,
  type Bus,
  type ConsumeOptions,
  type Delivery,
} from '@mabeam/bus';

const stream = freshSpace('consume');
const signal = AbortSignal.timeout(30_000);

let bus: Bus;
let other: Bus;
beforeAll(async () => {
  bus = await connectBus({ url: inject('natsUrl'), name: 'consume one' });
  other = await connectBus({ url: inject('natsUrl'), name: 'consume two' });
  await ensureStreams(bus, [{ name: stream, subjects: [`${stream}.*`] }]);
});
afterAll(async () => {
  await deleteStreams(bus, [stream]);
  await bus.close();
  await other.close();
});

async function store(subject: string, ...bodies: number[]): Promise<void> {
  for (const body of bodies) await bus.store(`${stream}.${subject}`, Buffer.from(`${body}`));
}

function consume(
  on: Bus,
  name: string,
  options: Partial<ConsumeOptions> = {},
): AsyncGenerator<Delivery, void> {
  return consumeStream(on, { stream, durable: name, filter: `${stream}.${name}`, signal, ...options });
}

async function take(source: AsyncGenerator<Delivery, void>): Promise<Delivery> {
  const next = await source.next();
  if (next.done === true) throw new Error('the source has ended');
  return next.value;
}

describe('with one message outstanding', () => {
  it('whoever takes over gets what its predecessor had before anything behind it', async () => {
    await store('inherited', 1, 2, 3);
    const ordered = { maxMessages: 1, maxOutstanding: 1, ackWaitMs: 1_000 };
    const dead = consume(bus, 'inherited', ordered);
    const held = await take(dead);
    const heir = consume(other, 'inherited', ordered);
    const seen: unknown[] = [];
    while (seen.length < 3) {
      const delivery = await take(heir);
      seen.push([delivery.json(), delivery.count]);
      delivery.ack();
    }
    expect(held.json()).toBe(1);
    expect(seen).toEqual([
      [1, 2],
      [2, 1],
      [3, 1],
    ]);
    await heir.return();
    await dead.return();
  });

  it('two who share the consumer never have one each', async () => {
    await store('shared', ...Array.from({ length: 20 }, (_, n) => n));
    let out = 0;
    let most = 0;
    const seen: unknown[] = [];
    const ending = new AbortController();
    const options = { maxMessages: 1, maxOutstanding: 1, signal: ending.signal };
    const work = async (on: Bus): Promise<void> => {
      for await (const delivery of consume(on, 'shared', options)) {
        out += 1;
        most = Math.max(most, out);
        await on.flush();
        seen.push(delivery.json());
        out -= 1;
        delivery.ack();
        if (seen.length === 20) ending.abort();
      }
    };
    await Promise.all([work(bus), work(other)]);
    expect(most).toBe(1);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it('so it is too for a consumer that was made when more were allowed', async () => {
    await store('narrowed', 0);
    const before = consume(bus, 'narrowed');
    (await take(before)).ack();
    await before.return();
    await bus.flush();
    await store('narrowed', 1, 2);
    const after = consume(other, 'narrowed', { maxOutstanding: 1, maxMessages: 2, ackWaitMs: 1_000 });
    const first = await take(after);
    expect(first.json()).toBe(1);
    // Unacknowledged it comes again; with two outstanding the second would have come before.
    expect((await take(after)).json()).toBe(1);
    await after.return();
  });
});
