/** `mabeam ps`: the agents of a space as they are now, its nodes and its leader. */
import type { Command } from 'commander';
import { withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { openOutput } from '../output.ts';
import { renderTeam } from '../render/ps.ts';
import { inSpace } from '../session.ts';
import { readTeam } from '../team.ts';

/** The command `ps`. */
export function psCommand(): Command {
  const command = teachCommand({
    name: 'ps',
    description:
      'List the agents of a space: status, node, pid, the revision each says it has applied, restarts; how many replicas are wanted and there, and why some wait; the nodes and the leader; and whether the space is frozen.',
    examples: ['mabeam ps', 'mabeam ps -o json | jq \'.agents[] | select(.status == "active") | .pid\''],
  });
  return withSpace(command).action(async (flags: SpaceFlags) => {
    const output = openOutput(flags.output);
    const {
      instances,
      leader = null,
      freeze = null,
      ...team
    } = await inSpace(flags, ({ bus, space }) => readTeam(bus, space));
    const document = {
      ...team,
      leader,
      freeze,
      agents: instances.map((one) => ({ instance: `${one.agent}.${one.ordinal}`, ...one })),
    };
    output.result(document, () =>
      renderTeam(
        { ...team, instances, leader: leader ?? undefined, freeze: freeze ?? undefined },
        Date.now(),
        output.paint,
      ),
    );
  });
}
