/** `mabeam topology …`: who may send to whom. */
import type { Command } from 'commander';
import { teachCommand } from '../help.ts';
import { setTopologyCommand } from './topology/set.ts';
import { showTopologyCommand } from './topology/show.ts';

/** The command `topology` with its two. */
export function topologyCommand(): Command {
  return teachCommand({
    name: 'topology',
    description:
      'The coordination graph of a space: which agent may send to which. It is made from the topology variable and the agents that take part, and written anew, with a new epoch, when either changes.',
    examples: ['mabeam topology show', 'mabeam topology set star --hub judge --wait'],
  })
    .addCommand(showTopologyCommand())
    .addCommand(setTopologyCommand());
}
