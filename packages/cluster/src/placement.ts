/** Placement: on which node an instance is started. Pure. */
import type { AgentSpec } from '@mabeam/agents';
import type { NodeRecord } from './registry.ts';

/** The chosen node, or why there is none. */
export type Placement =
  | { readonly kind: 'placed'; readonly node: string }
  | { readonly kind: 'no-suitable-node'; readonly reason: string };

/**
 * Chooses the node with the fewest instances, among equals the first by id. `load` has the instances of a node as the
 * caller knows them, with those it has just placed; a node it does not name has what its own record says.
 */
export function placeAgent(
  spec: AgentSpec,
  nodes: readonly NodeRecord[],
  load: ReadonlyMap<string, number> = new Map(),
): Placement {
  if (spec.run === undefined)
    return { kind: 'no-suitable-node', reason: `agent ${spec.id} is started elsewhere` };
  const instancesOf = (node: NodeRecord): number => load.get(node.id) ?? node.instances;
  const [best] = nodes.toSorted((a, b) => instancesOf(a) - instancesOf(b) || (a.id < b.id ? -1 : 1));
  if (best === undefined)
    return { kind: 'no-suitable-node', reason: 'there is no node; start one with "mabeam dev"' };
  return { kind: 'placed', node: best.id };
}
