/** `mabeam topology show`: the graph in force, its edges with their kinds, and whether it is the one that ought to be. */
import type { Command } from 'commander';
import { spaceRecordOf, spaceStanding, topologyVariable, type SpaceMirror } from '@mabeam/orchestrator';
import { withSpace, type SpaceFlags } from '../../flags.ts';
import { teachCommand } from '../../help.ts';
import { openOutput } from '../../output.ts';
import { renderTopology, topologyDocument, type TopologyNow } from '../../render/topology.ts';
import { withMirror } from '../../variable-access.ts';

/** The command `topology show`. */
export function showTopologyCommand(): Command {
  const command = teachCommand({
    name: 'show',
    description:
      'Show the graph in force: pattern, epoch, agents and edges, beside the edges that the space declares with a kind of their own. An edge of the pattern carries questions and every kind of edge message. With -o json all edges are listed, however many there are.',
    examples: ['mabeam topology show', "mabeam topology show -o json | jq '.counts'"],
  });
  return withSpace(command).action(async (flags: SpaceFlags) => {
    const output = openOutput(flags.output);
    await withMirror(flags, async (mirror, { space }) => {
      const topology = topologyNow(mirror, space);
      output.result(topologyDocument(topology), () => renderTopology(topology, output.paint));
    });
  });
}

function topologyNow(mirror: SpaceMirror, space: string): TopologyNow {
  const { view, ...parts } = mirror.state;
  const { graph, revision: epoch } = view.graph ?? {};
  return {
    space,
    variable: topologyVariable([...view.variables.values()])?.id,
    graph,
    epoch,
    declared: spaceRecordOf(parts)?.edges ?? [],
    isCurrent: spaceStanding(mirror, Date.now()).isWired,
  };
}
