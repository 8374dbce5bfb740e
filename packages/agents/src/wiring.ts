/**
 * Who may send to whom, as one agent knows it: admission by the coordination graph, at the sender and at the receiver.
 * A space without a graph has no edges to obey: everybody may talk to everybody.
 */
import { isEdge, type GraphState } from '@mabeam/variables';
import { agentError } from './errors.ts';

/** Throws `edge-not-permitted` unless the graph in force has the edge. */
export function admit(state: GraphState | undefined, from: string, to: string): void {
  if (state === undefined || from === to || isEdge(state.graph, from, to)) return;
  throw agentError(
    'edge-not-permitted',
    `${from} may not send to ${to}: the ${state.graph.topology} topology (epoch ${state.revision}) has no such edge; change the topology variable`,
    { details: { from, to, topology: state.graph.topology, epoch: state.revision } },
  );
}

/** The agents this one may send to; undefined when it may send to all. */
export function peersOf(state: GraphState | undefined, agent: string): readonly string[] | undefined {
  return state?.graph.edges.filter(([from]) => from === agent).map(([, to]) => to);
}
