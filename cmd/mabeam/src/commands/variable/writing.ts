/** What the commands that write variables share: who writes and why, and the condition. */
import type { Command } from 'commander';
import { wholeNumber, withSpace, type SpaceFlags } from '../../flags.ts';
import { author } from '../../session.ts';

/** Flags of commands that write. */
export interface WriteFlags extends SpaceFlags {
  readonly ifRevision?: number;
  readonly by?: string;
  readonly cause?: string;
}

/** Adds `--if-revision`, `--by`, `--cause` and what goes with a space. */
export function writing(command: Command): Command {
  return withSpace(
    command
      .option(
        '--if-revision <n>',
        'write only if the variable is at this revision (0: initial)',
        wholeNumber(0),
      )
      .option('--by <name>', 'who writes (default: the user)')
      .option('--cause <text>', 'why'),
  );
}

/** The options of a write that the flags mean. */
export function writeOptions({ by, cause, ifRevision }: WriteFlags): {
  readonly by: string;
  readonly cause?: string | undefined;
  readonly ifRevision?: number | undefined;
} {
  return { by: by ?? author(), cause, ifRevision };
}
