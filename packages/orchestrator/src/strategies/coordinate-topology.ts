/**
 * A topology as directives: whoever gets another neighbourhood is told to look at the new graph. The graph itself is one entry that
 * all read; a directive says the pattern and, of a custom one, the agent's own peers. Pure.
 */
import {
  edgesIn,
  graphOf,
  peersIn,
  sameJson,
  type CoordinationGraph,
  type Json,
  type TopologyValue,
  type VariableDefinition,
} from '@mabeam/variables';
import { isRunning, type CoordinationContext, type Draft } from './coordination.ts';
import { compareIds } from '../instances/desired.ts';

/** Nothing to tell when the graph is so already. */
export function topologyDrafts(
  definition: VariableDefinition,
  value: Json,
  context: CoordinationContext,
): readonly Draft[] {
  const graph = graphFor(definition, value, context);
  if (context.graph !== undefined && sameJson(graph, context.graph)) return [];
  const before = context.graph === undefined ? undefined : neighbourhoods(context.graph);
  const after = neighbourhoods(graph);
  const told = new Set([...(before?.keys() ?? []), ...graph.nodes]);
  return [...told].toSorted(compareIds).flatMap((agent): Draft[] => {
    const standing = context.agents.get(agent);
    if (standing === undefined || !isRunning(standing)) return [];
    if (before !== undefined && before.get(agent) === after.get(agent)) return [];
    const { hub, topology } = graph;
    const own = topology === 'custom' ? { peers: [...peersIn(graph, agent)] } : {};
    const parameters = { pattern: topology, ...(hub === undefined ? {} : { hub }), ...own };
    return [{ agent, action: 'update-communication', parameters }];
  });
}

/** The graph that a topology gives the agents that run, in the order in which the variable lists them. */
export function graphFor(
  { agents }: VariableDefinition,
  value: Json,
  context: CoordinationContext,
): CoordinationGraph {
  const running = [...context.agents].filter(([, each]) => isRunning(each)).map(([id]) => id);
  const members = agents.length > 0 ? agents : running.toSorted(compareIds);
  // A validated value of a topology is a TopologyValue.
  return graphOf(
    value as unknown as TopologyValue,
    members.filter((agent) => running.includes(agent)),
  );
}

/** Of each node, whom it may send to and who to it. */
function neighbourhoods(graph: CoordinationGraph): ReadonlyMap<string, string> {
  const around = new Map<string, { readonly to: string[]; readonly from: string[] }>();
  for (const node of graph.nodes) around.set(node, { to: [], from: [] });
  for (const [from, to] of edgesIn(graph)) {
    around.get(from)?.to.push(to);
    around.get(to)?.from.push(from);
  }
  return new Map(
    [...around].map(([node, { from, to }]) => [node, `${to.toSorted().join()} ${from.toSorted().join()}`]),
  );
}
