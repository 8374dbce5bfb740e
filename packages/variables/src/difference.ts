/** What happened between two views of one space: the changes that watchers hear of. Pure. */
import { sameJson } from './json.ts';
import { VersionedMap } from './versioned-map.ts';
import type { Rejection, SpaceView, VariableState } from './view.ts';

/** A variable that differs between two views; without `from` it is new, without `to` it is gone. */
export interface VariableChange {
  readonly id: string;
  readonly from: VariableState | undefined;
  readonly to: VariableState | undefined;
}

/** What happened between two views of one space. */
export interface SpaceChange {
  /** Revision of the later view. */
  readonly revision: number;
  readonly view: SpaceView;
  /** Variables whose value, revision or definition differs, by id. */
  readonly changes: readonly VariableChange[];
  /** What was newly found in the bucket and not applied, in the order of its revisions. */
  readonly rejections: readonly Rejection[];
  readonly hasNewGraph: boolean;
  /** The space was frozen, frozen anew, or freed. */
  readonly hasNewFreeze: boolean;
}

/**
 * What happened between an earlier and a later view; undefined when nothing did that concerns variables. Costs what differs where
 * the later view was folded from the earlier one not long ago, else a comparison of all.
 */
export function changeBetween(before: SpaceView, after: SpaceView): SpaceChange | undefined {
  if (before.variables === after.variables && before.cells === after.cells) return undefined;
  const ids = idsBetween(before.variables, after.variables);
  const changes = [...ids].toSorted().flatMap((id) => {
    const [from, to] = [before.variables.get(id), after.variables.get(id)];
    return isSameState(from, to) ? [] : [{ id, from, to }];
  });
  const rejections = rejectionsSince(before, after);
  const hasNewGraph = before.graph?.revision !== after.graph?.revision;
  const hasNewFreeze = before.freeze?.revision !== after.freeze?.revision;
  if (changes.length === 0 && rejections.length === 0 && !hasNewGraph && !hasNewFreeze) return undefined;
  return { revision: after.revision, view: after, changes, rejections, hasNewGraph, hasNewFreeze };
}

/**
 * The keys under which an earlier and a later map of a view differ, and perhaps some under which they do not: the later one knows them
 * if it was made of the earlier one, else they are all that either has.
 */
export function idsBetween<V>(
  before: ReadonlyMap<string, V>,
  after: ReadonlyMap<string, V>,
): ReadonlySet<string> {
  const known = after instanceof VersionedMap ? after.keysSince(before) : undefined;
  return known ?? new Set([...before.keys(), ...after.keys()]);
}

function rejectionsSince(before: SpaceView, after: SpaceView): Rejection[] {
  const found = [...idsBetween(before.rejected, after.rejected)].flatMap((key) => {
    const rejection = after.rejected.get(key);
    const isNew = rejection !== undefined && before.rejected.get(key)?.revision !== rejection.revision;
    return isNew ? [rejection] : [];
  });
  return found.toSorted((a, b) => a.revision - b.revision);
}

function isSameState(left: VariableState | undefined, right: VariableState | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return (
    left.revision === right.revision &&
    left.definitionRevision === right.definitionRevision &&
    sameJson(left.value, right.value)
  );
}
