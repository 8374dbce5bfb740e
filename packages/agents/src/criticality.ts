/**
 * Criticality: whose turn it is, and who is turned away, where agents of different network priorities share a process. Pure.
 * What the field calls admission by criticality: Beyer et al., Site Reliability Engineering, chapter "Handling Overload".
 *
 * R1  Of what arrives together the higher class goes first; inside a class the order of arrival stays.
 * R2  When a class is turned away, so is every lower one.
 * R3  A process that does nothing takes everybody in.
 */
import { networkPriorities, type NetworkPriority, type VariableState } from '@mabeam/variables';

/** Which share of the capacity may be taken when a class is still admitted. */
const shares: Readonly<Record<NetworkPriority, number>> = { low: 0.5, normal: 0.75, high: 0.9, critical: 1 };

/** How many handlers may run at most so that one more of this class is admitted beside them; at least 1 (R3), monotone (R2). */
export function roomFor(priority: NetworkPriority, capacity: number): number {
  return Math.max(1, Math.floor(capacity * shares[priority]));
}

/** What has arrived, one list for each class that occurs, the highest first (R1). */
export function inClasses<T extends { readonly priority: NetworkPriority }>(
  arrived: readonly T[],
): readonly (readonly T[])[] {
  return networkPriorities
    .toReversed()
    .map((priority) => arrived.filter((each) => each.priority === priority))
    .filter((group) => group.length > 0);
}

/**
 * The class that allocations give each agent they name. Of several the most important one counts – the larger priority, then the
 * smaller id – as for all that an allocation gives; a share gives no class.
 */
export function allocatedClasses(
  allocations: readonly VariableState[],
): ReadonlyMap<string, NetworkPriority | undefined> {
  const leastFirst = allocations.toSorted(
    (a, b) => (a.definition.priority ?? 0) - (b.definition.priority ?? 0) || (a.id < b.id ? 1 : -1),
  );
  return new Map(
    leastFirst
      .flatMap(({ value }) => Object.entries(typeof value === 'object' && value !== null ? value : {}))
      .map(([agent, part]) => [agent, classIn(part)] as const),
  );
}

function classIn(part: unknown): NetworkPriority | undefined {
  if (typeof part !== 'object' || part === null || !('networkPriority' in part)) return undefined;
  return networkPriorities.find((name) => name === part.networkPriority);
}
