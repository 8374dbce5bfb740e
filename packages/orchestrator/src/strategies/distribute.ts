/** On which nodes a variable is kept. Pure. */
import { MabeamError } from '@mabeam/bus';
import type { DistributionPolicy, VariableDefinition } from '@mabeam/variables';
import { orchestratorError } from '../errors.ts';
import { compareIds } from '../instances/desired.ts';

/** A node that may keep copies. */
export interface ReplicaNode {
  readonly id: string;
  readonly isReachable: boolean;
}

/** What a distribution comes to. */
export type Distribution =
  | { readonly kind: 'distributed'; readonly definition: VariableDefinition; readonly survives: number }
  | { readonly kind: 'failed'; readonly error: MabeamError };

/**
 * The definition with its policy filled in for these nodes. The nodes it names are taken, as far as they are reachable, else all; of
 * the replicas wished as many as there are nodes, an odd number, so that the loss of `survives` = ⌊(replicas − 1) / 2⌋ leaves a
 * majority. `scope-not-distributable`: it belongs to one agent; `no-reachable-nodes`.
 */
export function distributeVariable(
  definition: VariableDefinition,
  nodes: readonly ReplicaNode[],
): Distribution {
  const { distribution, id, scope } = definition;
  if (scope === 'local') {
    const message = `${id} is a local variable and stays with its agent; declare it global or cluster`;
    return failed(orchestratorError('scope-not-distributable', message, { details: { variable: id } }));
  }
  const named = distribution?.nodes ?? [];
  const reachable = nodes
    .filter(({ id: node, isReachable }) => isReachable && (named.length === 0 || named.includes(node)))
    .map((node) => node.id);
  const unique = [...new Set(reachable)].toSorted(compareIds);
  if (unique.length === 0) {
    const message = `${id}: none of its nodes can be reached; start one, or name others`;
    return failed(
      orchestratorError('no-reachable-nodes', message, { details: { variable: id, nodes: named } }),
    );
  }
  const wished = Math.min(distribution?.replicas ?? 3, unique.length);
  const replicas = wished % 2 === 0 ? wished - 1 : wished;
  const policy: DistributionPolicy = {
    nodes: unique,
    replicas,
    consistency: distribution?.consistency ?? 'strong',
    conflict: distribution?.conflict ?? 'last-writer-wins',
  };
  return {
    kind: 'distributed',
    definition: { ...definition, distribution: policy },
    survives: (replicas - 1) / 2,
  };
}

function failed(error: MabeamError): Distribution {
  return { kind: 'failed', error };
}
