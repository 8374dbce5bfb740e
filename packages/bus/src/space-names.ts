/**
 * What the streams and buckets of a space are called, and so which names no space may have: a space called like what belongs to
 * another would share its streams.
 */

/** Names of a space's streams and buckets. */
export interface SpaceNames {
  /** Bucket of definitions, values, graph, leader, fence and adaptations. */
  readonly bucket: string;
  readonly observed: string;
  readonly leases: string;
  readonly events: string;
  readonly tasks: string;
  readonly outcomes: string;
  /** What was sent along data edges and is not yet dealt with. */
  readonly edges: string;
  /** Every revision of the bucket, also those it no longer keeps. */
  readonly history: string;
  /** Bucket of what agreements leave behind: schedules, books, plans. */
  readonly coordination: string;
  /** The append-only logs that agreements are written to, one subject each. */
  readonly logs: string;
}

/** The names of a space’s streams and buckets; pure, they need not exist. */
export function spaceNames(space: string): SpaceNames {
  const bucket = `mabeam-${space}`;
  return {
    bucket,
    observed: `${bucket}-observed`,
    leases: `${bucket}-leases`,
    events: `${bucket}-events`,
    tasks: `${bucket}-tasks`,
    outcomes: `${bucket}-outcomes`,
    edges: `${bucket}-edges`,
    history: `${bucket}-history`,
    coordination: `${bucket}-coordination`,
    logs: `${bucket}-logs`,
  };
}

/** What the bucket of all nodes is named after, as if it were a space's. */
export const nodesName = 'nodes';

const root = spaceNames('').bucket;
/** `-observed` and the others. */
const endings = Object.values(spaceNames('')).flatMap((name: string) =>
  name === root ? [] : [name.slice(root.length)],
);

/** Would a space of this name have the bucket or a stream of another space, or of the nodes? */
export function isTakenName(space: string): boolean {
  return space === nodesName || endings.some((ending) => space.endsWith(ending));
}
