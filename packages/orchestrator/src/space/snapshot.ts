/**
 * A snapshot of a space: what it is defined to be, what its variables say, what its hosts see, as plain data that can be kept and sent.
 *
 * W1 Definition, values, graph, adaptations are as of one revision. Observed state, leases and nodes have streams of their own: they are
 *    what was known when the snapshot was taken.
 */
import type { NodeRecord, ObservedInstance } from '@mabeam/cluster';
import type { CoordinationGraph, FreezeState, Json } from '@mabeam/variables';
import type { AdaptationRecord } from '../adaptation/adaptation-record.ts';
import { definedSpace } from '../definition/read-space.ts';
import type { SpaceDefinition } from '../definition/space-definition.ts';
import type { PoolState } from '../instances/pool.ts';
import { poolIn } from '../state/reconcile-input.ts';
import type { SpaceMirror } from '../state/space-mirror.ts';
import { spaceStanding } from './standing.ts';

/** The value of a variable, and who wrote it; `revision` 0: it is the initial one. */
export interface ValueNow {
  readonly value: Json;
  readonly revision: number;
  readonly by?: string | undefined;
  readonly at?: string | undefined;
  readonly cause?: string | undefined;
}

/** A space as it is (W1). */
export interface SpaceSnapshot {
  readonly v: 1;
  readonly space: string;
  readonly revision: number;
  /** ISO, by the clock of whoever took it. */
  readonly at: string;
  readonly definition: SpaceDefinition;
  /** By the ids of the variables, local ones as `<agent>.<name>`. */
  readonly values: Readonly<Record<string, ValueNow>>;
  /** Absent: everybody may talk to everybody. */
  readonly graph?: { readonly epoch: number } & CoordinationGraph;
  readonly freeze?: FreezeState;
  /** Instances, `<agent>.<ordinal>`. */
  readonly desired: readonly string[];
  readonly running: readonly string[];
  /** What their hosts last said; `isHeld`: a live lease confirms that incarnation. */
  readonly observed: readonly (ObservedInstance & { readonly isHeld: boolean })[];
  readonly nodes: readonly NodeRecord[];
  readonly pool: PoolState;
  readonly adaptations: readonly ({ readonly hash: string } & AdaptationRecord)[];
}

/** The snapshot of the space of a mirror at `now` (ms since the epoch). */
export function snapshotOf(mirror: SpaceMirror, space: string, now: number): SpaceSnapshot {
  const { leases, nodes, observed, state, store } = mirror;
  const { view } = state;
  const entries = store.replica.entries();
  const { definition, revision } = definedSpace(space, { applied: view.revision, entries });
  const { desired, running } = spaceStanding(mirror, now);
  const held = new Set(leases.map(({ incarnation }) => incarnation));
  const values = [...view.variables.values()].map(({ entry, id, revision: written, value }) => {
    const { at, by, cause } = entry ?? {};
    return [id, { value, revision: written, by, at, cause }] as const;
  });
  return {
    v: 1,
    space,
    revision,
    at: new Date(now).toISOString(),
    definition,
    values: Object.fromEntries(values),
    ...(view.graph === undefined ? {} : { graph: { epoch: view.graph.revision, ...view.graph.graph } }),
    ...(view.freeze === undefined ? {} : { freeze: view.freeze }),
    desired,
    running,
    observed: observed.map((each) => ({ ...each, isHeld: held.has(each.incarnation) })),
    nodes,
    pool: poolIn(mirror, now),
    adaptations: [...state.adaptations.values()].map(({ hash, record }) => ({ hash, ...record })),
  };
}
