/** `mabeam stop`: asks the hosts of an agent to drain and stop it now; who keeps it running is said, not hidden. */
import type { Command } from 'commander';
import { isId, parseId } from '@mabeam/bus';
import { commandError } from '../errors.ts';
import { durationMs, withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { openOutput } from '../output.ts';
import { renderStops } from '../render/stop.ts';
import { withMirror } from '../variable-access.ts';
import { prospectOf, stopInstances, type StopTarget } from '../stopping.ts';

interface StopFlags extends SpaceFlags {
  readonly drain?: number;
}

/** The command `stop`. */
export function stopCommand(): Command {
  const command = teachCommand({
    name: 'stop',
    description:
      'Ask the nodes to drain and stop an agent, or one instance of it, now. The orchestrator starts it again if it is still desired: this is how to restart an agent, and the output says which variable keeps it running. With --drain it waits until the agent has finished what it had.',
    examples: [
      'mabeam stop words',
      'mabeam stop words.1 --drain 30s',
      'mabeam stop words -o json | jq .prospect',
    ],
    exits: {
      0: 'stopped, stopping, or not running',
      3: 'its host does not take orders',
      4: 'still draining',
    },
  })
    .argument('<agent>', 'id of the agent, or <agent>.<ordinal> for one instance')
    .option('--drain <duration>', 'give it so long to finish, and wait for its end', durationMs);
  return withSpace(command).action(async (name: string, flags: StopFlags) => {
    const output = openOutput(flags.output);
    const target = parseTarget(name);
    await withMirror(flags, async (mirror, { bus }) => {
      const stops = await stopInstances(bus, mirror, target, { drainMs: flags.drain });
      const prospect = prospectOf(mirror, target.agent);
      output.result({ agent: target.agent, instances: stops, prospect }, () =>
        renderStops(target, { stops, prospect }, output.paint),
      );
    });
  });
}

/** Reads `<agent>` or `<agent>.<ordinal>`. Throws `invalid-id`, `invalid-usage`. */
function parseTarget(name: string): StopTarget {
  const [agent = '', ordinal, ...rest] = name.split('.');
  if (ordinal === undefined) return { agent: parseId('agent', agent), ordinal: undefined };
  if (isId(agent) && /^(0|[1-9]\d{0,5})$/.test(ordinal) && rest.length === 0)
    return { agent, ordinal: Number(ordinal) };
  throw commandError('invalid-usage', `"${name}" is neither an agent (words) nor an instance (words.0)`);
}
