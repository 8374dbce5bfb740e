/** `mabeam logs`: what the agents of a space wrote, from the telemetry stream. */
import type { Command } from 'commander';
import { parseId } from '@mabeam/bus';
import { durationMs, withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { openOutput } from '../output.ts';
import { renderLog } from '../render/messages.ts';
import { inSpace, interruption } from '../session.ts';

interface LogFlags extends SpaceFlags {
  readonly follow?: boolean;
  readonly since: number;
}

/** The command `logs`. */
export function logsCommand(): Command {
  const command = teachCommand({
    name: 'logs',
    description:
      'Show the log lines of the agents of a space (kept for 15 minutes), and with -f those to come.',
    examples: ['mabeam logs', 'mabeam logs words -f', 'mabeam logs --since 30s -o json'],
  })
    .argument('[agent]', 'only this agent')
    .option('-f, --follow', 'go on with what comes, until Ctrl-C')
    .option('--since <duration>', 'lines of the last …', durationMs, 5 * 60_000);
  return withSpace(command).action(async (agent: string | undefined, flags: LogFlags) => {
    const output = openOutput(flags.output);
    if (agent !== undefined) parseId('agent', agent);
    const signal = interruption();
    const { readLogs } = await import('@mabeam/telemetry');
    await inSpace(flags, async ({ bus, space }) => {
      const options = {
        signal,
        follow: flags.follow === true,
        since: new Date(Date.now() - flags.since),
        ...(agent === undefined ? {} : { agent }),
      };
      for await (const entry of readLogs(bus, space, options))
        output.result(entry, () => renderLog(entry, output.paint));
    });
  });
}
