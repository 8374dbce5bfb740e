/** What happened between two views of one space: the changes that watchers hear of. Pure. */
import { sameJson } from './json.ts';
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
  /** What was newly found in the bucket and not applied. */
  readonly rejections: readonly Rejection[];
  readonly hasNewGraph: boolean;
  /** The space was frozen, frozen anew, or freed. */
  readonly hasNewFreeze: boolean;
}

/** What happened between an earlier and a later view; undefined when nothing did that concerns variables. */
export function changeBetween(before: SpaceView, after: SpaceView): SpaceChange | undefined {
  if (before.variables === after.variables && before.cells === after.cells) return undefined;
  const ids = new Set([...before.variables.keys(), ...after.variables.keys()]);
  const changes = [...ids].toSorted().flatMap((id) => {
    const [from, to] = [before.variables.get(id), after.variables.get(id)];
    return isSameState(from, to) ? [] : [{ id, from, to }];
  });
  const rejections = [...after.rejected.values()].filter(
    ({ key, revision }) => before.rejected.get(key)?.revision !== revision,
  );
  const hasNewGraph = before.graph?.revision !== after.graph?.revision;
  const hasNewFreeze = before.freeze?.revision !== after.freeze?.revision;
  if (changes.length === 0 && rejections.length === 0 && !hasNewGraph && !hasNewFreeze) return undefined;
  return { revision: after.revision, view: after, changes, rejections, hasNewGraph, hasNewFreeze };
}

function isSameState(left: VariableState | undefined, right: VariableState | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return (
    left.revision === right.revision &&
    left.definitionRevision === right.definitionRevision &&
    sameJson(left.value, right.value)
  );
}
