/** `mabeam bench`: how fast the server that is there carries what MABEAM sends; plain numbers, no verdict. */
import { publicUrl } from '@mabeam/bus';
import type { Command } from 'commander';
import { openGround } from '../bench/ground.ts';
import { journeys } from '../bench/journeys.ts';
import type { BenchRow } from '../bench/measure.ts';
import { commandError } from '../errors.ts';
import { durationMs, wholeNumber, withServer, type ServerFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { openOutput } from '../output.ts';
import { renderBench } from '../render/bench.ts';
import { interruption } from '../session.ts';

interface BenchFlags extends ServerFlags {
  readonly duration: number;
  readonly atOnce: number;
}

const longestMs = 5 * 60_000;

/** The command `bench`. */
export function benchCommand(): Command {
  const command = teachCommand({
    name: 'bench',
    description:
      'Measure this server from here: questions and answers, events and their arrival, tasks and their outcomes, one at a time and many at once, each between two connections of this process. It uses streams of its own and deletes them; agents are not involved.',
    examples: ['mabeam bench', 'mabeam bench --duration 30s --at-once 128 -o json'],
    exits: { 0: 'measured, or interrupted by Ctrl-C' },
  })
    .option('--duration <duration>', 'how long in all, at most 5m', durationMs, 6_000)
    .option('--at-once <n>', 'how many at once in every second row, at most 1024', wholeNumber(1), 32);
  return withServer(command).action((flags: BenchFlags) => bench(flags));
}

async function bench({ atOnce, duration, output: format, server }: BenchFlags): Promise<void> {
  if (duration > longestMs) throw commandError('invalid-usage', '--duration is at most 5m');
  if (atOnce > 1_024) throw commandError('invalid-usage', '--at-once is at most 1024');
  const output = openOutput(format);
  const signal = interruption();
  await using ground = await openGround(server);
  const widths = atOnce === 1 ? [1] : [1, atOnce];
  const durationEachMs = duration / (journeys.length * widths.length);
  const { serverVersion } = ground.near;
  const url = publicUrl(ground.near.url);
  output.note(`measuring ${url} for ${duration / 1_000} s …`);
  const rows: BenchRow[] = [];
  for (const { name, run } of journeys) {
    for (const width of widths) {
      if (signal.aborted) break;
      const options = { atOnce: width, durationMs: durationEachMs, signal };
      rows.push({ name, atOnce: width, ...(await run(ground, options)) });
    }
  }
  output.result({ server: url, serverVersion, durationMs: duration, rows }, () =>
    renderBench(rows, output.paint),
  );
}
