/**
 * The coordination graph: who may talk to whom now, as it stands under the key `graph`. Pure.
 *
 * G1 A pattern says its own edges, so they are not listed: a mesh of 400 would be 160,000 of them, more than a message may hold. Only
 *    the edges of a custom topology are listed. Who reads the graph derives the others (`edgesOf`).
 * G2 A list that is there counts, whatever the pattern says.
 * G3 Edges that the space declares with a kind stand beside those of the pattern, and admit that kind alone.
 * G4 A graph never changes. What is worked out about one is kept as long as it, and a question costs a look into a map.
 */
import * as z from 'zod';
import { isId } from '@mabeam/bus';
import { problemError, type Problem } from './problem.ts';
import {
  edgesOf,
  hubOf,
  spaceNode,
  topologyPatterns,
  type Edge,
  type TopologyPattern,
  type TopologyValue,
} from './topology.ts';

/** The graph in force; its epoch is the revision of the key `graph`. */
export interface CoordinationGraph {
  readonly v: 1;
  readonly topology: TopologyPattern;
  readonly hub?: string | undefined;
  readonly nodes: readonly string[];
  /** Listed where the pattern does not say them (G1, G2); `edgesIn` gives them for every graph. */
  readonly edges?: readonly Edge[] | undefined;
  /** Edges beside those of the pattern, each for one kind of message (G3). */
  readonly declared?: readonly KindEdge[] | undefined;
}

/** An edge for one kind of message. */
export interface KindEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: string;
}

/**
 * The whole graph for a topology and the nodes present, ready to be written. A hub that is not among them is replaced by the first node,
 * and of the edges declared those between present nodes are in it.
 */
export function graphOf(
  value: TopologyValue,
  nodes: readonly string[],
  declared: readonly KindEdge[] = [],
): CoordinationGraph {
  const present = [...new Set(nodes)];
  const known = new Set(present);
  const kept = declared.filter(({ from, to }) => known.has(from) && known.has(to));
  const hub = value.pattern === 'star' ? hubOf(value, present) : undefined;
  return {
    v: 1,
    topology: value.pattern,
    ...(hub === undefined ? {} : { hub }),
    nodes: present,
    ...(value.pattern === 'custom' ? { edges: edgesOf(value, present) } : {}),
    ...(kept.length === 0 ? {} : { declared: kept }),
  };
}

/** All edges of a graph. There may be very many: to ask about one, or to count them, there are `isEdge` and `countEdges`. */
export function edgesIn({ edges, hub, nodes, topology }: CoordinationGraph): readonly Edge[] {
  return edges ?? edgesOf({ pattern: topology, hub }, nodes);
}

/** How many edges a graph has; costs nothing. */
export function countEdges({ edges, nodes, topology }: CoordinationGraph): number {
  const n = nodes.length;
  if (edges !== undefined) return edges.length;
  if (topology === 'broadcast') return n;
  if (n < 2) return 0;
  return topology === 'ring' ? n : topology === 'star' ? 2 * (n - 1) : n * (n - 1);
}

/**
 * May `from` send to `to`? Without a graph everybody may talk to everybody. With one only its edges count: who is not
 * among its nodes has none (G4).
 */
export function isEdge(graph: CoordinationGraph | undefined, from: string, to: string): boolean {
  return graph === undefined || waysOf(graph).has(from, to);
}

/** Does the space declare this edge for this kind (G3)? */
export function isDeclared({ declared }: CoordinationGraph, { from, kind, to }: KindEdge): boolean {
  return declared?.some((edge) => edge.from === from && edge.to === to && edge.kind === kind) === true;
}

/** Whom the graph lets a node send to, in the order of its edges; the same frozen list each time (G4). */
export function peersIn(graph: CoordinationGraph, from: string): readonly string[] {
  const { peers, targets } = waysOf(graph);
  const known = peers.get(from);
  if (known !== undefined) return known;
  const found = Object.freeze(targets(from));
  if (found.length > 0) peers.set(from, found);
  return found;
}

/** What is known about a graph: how to ask for one edge, for all of one sender, and the answers given. */
interface Ways {
  readonly has: (from: string, to: string) => boolean;
  readonly targets: (from: string) => readonly string[];
  readonly peers: Map<string, readonly string[]>;
}

const known = new WeakMap<CoordinationGraph, Ways>();

function waysOf(graph: CoordinationGraph): Ways {
  const before = known.get(graph);
  if (before !== undefined) return before;
  const ways = graph.edges === undefined ? waysByPattern(graph) : waysByList(graph.edges);
  const made = { ...ways, peers: new Map<string, readonly string[]>() };
  known.set(graph, made);
  return made;
}

/** By the pattern, from the places of the nodes alone: what `edgesOf` would list. */
function waysByPattern({ hub: meant, nodes, topology }: CoordinationGraph): Omit<Ways, 'peers'> {
  const places = new Map(nodes.map((node, place) => [node, place]));
  const hub = hubOf({ hub: meant }, nodes);
  const joins = (from: string, to: string): boolean => {
    if (topology === 'ring') return nodes[((places.get(from) ?? 0) + 1) % nodes.length] === to;
    return topology === 'mesh' || from === hub || to === hub;
  };
  if (topology === 'broadcast')
    return {
      has: (from, to) => from === spaceNode && places.has(to),
      targets: (from) => (from === spaceNode ? [...nodes] : []),
    };
  const has = (from: string, to: string): boolean =>
    from !== to && places.has(from) && places.has(to) && joins(from, to);
  return { has, targets: (from) => (places.has(from) ? nodes.filter((to) => has(from, to)) : []) };
}

/** By the listed edges, sorted by their senders once (G2). */
function waysByList(edges: readonly Edge[]): Omit<Ways, 'peers'> {
  const senders = new Map<string, Set<string>>();
  for (const [from, to] of edges) {
    const targets = senders.get(from) ?? new Set();
    senders.set(from, targets.add(to));
  }
  return {
    has: (from, to) => senders.get(from)?.has(to) === true,
    targets: (from) => [...(senders.get(from) ?? [])],
  };
}

const nodeSchema = z.string().refine(isId, 'is not an agent id');
const graphSchema = z.object({
  v: z.literal(1),
  topology: z.enum(topologyPatterns),
  hub: nodeSchema.optional(),
  nodes: z.array(nodeSchema),
  edges: z.array(z.tuple([z.string(), z.string()])).optional(),
  declared: z.array(z.object({ from: nodeSchema, to: nodeSchema, kind: z.string() })).optional(),
});

/** The graph in a JSON value, or what is wrong with it. Fields we do not know are left out. */
export function readGraph(
  input: unknown,
): { kind: 'graph'; graph: CoordinationGraph } | { kind: 'invalid'; problem: Problem } {
  const parsed = graphSchema.safeParse(input);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return invalid(issue?.path.join('.') ?? '', issue?.message ?? 'malformed');
  }
  const graph = parsed.data;
  const nodes = new Set(graph.nodes);
  if (nodes.size !== graph.nodes.length) return invalid('nodes', 'a node is listed twice; list each once');
  if (graph.hub !== undefined && !nodes.has(graph.hub))
    return invalid('hub', `${graph.hub} is not among the nodes`);
  if (graph.topology === 'custom' && graph.edges === undefined)
    return invalid('edges', 'only a pattern says its own edges, a custom graph lists them');
  const stray = graph.edges?.find(
    ([from, to]) => from === to || !nodes.has(to) || !(nodes.has(from) || from === spaceNode),
  );
  if (stray !== undefined) return invalid('edges', `${stray.join(' → ')} does not join two different nodes`);
  const foreign = graph.declared?.find(({ from, to }) => !nodes.has(from) || !nodes.has(to));
  if (foreign !== undefined)
    return invalid('declared', `${foreign.from} → ${foreign.to} does not join two nodes`);
  return { kind: 'graph', graph };
}

/** The graph in a JSON value; throws `invalid-graph` naming the field. */
export function parseGraph(input: unknown): CoordinationGraph {
  const read = readGraph(input);
  if (read.kind === 'invalid') throw problemError(read.problem, 'graph');
  return read.graph;
}

function invalid(field: string, what: string): { kind: 'invalid'; problem: Problem } {
  const message = `${field === '' ? 'the graph' : field}: ${what}; only the leader writes this key`;
  return { kind: 'invalid', problem: { code: 'invalid-graph', field, message } };
}
