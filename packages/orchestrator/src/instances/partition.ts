/** Whether the graph holds together: which of its agents nothing that some other one says could ever reach. Pure. */
import { edgesIn, type CoordinationGraph } from '@mabeam/variables';

/**
 * The agents of a graph that no path joins to its first one, whatever the direction of the edges; none when it holds together. A pattern
 * always does; a custom graph may fall apart when an agent is missing.
 */
export function unreachedIn(graph: CoordinationGraph): readonly string[] {
  const { nodes, topology } = graph;
  const [first] = nodes;
  if (topology !== 'custom' || first === undefined) return [];
  const neighbours = new Map(nodes.map((node) => [node, [] as string[]]));
  for (const [from, to] of edgesIn(graph)) {
    neighbours.get(from)?.push(to);
    neighbours.get(to)?.push(from);
  }
  const reached = new Set([first]);
  for (const node of reached) for (const other of neighbours.get(node) ?? []) reached.add(other);
  return nodes.filter((node) => !reached.has(node));
}
