/** `mabeam round list|show`: what parties agreed on, how, and who was late. */
import { readRounds } from '@mabeam/coordination';
import type { Command } from 'commander';
import { commandError } from '../errors.ts';
import { wholeNumber, withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { openOutput } from '../output.ts';
import { renderRound, renderRounds } from '../render/round.ts';
import { inSpace } from '../session.ts';

/** The command `round` with its two. */
export function roundCommand(): Command {
  return teachCommand({
    name: 'round',
    description: 'Rounds in which parties came to agree, or did not. They are kept as events, for a week.',
    examples: ['mabeam round list', 'mabeam round show r-0b5e6a54-9b1c-4a57-8ab5-8b4a4c5e7a11'],
  })
    .addCommand(listCommand())
    .addCommand(showCommand());
}

interface ListFlags extends SpaceFlags {
  readonly limit: number;
}

function listCommand(): Command {
  const command = teachCommand({
    name: 'list',
    description: 'The rounds of a space, the newest first.',
    examples: ['mabeam round list', 'mabeam round list --limit 100 -o json'],
  }).option('--limit <n>', 'so many at most', wholeNumber(1), 20);
  return withSpace(command).action(async (flags: ListFlags) => {
    const output = openOutput(flags.output);
    await inSpace(flags, async ({ bus, space }) => {
      const rounds = (await readRounds(bus, space)).toReversed().slice(0, flags.limit);
      output.result({ space, rounds }, () => renderRounds(rounds, output.paint));
    });
  });
}

function showCommand(): Command {
  const command = teachCommand({
    name: 'show',
    description: 'One round: who was asked, what each stood for, how it ended, and who was late or silent.',
    examples: [
      'mabeam round show r-0b5e6a54-9b1c-4a57-8ab5-8b4a4c5e7a11',
      'mabeam round show r-0b5e6a54-9b1c-4a57-8ab5-8b4a4c5e7a11 -o json',
    ],
  }).argument('<round>', 'id of the round');
  return withSpace(command).action(async (id: string, flags: SpaceFlags) => {
    const output = openOutput(flags.output);
    await inSpace(flags, async ({ bus, space }) => {
      const [round] = await readRounds(bus, space, id);
      if (round === undefined) {
        const message = `there is no round ${id} in ${space}, or it is kept no longer; see mabeam round list`;
        throw commandError('unknown-round', message, { details: { round: id, space } });
      }
      output.result(round, () => renderRound(round, output.paint));
    });
  });
}
