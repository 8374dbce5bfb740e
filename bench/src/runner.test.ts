// What the runner promises about benchmarks that fail, hang, or are not chosen.
import { expect, test } from 'vitest';
import type { Benchmark, Row } from './benchmark.ts';
import { chooseBenchmarks, runBenchmarks } from './runner.ts';

const benchmark = (name: string, run: Benchmark['run'], timeoutMs = 5_000): Benchmark => ({
  name,
  goal: `${name} has a goal`,
  timeoutMs,
  run,
});
const row: Row = { comparisons: [{ measure: 'm', unit: 'ms', ours: [1] }] };
const options = (signal = new AbortController().signal) =>
  ({ natsUrl: '', scale: 'quick', signal, onProgress: () => undefined }) as const;

test('a benchmark that fails says why in its row, and the next one runs', async () => {
  const rows = await runBenchmarks(
    [
      benchmark('broken', () => Promise.reject(new Error('no server\nat line 1'))),
      benchmark('sound', async () => row),
    ],
    options(),
  );
  expect(rows[0]?.row.comparisons).toEqual([
    { measure: 'broken has a goal', unit: '', ours: [], notMeasured: 'no server' },
  ]);
  expect(rows[1]).toEqual({ name: 'sound', row });
});

test('a benchmark that never ends is given up at its time, and told by its signal', async () => {
  let told: AbortSignal | undefined;
  const hangs = benchmark(
    'hangs',
    ({ signal }) => {
      told = signal;
      return new Promise<never>(() => undefined);
    },
    30,
  );
  const [hung] = await runBenchmarks([hangs], options());
  expect(hung?.row.comparisons[0]?.notMeasured).toMatch(/timeout/i);
  expect(told?.aborted).toBe(true);
});

test('a run that is given up rejects instead of calling its benchmarks failed', async () => {
  const controller = new AbortController();
  const stops = benchmark('stops', ({ signal }) => {
    controller.abort(new Error('given up'));
    signal.throwIfAborted();
    return Promise.resolve(row);
  });
  await expect(runBenchmarks([stops], options(controller.signal))).rejects.toThrow('given up');
});

test('words choose by a part of the name, and an unknown one is refused with the names there are', () => {
  const all = ['requests', 'change-set', 'tasks'].map((name) => benchmark(name, async () => row));
  expect(chooseBenchmarks(all, []).length).toBe(3);
  expect(chooseBenchmarks(all, ['set', 'task']).map(({ name }) => name)).toEqual(['change-set', 'tasks']);
  expect(() => chooseBenchmarks(all, ['tusks'])).toThrow('requests, change-set, tasks');
});
