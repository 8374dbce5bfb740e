/** `mabeam variable …`: the control plane by hand. */
import type { Command } from 'commander';
import { teachCommand } from '../help.ts';
import { createCommand } from './variable/create.ts';
import { deleteCommand } from './variable/delete.ts';
import { getCommand, historyCommand, listCommand } from './variable/read.ts';
import { rollbackCommand, setCommand } from './variable/set.ts';
import { watchCommand } from './variable/watch.ts';

/** The command `variable` with its eight. */
export function variableCommand(): Command {
  return teachCommand({
    name: 'variable',
    description:
      'Read and write the variables of a space. A new revision starts, stops, rewires and retunes the running agents. Local variables are called <agent>.<name>.',
    examples: ['mabeam variable list', 'mabeam variable set specialists words,headers'],
  })
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(createCommand())
    .addCommand(setCommand())
    .addCommand(watchCommand())
    .addCommand(historyCommand())
    .addCommand(rollbackCommand())
    .addCommand(deleteCommand());
}
