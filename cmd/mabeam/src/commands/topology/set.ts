/** `mabeam topology set`: another pattern for the space; look first what it would rewire; wait until it is in force. */
import { Argument, InvalidArgumentError, type Command } from 'commander';
import { topologyVariable, type SpaceMirror } from '@mabeam/orchestrator';
import { topologyPatterns, type Edge, type TopologyPattern } from '@mabeam/variables';
import { commandError } from '../../errors.ts';
import { durationMs } from '../../flags.ts';
import { teachCommand } from '../../help.ts';
import { openOutput } from '../../output.ts';
import { withMirror } from '../../variable-access.ts';
import { putValue, refuseWaitingForNothing, type PutFlags } from '../variable/put-value.ts';
import { writing } from '../variable/writing.ts';

interface TopologyFlags extends PutFlags {
  readonly hub?: string;
  readonly edges?: readonly Edge[];
}

/** The command `topology set`. */
export function setTopologyCommand(): Command {
  const command = teachCommand({
    name: 'set',
    description:
      'Write another pattern into the topology variable: validated against its domain, then compare-and-set. The leader writes the graph that follows from it, with a new epoch; agents obey it from then on. What an edge had taken stays deliverable.',
    examples: [
      'mabeam topology set ring --dry-run',
      'mabeam topology set star --hub judge --wait',
      'mabeam topology set custom --edges judge:words,words:judge',
    ],
    exits: { 4: 'with --wait: written, but not in force everywhere in time; the laggards are named' },
  })
    .addArgument(new Argument('<pattern>', 'how the agents are wired').choices(topologyPatterns))
    .option('--hub <agent>', 'the centre of a star (default: the first agent)')
    .option('--edges <list>', 'of a custom topology: from:to, with commas between them', edgeList)
    .option('--dry-run', 'write nothing; say which edges would be added and removed')
    .option('--wait', 'wait until all agents concerned obey it')
    .option('--timeout <duration>', 'with --wait: how long to wait', durationMs, 10_000);
  return writing(command).action(async (pattern: TopologyPattern, flags: TopologyFlags) => {
    refuseWaitingForNothing(flags);
    const { edges, hub } = flags;
    const value = {
      pattern,
      ...(hub === undefined ? {} : { hub }),
      ...(edges === undefined ? {} : { edges }),
    };
    const output = openOutput(flags.output);
    await withMirror(flags, async (mirror, { space }) =>
      putValue(output, mirror, { id: variableOf(mirror, space), value }, flags),
    );
  });
}

/** The variable that says the topology. Throws `no-topology` when the space has none. */
function variableOf({ state }: SpaceMirror, space: string): string {
  const variable = topologyVariable([...state.view.variables.values()]);
  if (variable !== undefined) return variable.id;
  const cure = 'mabeam variable create wiring --kind communication-topology';
  const message = `in ${space} everybody may send to everybody: no topology variable is defined; create one: ${cure}`;
  throw commandError('no-topology', message, { details: { space } });
}

/** Edges such as `judge:words,words:judge`, for commander. */
function edgeList(text: string): readonly Edge[] {
  return text.split(',').map((part) => {
    const [from = '', to = '', ...rest] = part.split(':').map((word) => word.trim());
    if (from === '' || to === '' || rest.length > 0)
      throw new InvalidArgumentError(`"${part}" is not an edge such as judge:words.`);
    return [from, to];
  });
}
