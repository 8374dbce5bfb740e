/** `mabeam pool`: what a space has of memory and cores, who has reserved what of it, and what is left. */
import type { Command } from 'commander';
import { poolIn, reservationsIn, waitingIn } from '@mabeam/orchestrator';
import { withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { openOutput } from '../output.ts';
import { renderPool } from '../render/pool.ts';
import { withMirror } from '../variable-access.ts';

/** The command `pool`. */
export function poolCommand(): Command {
  const command = teachCommand({
    name: 'pool',
    description:
      'Show what a space has of memory and cores – what its definition says, else what its live nodes have –, what each agent has reserved, what is left, and who waits because too little is.',
    examples: ['mabeam pool', 'mabeam pool -o json | jq .available'],
  });
  return withSpace(command).action(async (flags: SpaceFlags) => {
    const output = openOutput(flags.output);
    await withMirror(flags, async (mirror, { space }) => {
      const now = Date.now();
      const { available, reserved, total } = poolIn(mirror, now);
      const waiting = waitingIn(mirror, now)
        .filter(({ reason }) => reason === 'resource-exhausted')
        .map(({ agent, ordinal }) => `${agent}.${ordinal}`);
      const pool = { space, total, reserved, available, agents: reservationsIn(mirror, now), waiting };
      output.result(pool, () => renderPool(pool, output.paint));
    });
  });
}
