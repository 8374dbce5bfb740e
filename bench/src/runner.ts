/**
 * The runner: benchmarks one after the other, each within its time. One that fails is a row that says so, and the others
 * go on; what one leaves on the server is in a space of its own.
 */
import type { Benchmark, Row, Stage } from './benchmark.ts';
import type { NamedRow } from './table.ts';

export interface RunOptions extends Stage {
  /** Told what begins and what ended, in a few words. */
  readonly onProgress: (text: string) => void;
}

/** Benchmarks whose name contains one of the words; all when there are none. Throws `RangeError` for a word nobody has. */
export function chooseBenchmarks(
  benchmarks: readonly Benchmark[],
  words: readonly string[],
): readonly Benchmark[] {
  for (const word of words) {
    if (benchmarks.some(({ name }) => name.includes(word))) continue;
    throw new RangeError(
      `no benchmark "${word}"; there are ${benchmarks.map(({ name }) => name).join(', ')}`,
    );
  }
  return words.length === 0
    ? benchmarks
    : benchmarks.filter(({ name }) => words.some((word) => name.includes(word)));
}

/** Runs benchmarks in their order. Rejects only when the stage's signal aborts. */
export async function runBenchmarks(
  benchmarks: readonly Benchmark[],
  options: RunOptions,
): Promise<NamedRow[]> {
  const rows: NamedRow[] = [];
  for (const benchmark of benchmarks) {
    options.signal.throwIfAborted();
    options.onProgress(`${benchmark.name} …`);
    rows.push({ name: benchmark.name, row: await runOne(benchmark, options) });
  }
  return rows;
}

async function runOne(benchmark: Benchmark, stage: Stage): Promise<Row> {
  const late = AbortSignal.timeout(benchmark.timeoutMs);
  const signal = AbortSignal.any([stage.signal, late]);
  const passed = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  try {
    return await Promise.race([started(benchmark, { ...stage, signal }), passed]);
  } catch (error) {
    stage.signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    return { comparisons: [{ measure: benchmark.goal, unit: '', ours: [], notMeasured: firstLine(why) }] };
  }
}

/** One that throws before its first await has failed like any other. */
async function started(benchmark: Benchmark, stage: Stage): Promise<Row> {
  return benchmark.run(stage);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
