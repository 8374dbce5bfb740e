/** `mabeam variable list|get|history`: what variables are, and what they were. */
import type { Command } from 'commander';
import { wholeNumber, withSpace, type SpaceFlags } from '../../flags.ts';
import { teachCommand } from '../../help.ts';
import { openOutput } from '../../output.ts';
import {
  historyDocument,
  renderHistory,
  renderVariable,
  renderVariables,
  variableDocument,
} from '../../render/variables.ts';
import { withStore } from '../../variable-access.ts';

/** The command `variable list`. */
export function listCommand(): Command {
  const command = teachCommand({
    name: 'list',
    description: 'List the variables with their values and revisions.',
    examples: ['mabeam variable list', "mabeam variable list -o json | jq -r '.[].id'"],
  });
  return withSpace(command).action(async (flags: SpaceFlags) => {
    const output = openOutput(flags.output);
    const states = await withStore(flags, async (store) => store.list());
    output.result(states.map(variableDocument), () => renderVariables(states, output.paint));
  });
}

/** The command `variable get`. */
export function getCommand(): Command {
  const command = teachCommand({
    name: 'get',
    description: 'Show one variable: its value, who wrote it, and what it may be.',
    examples: ['mabeam variable get threshold', 'mabeam variable get words.smoothing -o json | jq .value'],
  }).argument('<variable>', 'id, or <agent>.<name> for a local one');
  return withSpace(command).action(async (id: string, flags: SpaceFlags) => {
    const output = openOutput(flags.output);
    const state = await withStore(flags, async (store) => store.get(id));
    output.result(variableDocument(state), () => renderVariable(state, output.paint));
  });
}

/** The command `variable history`. */
export function historyCommand(): Command {
  const command = teachCommand({
    name: 'history',
    description:
      'Show the revisions of a variable since it was created, newest first, with author and cause: those that its bucket keeps (64), older ones from the history of the space (90 days), and where some may be missing.',
    examples: [
      'mabeam variable history specialists',
      'mabeam variable history threshold --limit 1000 -o json',
    ],
  })
    .argument('<variable>', 'id, or <agent>.<name> for a local one')
    .option('--limit <n>', 'at most so many (default: 64)', wholeNumber(1));
  return withSpace(command).action(async (id: string, flags: SpaceFlags & { readonly limit?: number }) => {
    const output = openOutput(flags.output);
    const { limit } = flags;
    const records = await withStore(flags, (store) =>
      store.history(id, limit === undefined ? {} : { limit }),
    );
    output.result(records.map(historyDocument), () => renderHistory(records, output.paint));
  });
}
