/**
 * `npm run bench [-- <word>… --quick --json]`: every benchmark, or those whose names contain a word, on a nats-server of
 * their own. The exit code says whether everything was measured, not whether every goal was met: goals are read from the
 * table, on a machine that is quiet enough.
 */
import { availableParallelism, loadavg } from 'node:os';
import { connectBus } from '@mabeam/bus';
import { startServer } from '@mabeam/bus/server';
import type { Benchmark } from './benchmark.ts';
import { readCommandLine, usage } from './command-line.ts';
import { installBaselines } from './install.ts';
import { chooseBenchmarks, runBenchmarks } from './runner.ts';
import { renderTable, type NamedRow } from './table.ts';
import { judge } from './verdict.ts';

const asked = readCommandLine(process.argv.slice(2));
if (asked.kind === 'help') {
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}
if (asked.kind === 'wrong') refuse(`${asked.why}\n\n${usage}`);
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => stop.abort(new Error(`stopped by ${name}`)));

await installBaselines(say);
// Only now: they import what has just been installed.
const { benchmarks } = await import('./benchmarks.ts');
const chosen = choose(asked.words);
await using server = await startServer({ signal: stop.signal, onProgress: say });
const serverVersion = await versionOf(server.url);
const scale = asked.isQuick ? 'quick' : 'full';
const rows = await runBenchmarks(chosen, {
  natsUrl: server.url,
  scale,
  signal: stop.signal,
  onProgress: say,
});
process.stdout.write(
  asked.isJson ? `${JSON.stringify(reportOf(rows), null, 2)}\n` : `${headLine()}\n\n${renderTable(rows)}\n`,
);
const isWhole = rows.every(({ row }) => row.comparisons.every(({ ours }) => ours.length > 0));
process.exitCode = isWhole ? 0 : 1;

/** Ends the program, as every command does that is asked for what there is not. */
function refuse(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}

function choose(words: readonly string[]): readonly Benchmark[] {
  try {
    return chooseBenchmarks(benchmarks, words);
  } catch (error) {
    if (error instanceof RangeError) refuse(error.message);
    throw error;
  }
}

async function versionOf(url: string): Promise<string> {
  await using bus = await connectBus({ name: 'bench', url });
  return bus.serverVersion;
}

function headLine(): string {
  const machine = `${process.platform}/${process.arch}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`;
  const day = new Date().toISOString().slice(0, 10);
  return `${day}, Node ${process.version}, nats-server ${serverVersion}, ${machine}; medians (least – greatest), ratios within rounds`;
}

function reportOf(named: readonly NamedRow[]): object {
  return {
    at: new Date().toISOString(),
    node: process.version,
    natsServer: serverVersion,
    cores: availableParallelism(),
    scale,
    rows: named.map(({ name, row }) => ({
      name,
      notes: row.notes ?? [],
      comparisons: row.comparisons.map((comparison) => ({ ...comparison, judged: judge(comparison) })),
    })),
  };
}
