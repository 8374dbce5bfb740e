/** `mabeam freeze` and `mabeam unfreeze`: one key that stops all automation of a space, and lets it go on. */
import type { Command } from 'commander';
import { withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { openOutput } from '../output.ts';
import { author } from '../session.ts';
import { withStore } from '../variable-access.ts';

interface FreezeFlags extends SpaceFlags {
  readonly reason?: string;
  readonly by?: string;
}

const codes = { 0: 'done, or it was so already' };

/** The command `freeze`. */
export function freezeCommand(): Command {
  const command = teachCommand({
    name: 'freeze',
    description:
      'Stop all automation of a space: from now on its orchestrator adapts, starts, stops, rewires and repairs nothing, and no trigger that comes meanwhile acts later (it is recorded as frozen). Agents go on working, hosts go on restarting what crashes, and people may go on writing variables.',
    examples: ['mabeam freeze --reason "incident 7"', 'mabeam freeze --by ada -o json'],
    exits: codes,
  })
    .option('--reason <text>', 'why; shown by ps, doctor and the log', 'no reason given')
    .option('--by <name>', 'who freezes it (default: the user)');
  return withSpace(command).action(async (flags: FreezeFlags) => {
    const output = openOutput(flags.output);
    const { by = author(), reason = '' } = flags;
    await withStore(flags, async (store) => {
      const { kind, revision } = await store.freeze({ by, reason });
      const { space } = store;
      output.result({ kind, space, revision, by, reason }, () =>
        kind === 'noop'
          ? `${space} is frozen already (revision ${revision})`
          : `${space} is frozen at revision ${revision}; mabeam unfreeze lets it go on`,
      );
    });
  });
}

/** The command `unfreeze`. */
export function unfreezeCommand(): Command {
  const command = teachCommand({
    name: 'unfreeze',
    description:
      'Let the automation of a space go on: what the variables say now is brought about; triggers that came while it was frozen do not act.',
    examples: ['mabeam unfreeze', 'mabeam unfreeze --space mail-desk -o json'],
    exits: codes,
  }).option('--by <name>', 'who unfreezes it (default: the user)');
  return withSpace(command).action(async (flags: FreezeFlags) => {
    const output = openOutput(flags.output);
    const { by = author() } = flags;
    await withStore(flags, async (store) => {
      const { kind, revision } = await store.unfreeze({ by });
      const { space } = store;
      output.result({ kind, space, revision, by }, () =>
        kind === 'noop' ? `${space} is not frozen` : `${space} goes on, from revision ${revision}`,
      );
    });
  });
}
