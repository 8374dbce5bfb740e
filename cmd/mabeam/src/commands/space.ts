/** `mabeam space …`: the definitions of spaces, as files and as they are on the server. */
import type { Command } from 'commander';
import { teachCommand } from '../help.ts';
import { applyCommand } from './space/apply.ts';
import { deleteCommand } from './space/delete.ts';
import { diffCommand } from './space/diff.ts';
import { statusCommand } from './space/status.ts';
import { exportCommand, getCommand, listCommand, schemaCommand } from './space/read.ts';

/** The command `space` with its eight. */
export function spaceCommand(): Command {
  return teachCommand({
    name: 'space',
    description:
      'A space is a team: its agents, the variables that run them and the rules that move the variables, written in one file. Apply it, and the orchestrator makes it true.',
    examples: ['mabeam space apply -f space.yaml', 'mabeam space status --wait'],
  })
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(statusCommand())
    .addCommand(applyCommand())
    .addCommand(diffCommand())
    .addCommand(exportCommand())
    .addCommand(deleteCommand())
    .addCommand(schemaCommand());
}
