/** `mabeam space status`: how a space stands against what its variables say, and what is missing and why. */
import type { Command } from 'commander';
import { awaitApplied, isAsDesired, spaceStanding } from '@mabeam/orchestrator';
import { durationMs, withSpace, type SpaceFlags } from '../../flags.ts';
import { teachCommand } from '../../help.ts';
import { openOutput } from '../../output.ts';
import { renderStatus, statusDocument } from '../../render/status.ts';
import { interruption } from '../../session.ts';
import { withMirror } from '../../variable-access.ts';

interface StatusFlags extends SpaceFlags {
  readonly wait?: boolean;
  readonly timeout: number;
}

/** An agent says of itself once a second which revision it works with. */
const listenMs = 1_500;

/** The command `space status`. */
export function statusCommand(): Command {
  const command = teachCommand({
    name: 'status',
    description:
      'Compare what ought to run with what runs: who lags behind, who waits and why, which adaptations are not over, whether the graph is right, which keys cannot be obeyed. It asks the functions by which the orchestrator decides. With --wait it ends when all is as the variables say.',
    examples: [
      'mabeam space status',
      'mabeam space status desk --wait --timeout 30s',
      'mabeam space status -o json | jq .waiting',
    ],
    exits: { 0: 'all is as the variables say', 4: 'it is not (yet); what is missing is named' },
  })
    .argument('[space]', 'id (default: as --space)')
    .option('--wait', 'wait until all is as the variables say')
    .option('--timeout <duration>', 'with --wait: how long to wait', durationMs, 10_000);
  return withSpace(command).action(async (named: string | undefined, flags: StatusFlags) => {
    const output = openOutput(flags.output);
    const meant = named === undefined ? flags : { ...flags, space: named };
    await withMirror(meant, async (mirror, { space }) => {
      const timeoutMs = flags.wait === true ? flags.timeout : listenMs;
      const { revision } = mirror.state.view;
      await awaitApplied(mirror, revision, { timeoutMs, signal: interruption() });
      const standing = spaceStanding(mirror, Date.now(), revision);
      const status = { space, standing, leader: mirror.leader?.process, freeze: mirror.freeze };
      output.result(statusDocument(status), () => renderStatus(status, Date.now(), output.paint));
      if (!isAsDesired(standing)) process.exitCode = 4;
    });
  });
}
