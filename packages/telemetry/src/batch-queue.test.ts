import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BatchQueue, type BatchQueueOptions } from './batch-queue.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Bench {
  readonly queue: BatchQueue<number>;
  readonly sent: (readonly number[])[];
  readonly drops: [number, string][];
  /** Ends the send that is on its way. */
  readonly finish: (error?: Error) => Promise<void>;
}

function bench(options: Partial<BatchQueueOptions<number>> = {}): Bench {
  const sent: (readonly number[])[] = [];
  const drops: [number, string][] = [];
  let end: ((error?: Error) => void) | undefined;
  const queue = new BatchQueue<number>({
    maxWaiting: 4,
    maxBatch: 3,
    delayMs: 100,
    onDrop: (count, reason) => drops.push([count, reason]),
    send: (items) => {
      sent.push(items);
      return new Promise((resolve, reject) => {
        end = (error) => (error === undefined ? resolve() : reject(error));
      });
    },
    ...options,
  });
  const finish = async (error?: Error): Promise<void> => {
    end?.(error);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { queue, sent, drops, finish };
}

test('an item is sent within the delay', async () => {
  const { queue, sent } = bench();
  queue.push(1);
  await vi.advanceTimersByTimeAsync(99);
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(sent).toEqual([[1]]);
});

test('a full batch does not wait for the delay', () => {
  const { queue, sent } = bench();
  for (const item of [1, 2, 3]) queue.push(item);
  expect(sent).toEqual([[1, 2, 3]]);
});

test('one batch is on its way at a time, and the rest follows it', async () => {
  const { queue, sent, finish } = bench();
  for (const item of [1, 2, 3, 4, 5]) queue.push(item);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent).toEqual([[1, 2, 3]]);
  await finish();
  expect(sent).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
});

test.each([0, 1, 2, 3, 4, 5, 6])(
  'an item pushed %i microtasks after a send has ended is sent within the delay, like any other',
  async (ticks) => {
    const sent: number[] = [];
    const { queue } = bench({ send: async (items) => void sent.push(...items) });
    queue.push(1);
    await vi.advanceTimersByTimeAsync(99);
    vi.advanceTimersByTime(1);
    for (let i = 0; i < ticks; i += 1) await Promise.resolve();
    queue.push(2);
    await vi.advanceTimersByTimeAsync(100);
    expect(sent).toEqual([1, 2]);
  },
);

test('a sender that throws at once loses its batch and nothing else', async () => {
  const { queue, drops } = bench({
    send: () => {
      throw new Error('at once');
    },
  });
  queue.push(1);
  expect(await queue.flush(10)).toBe(true);
  queue.push(2);
  await vi.advanceTimersByTimeAsync(100);
  expect(drops).toEqual([
    [1, 'refused'],
    [1, 'refused'],
  ]);
});

test('an item that finds the queue full is dropped and reported, those before it are not', async () => {
  const { queue, sent, drops, finish } = bench();
  for (const item of [1, 2, 3, 4, 5, 6, 7, 8, 9]) queue.push(item);
  expect(drops).toEqual([
    [1, 'queue-full'],
    [1, 'queue-full'],
  ]);
  await finish();
  expect(sent[1]).toEqual([4, 5, 6]);
});

test('a batch that is refused is reported whole and the next one is tried', async () => {
  const { queue, sent, drops, finish } = bench();
  for (const item of [1, 2, 3, 4]) queue.push(item);
  await finish(new Error('no'));
  expect(drops).toEqual([[3, 'refused']]);
  expect(sent[1]).toEqual([4]);
});

test('flush resolves with true once everything is sent, with false when time is up', async () => {
  const { queue, finish } = bench();
  queue.push(1);
  const early = queue.flush(50);
  await vi.advanceTimersByTimeAsync(50);
  expect(await early).toBe(false);
  const late = queue.flush(50);
  await finish();
  expect(await late).toBe(true);
  expect(await queue.flush(0)).toBe(true);
});

test('closing reports what its deadline left behind, and what comes later', async () => {
  const { queue, drops } = bench();
  for (const item of [1, 2, 3, 4, 5]) queue.push(item);
  const closed = queue.close(20);
  queue.push(6);
  await vi.advanceTimersByTimeAsync(20);
  expect(await closed).toBe(false);
  expect(drops).toEqual([
    [1, 'closed'],
    [5, 'deadline'],
  ]);
  expect(await queue.close(20).then(() => drops.length)).toBe(2);
});
