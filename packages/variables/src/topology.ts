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
import * as z from 'zod';
import { isId } from '@mabeam/bus';
import type { Problem } from './problem.ts';
import { problemError } from './problem.ts';

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

/** The graph in force, as it stands under the key `graph`; its epoch is the revision of that key. */
export interface CoordinationGraph {
  readonly v: 1;
  readonly topology: TopologyPattern;
  readonly hub?: string | undefined;
  readonly nodes: readonly string[];
  readonly edges: readonly Edge[];
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

/** The whole graph for a topology and the nodes present, ready to be written. */
export function graphOf(value: TopologyValue, nodes: readonly string[]): CoordinationGraph {
  const present = [...new Set(nodes)];
  const hub = value.pattern === 'star' ? hubOf(value, present) : undefined;
  const graph = { v: 1, topology: value.pattern, nodes: present, edges: edgesOf(value, present) } as const;
  return hub === undefined ? graph : { ...graph, hub };
}

/**
 * May `from` send to `to`? Without a graph everybody may talk to everybody. With one only its edges count: who is not
 * among its nodes has none.
 */
export function isEdge(graph: CoordinationGraph | undefined, from: string, to: string): boolean {
  if (graph === undefined) return true;
  return graph.edges.some(([source, target]) => source === from && target === to);
}

function hubOf(value: TopologyValue, nodes: readonly string[]): string | undefined {
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

const nodeSchema = z.string().refine(isId, 'is not an agent id');
const graphSchema = z.object({
  v: z.literal(1),
  topology: z.enum(topologyPatterns),
  hub: nodeSchema.optional(),
  nodes: z.array(nodeSchema),
  edges: z.array(z.tuple([z.string(), z.string()])),
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
  const stray = graph.edges.find(
    ([from, to]) => from === to || !nodes.has(to) || !(nodes.has(from) || from === spaceNode),
  );
  if (stray !== undefined) return invalid('edges', `${stray.join(' → ')} does not join two different nodes`);
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
