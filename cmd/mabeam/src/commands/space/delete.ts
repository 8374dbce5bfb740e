/** `mabeam space delete`: a space with all that is kept of it, once its agents have stopped. */
import type { Command } from 'commander';
import { deleteSpace, readSpace } from '@mabeam/orchestrator';
import { commandError } from '../../errors.ts';
import { durationMs, withServer, type ServerFlags } from '../../flags.ts';
import { teachCommand } from '../../help.ts';
import { openOutput } from '../../output.ts';
import { author, inSpace, interruption } from '../../session.ts';

interface DeleteFlags extends ServerFlags {
  readonly yes?: boolean;
  readonly by?: string;
  readonly timeout: number;
}

/** The command `space delete`. */
export function deleteCommand(): Command {
  const command = teachCommand({
    name: 'delete',
    description:
      'Stop the agents of a space, then delete it with all that is kept of it: definitions, values and their history, events, tasks and outcomes. Its ids may be used again. Refused while something runs that the orchestrator does not stop.',
    examples: ['mabeam space delete desk --yes', 'mabeam space delete desk --yes --timeout 2m -o json'],
    exits: { 3: 'something runs that nobody would stop', 4: 'its agents did not stop in time' },
  })
    .argument('<space>', 'id; the only one there is is not good enough here')
    .option('--yes', 'it is meant: what is deleted does not come back')
    .option('--by <name>', 'who deletes it (default: the user)')
    .option('--timeout <duration>', 'how long its agents may take to stop', durationMs, 30_000);
  return withServer(command).action(async (space: string, flags: DeleteFlags) => {
    const output = openOutput(flags.output);
    await inSpace({ ...flags, space }, async ({ bus }) => {
      if (flags.yes !== true) {
        const { definition } = await readSpace(bus, space);
        const { agents, variables } = definition;
        const message = `this deletes ${space} for good: ${agents.length} agents, ${variables.length} variables, values, events and tasks; say --yes, or keep it first: mabeam space export ${space} --values`;
        throw commandError('invalid-usage', message, { details: { space } });
      }
      const { by = author(), timeout: timeoutMs } = flags;
      const { stopped } = await deleteSpace(bus, space, { by, timeoutMs, signal: interruption() });
      output.result({ kind: 'deleted', space, stopped }, () =>
        [`space ${space} deleted`, ...(stopped.length === 0 ? [] : [`stopped: ${stopped.join(', ')}`])].join(
          '\n',
        ),
      );
    });
  });
}
