/**
 * Topology: who may talk to whom. From a value of a communication-topology and the agents present to directed edges.
 *
 * Promise: pure, deterministic, no self-loops, no edge twice; edges follow the declared order of the nodes. For n ≥ 2 nodes:
 *
 *   broadcast   space → each           n
 *   ring        i → i+1 mod n          n
 *   star        hub ↔ each other       2(n − 1)
 *   mesh        each → each other      n(n − 1)
 *   custom      as given, between the nodes present
 *
 * The source of a broadcast is the space itself (the word `space`, which no agent may be called), so no agent may send.
 */

/** The topologies a team may have. */
export const topologyPatterns = ['broadcast', 'ring', 'star', 'mesh', 'custom'] as const;

/** One of the topologies. */
export type TopologyPattern = (typeof topologyPatterns)[number];

/** A directed edge: who sends, who receives. */
export type Edge = readonly [from: string, to: string];

/** The value of a communication-topology, normalised. */
export interface TopologyValue {
  readonly pattern: TopologyPattern;
  /** The centre of a star. */
  readonly hub?: string | undefined;
  /** The edges of a custom topology. */
  readonly edges?: readonly Edge[] | undefined;
}

/** The source of a broadcast. */
export const spaceNode = 'space';

/** The edges that a topology gives these nodes. A hub that is not among them is replaced by the first node. */
export function edgesOf(value: TopologyValue, nodes: readonly string[]): Edge[] {
  const present = [...new Set(nodes)];
  switch (value.pattern) {
    case 'broadcast':
      return present.map((node) => [spaceNode, node]);
    case 'ring':
      return ringEdges(present);
    case 'star':
      return starEdges(hubOf(value, present), present);
    case 'mesh':
      return present.flatMap((from) => edgesFrom(from, present));
    case 'custom':
      return customEdges(value.edges ?? [], new Set(present));
  }
}

/** The hub that a star has among these nodes: the one meant, if it is there, else the first. */
export function hubOf(value: Pick<TopologyValue, 'hub'>, nodes: readonly string[]): string | undefined {
  return value.hub !== undefined && nodes.includes(value.hub) ? value.hub : nodes[0];
}

function ringEdges(nodes: readonly string[]): Edge[] {
  if (nodes.length < 2) return [];
  return nodes.map((from, i) => [from, nodes[(i + 1) % nodes.length] ?? from]);
}

function starEdges(hub: string | undefined, nodes: readonly string[]): Edge[] {
  if (hub === undefined) return [];
  return edgesFrom(hub, nodes).flatMap(([, spoke]): Edge[] => [
    [hub, spoke],
    [spoke, hub],
  ]);
}

function edgesFrom(from: string, nodes: readonly string[]): Edge[] {
  return nodes.filter((to) => to !== from).map((to) => [from, to]);
}

function customEdges(edges: readonly Edge[], nodes: ReadonlySet<string>): Edge[] {
  const kept = new Map<string, Edge>();
  for (const [from, to] of edges) {
    if (from !== to && nodes.has(from) && nodes.has(to)) kept.set(`${from} ${to}`, [from, to]);
  }
  return [...kept.values()];
}
