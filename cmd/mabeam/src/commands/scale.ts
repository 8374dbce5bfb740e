/** `mabeam scale`: how many replicas of an agent there are to be, within the bounds of its definition. */
import type { Command } from 'commander';
import { parseId } from '@mabeam/bus';
import { awaitApplied, replicasIn, scaleAgent, type SpaceMirror } from '@mabeam/orchestrator';
import { commandError } from '../errors.ts';
import { durationMs, wholeNumber, withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { openOutput } from '../output.ts';
import { author, interruption } from '../session.ts';
import { withMirror } from '../variable-access.ts';

interface ScaleFlags extends SpaceFlags {
  readonly by?: string;
  readonly cause?: string;
  readonly wait?: boolean;
  readonly timeout: number;
}

/** The command `scale`. */
export function scaleCommand(): Command {
  const command = teachCommand({
    name: 'scale',
    description:
      'Have so many replicas of an agent, within the bounds of its definition. Fewer: the newest drain and stop; what they have begun is finished, or done by another. A scaling policy that governs the agent may decide otherwise after its cooldown. With --wait it ends when so many are active.',
    examples: [
      'mabeam scale words 3',
      'mabeam scale words 3 --wait --timeout 30s',
      'mabeam scale words 1 -o json',
    ],
    exits: {
      0: 'wished for, or it was so already',
      3: 'somebody else scaled it in the same moment',
      4: 'with --wait: wished for, but not there in time; why is said',
    },
  })
    .argument('<agent>', 'id of the agent')
    .argument('<replicas>', 'how many there are to be', wholeNumber(0))
    .option('--by <name>', 'who scales it (default: the user)')
    .option('--cause <text>', 'why')
    .option('--wait', 'wait until so many are active')
    .option('--timeout <duration>', 'with --wait: how long to wait', durationMs, 10_000);
  return withSpace(command).action(async (name: string, replicas: number, flags: ScaleFlags) => {
    const output = openOutput(flags.output);
    const agent = parseId('agent', name);
    const { by = author(), cause } = flags;
    await withMirror(flags, async (mirror, { bus, space }) => {
      const options = cause === undefined ? { by } : { by, cause };
      const scaled = await scaleAgent(bus, { space, mirror }, { agent, replicas }, options);
      const settledMs = flags.wait === true ? await settle(mirror, scaled, flags.timeout) : undefined;
      const { from, kind, revision } = scaled;
      output.result({ ...scaled, ...(settledMs === undefined ? {} : { settledMs }) }, () => {
        const there = settledMs === undefined ? '' : `; they are active after ${settledMs} ms`;
        return kind === 'noop'
          ? `${agent} is to have ${replicas} replicas already${there}`
          : `${agent} is to have ${replicas} replicas instead of ${from}, at revision ${revision}${there}`;
      });
      if (mirror.freeze !== undefined)
        output.note('the space is frozen: nothing is started or stopped until mabeam unfreeze');
    });
  });
}

/** Waits until all that is wanted is there; resolves with how long that took. Throws `set-pending`, saying what is missing and why. */
async function settle(
  mirror: SpaceMirror,
  { agent, revision, to }: { readonly agent: string; readonly revision: number; readonly to: number },
  timeoutMs: number,
): Promise<number> {
  const beganMs = performance.now();
  const signal = interruption();
  const { laggards } = await awaitApplied(mirror, revision, { timeoutMs, signal });
  const own = laggards.filter((laggard) => laggard.agent === agent);
  if (own.length === 0) return Math.round(performance.now() - beganMs);
  const waiting = replicasIn(mirror, Date.now()).find((each) => each.agent === agent)?.waiting ?? [];
  const why = new Map(waiting.map(({ ordinal, reason }) => [ordinal, reason]));
  const named = own.map(({ ordinal, reason }) => `${agent}.${ordinal} (${why.get(ordinal) ?? reason})`);
  const cure =
    mirror.freeze === undefined ? 'see mabeam ps and mabeam pool' : 'the space is frozen: mabeam unfreeze';
  const waited = signal.aborted ? 'interrupted' : `after ${timeoutMs} ms`;
  const message = `${agent} is to have ${to} replicas; ${waited} they are not there: ${named.join(', ')}; ${cure}`;
  throw commandError('set-pending', message, { details: { agent, revision, replicas: to, laggards: own } });
}
