/** When members of a gossip round have converged, as they report it. Pure. */

/** Where a round stands. */
export type GossipStanding = {
  /** The largest part of all members that hold the same, from 0 to 1. */
  readonly fraction: number;
} & (
  | { readonly kind: 'same'; readonly digest: string; readonly holders: readonly string[] }
  | { readonly kind: 'open' }
);

/**
 * All that reported hold the same, nobody else is awaited, and they are more than half of all members: then it is `same`. Two such
 * groups share a member, so not even a network that is cut in two can have two of them at once.
 */
export function standingOfReports(
  reports: ReadonlyMap<string, { readonly digest: string }>,
  { members, awaited }: { readonly members: number; readonly awaited: number },
): GossipStanding {
  const camps = [...Map.groupBy(reports.keys(), (party) => reports.get(party)?.digest ?? '')];
  const [largest] = camps.toSorted(([, a], [, b]) => b.length - a.length);
  if (largest === undefined) return { kind: 'open', fraction: 0 };
  const [digest, holders] = largest;
  const fraction = holders.length / members;
  const isSame = camps.length === 1 && awaited === 0 && 2 * holders.length > members;
  return isSame ? { kind: 'same', fraction, digest, holders } : { kind: 'open', fraction };
}
