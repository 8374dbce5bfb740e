import { expect, test, vi } from 'vitest';
import { measure, summarise } from './measure.ts';

test('the figures are those of the sorted latencies, by nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(summarise(hundred, 500)).toEqual({
    count: 100,
    perSecond: 200,
    p50Ms: 50,
    p95Ms: 95,
    p99Ms: 99,
    maxMs: 100,
  });
});

test('of nothing there are no latencies, and no rate is invented', () => {
  expect(summarise([], 0)).toMatchObject({ count: 0, perSecond: 0, p50Ms: Number.NaN });
});

test('work is done so many at once, and a failure of it is the failure of the measurement', async () => {
  const { signal } = new AbortController();
  let [now, most] = [0, 0];
  const work = async (): Promise<void> => {
    most = Math.max(most, ++now);
    await Promise.resolve();
    now--;
  };
  const { count } = await measure(work, { atOnce: 3, durationMs: 20, signal });
  expect(count).toBeGreaterThan(0);
  expect(most).toBe(3);
  const failing = measure(() => Promise.reject(new Error('gone')), { atOnce: 2, durationMs: 1_000, signal });
  await expect(failing).rejects.toThrow('gone');
});

test('an interruption ends it at once', async () => {
  const stop = new AbortController();
  const work = async (): Promise<void> => stop.abort();
  const { count } = await measure(work, { atOnce: 1, durationMs: 60_000, signal: stop.signal });
  expect(count).toBe(0);
});

test('work that takes longer than all the time there is is done once more, so that one of it counts', async () => {
  let now = 0;
  using _clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  const work = async (): Promise<void> => void (now += 50);
  const { signal } = new AbortController();
  expect(await measure(work, { atOnce: 1, durationMs: 20, signal })).toMatchObject({ count: 1, p50Ms: 50 });
});
