/** `mabeam round list|show|verify`: what parties agreed on, how, who was late, and whether it is proven. */
import { isDecisionProtocol, readRounds, verifyDecision } from '@mabeam/coordination';
import type { Command } from 'commander';
import { wholeNumber, withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { openOutput } from '../output.ts';
import { renderDecisionRound } from '../render/decision.ts';
import { renderRound, renderRounds } from '../render/round.ts';
import { inSpace } from '../session.ts';
import { keptRound } from './round/kept-round.ts';
import { verifyCommand } from './round/verify.ts';

/** The command `round` with its three. */
export function roundCommand(): Command {
  return teachCommand({
    name: 'round',
    description: 'Rounds in which parties came to agree, or did not. They are kept as events, for a week.',
    examples: ['mabeam round list', 'mabeam round show r-0b5e6a54-9b1c-4a57-8ab5-8b4a4c5e7a11'],
  })
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(verifyCommand());
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
    description:
      'One round: who was asked, what was proposed, what each stood for or voted, how it ended and who signed for it, and who was late or silent.',
    examples: [
      'mabeam round show r-0b5e6a54-9b1c-4a57-8ab5-8b4a4c5e7a11',
      'mabeam round show r-0b5e6a54-9b1c-4a57-8ab5-8b4a4c5e7a11 -o json',
    ],
  }).argument('<round>', 'id of the round');
  return withSpace(command).action(async (id: string, flags: SpaceFlags) => {
    const output = openOutput(flags.output);
    await inSpace(flags, async (place) => {
      const round = await keptRound(place, id);
      output.result(round, () => {
        if (!isDecisionProtocol(round.protocol)) return renderRound(round, output.paint);
        const certificate = round.outcome?.['certificate'];
        const verified = certificate === undefined ? undefined : verifyDecision(certificate);
        return renderDecisionRound(round, verified, output.paint);
      });
    });
  });
}
