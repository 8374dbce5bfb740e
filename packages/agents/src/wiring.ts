/**
 * Who may send to whom, as one agent knows it: admission by the coordination graph, at the sender and at the receiver.
 * A space without a graph has no edges to obey: everybody may talk to everybody. An edge of the topology admits questions and every kind
 * of message, an edge that the space declares the messages of its kind.
 */
import { isDeclared, isEdge, peersIn, type GraphState, type VariableStore } from '@mabeam/variables';
import type { EdgeKind } from './edge.ts';
import { agentError } from './errors.ts';
import { keptGraphs, type KeptGraph } from './graph-history.ts';

const graphWaitMs = 1_000;

/** Throws `edge-not-permitted` unless the graph in force has the edge; without a kind: for a question. */
export function admit(state: GraphState | undefined, from: string, to: string, kind?: EdgeKind): void {
  if (isAdmitted(state, from, to, kind) || state === undefined) return;
  throw agentError(
    'edge-not-permitted',
    `${from} may not send to ${to}: the ${state.graph.topology} topology (epoch ${state.revision}) has no such edge; change the topology variable`,
    { details: { from, to, topology: state.graph.topology, epoch: state.revision } },
  );
}

/** Does the graph in force let `from` send to `to`? Without a kind: ask it. */
export function isAdmitted(
  state: GraphState | undefined,
  from: string,
  to: string,
  kind?: EdgeKind,
): boolean {
  if (state === undefined || from === to || isEdge(state.graph, from, to)) return true;
  return kind !== undefined && isDeclared(state.graph, { from, to, kind });
}

/** The agents this one may send to; undefined when it may send to all. */
export function peersOf(state: GraphState | undefined, agent: string): readonly string[] | undefined {
  return state === undefined ? undefined : peersIn(state.graph, agent);
}

/** What a kept message says of its admission. */
export interface Admission {
  readonly from: string;
  readonly to: string;
  /** The epoch its sender went by; undefined when it knew no graph. */
  readonly epoch: number | undefined;
  /** When the server took it. */
  readonly at: Date;
}

/**
 * Was a kept message, on a data edge, admitted when it was sent? Judged by the graph its sender went by, among the kept graphs, oldest first;
 * without an epoch by the one in force when the server took it. An epoch older than all kept graphs cannot be checked: what was
 * admitted stays deliverable. An epoch that never was a graph's is made up.
 */
export function wasAdmitted(graphs: readonly KeptGraph[], { from, to, epoch, at }: Admission): boolean {
  const [oldest] = graphs;
  if (oldest === undefined) return epoch === undefined;
  if (epoch === undefined)
    return isAdmitted(
      graphs.findLast((kept) => kept.at <= at),
      from,
      to,
      'data',
    );
  if (epoch < oldest.revision) return graphs.length >= keptGraphs;
  const then = graphs.find(({ revision }) => revision === epoch);
  return then !== undefined && isAdmitted(then, from, to, 'data');
}

/** Waits, shortly, until a graph is known here that its sender knows already. Throws the store's `not-applied`. */
export async function reachEpoch(
  store: VariableStore,
  epoch: number | undefined,
  remainingMs = graphWaitMs,
): Promise<void> {
  if (epoch === undefined || epoch <= store.applied) return;
  await store.waitForRevision(epoch, { timeoutMs: Math.min(graphWaitMs, remainingMs) });
}
