/** A topology as text and as JSON. Pure. */
import type { DeclaredEdge } from '@mabeam/orchestrator';
import { countEdges, edgesIn, type CoordinationGraph } from '@mabeam/variables';
import { renderFields, renderTable, type Paint } from './table.ts';

/** The topology of a space as it is now. */
export interface TopologyNow {
  readonly space: string;
  /** The variable that says it; undefined: none is defined. */
  readonly variable: string | undefined;
  /** The graph in force; undefined: everybody may send to everybody. */
  readonly graph: CoordinationGraph | undefined;
  readonly epoch: number | undefined;
  /** What the space declares beside the pattern. */
  readonly declared: readonly DeclaredEdge[];
  /** The graph in force is the one that the variables ask for. */
  readonly isCurrent: boolean;
}

/** So many edges of a pattern are shown to people. */
const shownEdges = 40;

/** What is said in JSON: every edge, those of the pattern with the kind `any`. */
export function topologyDocument(topology: TopologyNow): Readonly<Record<string, unknown>> {
  const { declared, epoch, graph, isCurrent, space, variable } = topology;
  const edges = graph === undefined ? [] : edgesIn(graph);
  return {
    space,
    variable: variable ?? null,
    epoch: epoch ?? null,
    pattern: graph?.topology ?? null,
    hub: graph?.hub ?? null,
    nodes: graph?.nodes ?? [],
    edges: [
      ...edges.map(([from, to]) => ({ from, to, kind: 'any' })),
      ...declared.map(({ from, to, kind }) => ({ from, to, kind })),
    ],
    counts: countsOf(topology),
    isCurrent,
  };
}

/** Fields, and a table of the edges: of a large pattern the first ones. */
export function renderTopology(topology: TopologyNow, paint: Paint): string {
  const { declared, graph, isCurrent, space, variable } = topology;
  const counts = Object.entries(countsOf(topology)).filter(([name]) => name !== 'nodes');
  const head = renderFields(
    [
      ['space', paint(['bold'], space)],
      ['variable', variable ?? 'none: nobody has defined a communication-topology'],
      ['graph', shownGraph(topology, paint)],
      ...(isCurrent ? [] : [['pending', paint(['yellow'], 'the leader writes another one')] as const]),
      ...(graph === undefined ? [] : [['agents', graph.nodes.join(', ') || 'nobody'] as const]),
      ['edges', counts.map(([kind, count]) => `${count} ${kind}`).join(', ') || 'none'],
    ],
    paint,
  );
  const few = graph === undefined || countEdges(graph) > shownEdges ? [] : edgesIn(graph);
  const rows = [
    ...few.map(([from, to]) => [from, to, 'any']),
    ...declared.map(({ from, to, kind }) => [from, to, kind]),
  ];
  const hidden = graph !== undefined && countEdges(graph) > shownEdges;
  return [
    head,
    ...(rows.length === 0 ? [] : ['', renderTable(['from', 'to', 'kind'], rows, paint)]),
    ...(hidden ? ['', 'the edges of the pattern are listed with -o json'] : []),
  ].join('\n');
}

function shownGraph({ epoch, graph }: TopologyNow, paint: Paint): string {
  if (graph === undefined) return 'none: everybody may send to everybody';
  const hub = graph.hub === undefined ? '' : ` around ${graph.hub}`;
  return `${paint(['bold'], graph.topology)}${hub} of ${graph.nodes.length}, epoch ${epoch}`;
}

/** How many nodes there are, how many edges of the pattern (`any`), and how many declared ones of each kind. */
function countsOf({ declared, graph }: TopologyNow): Readonly<Record<string, number>> {
  const byKind = Object.entries(Object.groupBy(declared, ({ kind }) => kind));
  return {
    nodes: graph?.nodes.length ?? 0,
    any: graph === undefined ? 0 : countEdges(graph),
    ...Object.fromEntries(byKind.map(([kind, edges]) => [kind, edges.length])),
  };
}
