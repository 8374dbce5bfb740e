/**
 * `npm run bench [-- <word>… --quick --json]`: every benchmark, or those whose names contain a word, on a nats-server of
 * their own. The exit code says whether everything was measured, not whether every goal was met: goals are read from the
 * table, on a machine that is quiet enough.
 */
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { connectBus } from '@mabeam/bus';
import { startServer } from '@mabeam/bus/server';
import { installBaselines } from './install.ts';
import { chooseBenchmarks, runBenchmarks } from './runner.ts';
import { renderTable, type NamedRow } from './table.ts';
import { judge } from './verdict.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => stop.abort(new Error(`stopped by ${name}`)));

await installBaselines(say);
// Only now: they import what has just been installed.
const { benchmarks } = await import('./benchmarks.ts');
const chosen = chooseBenchmarks(benchmarks, positionals);
await using server = await startServer({ signal: stop.signal, onProgress: say });
const serverVersion = await versionOf(server.url);
const rows = await runBenchmarks(chosen, {
  natsUrl: server.url,
  scale: values.quick ? 'quick' : 'full',
  signal: stop.signal,
  onProgress: say,
});
process.stdout.write(
  values.json ? `${JSON.stringify(reportOf(rows), null, 2)}\n` : `${headLine()}\n\n${renderTable(rows)}\n`,
);
const isWhole = rows.every(({ row }) => row.comparisons.every(({ ours }) => ours.length > 0));
process.exitCode = isWhole ? 0 : 1;

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
    scale: values.quick ? 'quick' : 'full',
    rows: named.map(({ name, row }) => ({
      name,
      notes: row.notes ?? [],
      comparisons: row.comparisons.map((comparison) => ({ ...comparison, judged: judge(comparison) })),
    })),
  };
}
