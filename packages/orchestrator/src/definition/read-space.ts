/** The definition of a space that exists: read back from its bucket, so that it can be shown, compared and kept. */
import {
  bucketStream,
  hasStream,
  openReplica,
  spaceNames,
  subjects,
  type BucketEntry,
  type Bus,
} from '@mabeam/bus';
import { compareIds } from '../instances/desired.ts';
import { emptyView, foldChanges, valueKey, type SpaceView, type VariableDefinition } from '@mabeam/variables';
import { emptyParts, foldParts, spaceRecordOf, type SpaceParts } from '../state/space-state.ts';
import { scaleKey, wantedReplicas } from '../state/scale-entry.ts';
import type { SpaceDefinition } from './space-definition.ts';

/** A space as it is defined now, and what in its bucket could not be read and so is no part of it. */
export interface DefinedSpace {
  readonly definition: SpaceDefinition;
  /** The revision of the bucket it is as of; 0 when the space does not exist. */
  readonly revision: number;
  /** By key: why it could not be read. */
  readonly problems: ReadonlyMap<string, string>;
}

export interface ReadSpaceOptions {
  /** The values, and the numbers of replicas, of now stand in for the initial ones. */
  readonly withValues?: boolean;
}

/** Reads the definition of a space as it is now. A space that does not exist has an empty one. */
export async function readSpace(
  bus: Bus,
  space: string,
  options: ReadSpaceOptions = {},
): Promise<DefinedSpace> {
  const { bucket } = spaceNames(space);
  if (!(await hasStream(bus, bucketStream(bucket))))
    return definedSpace(space, { applied: 0, entries: [] }, options);
  const replica = await openReplica(bus, { bucket, prefix: subjects(space).at('variable') });
  await replica.close();
  return definedSpace(space, { applied: replica.applied, entries: replica.entries() }, options);
}

/** The definition in the entries of a bucket. Pure. */
export function definedSpace(
  space: string,
  { applied, entries }: { readonly applied: number; readonly entries: readonly BucketEntry[] },
  { withValues = false }: ReadSpaceOptions = {},
): DefinedSpace {
  const parts = foldParts(emptyParts(), entries);
  const view = foldChanges(emptyView(), [{ revision: applied, entries }]);
  const { v: _v, ...record } = spaceRecordOf(parts) ?? { v: 1 };
  const definition = {
    space,
    ...present(record),
    agents: inOrder(agentsOf(parts, view, withValues)),
    variables: inOrder(globalsOf(view, withValues)),
    scaling: inOrder([...parts.scaling.values()]),
    rules: inOrder([...parts.rules.values()]),
  };
  const rejected = [...view.rejected].map(([key, { message }]) => [key, message] as const);
  return { definition, revision: applied, problems: new Map([...rejected, ...parts.problems]) };
}

function agentsOf(
  { agents, scales }: SpaceParts,
  view: SpaceView,
  withValues: boolean,
): SpaceDefinition['agents'] {
  return [...agents.values()].map(({ spec }) => {
    if (!withValues) return spec;
    const variables = Object.entries(spec.variables).map(([name, limits]) => {
      const state = view.variables.get(`${spec.id}.${name}`);
      // A value is JSON, as the spec's initial one is.
      return [
        name,
        state === undefined ? limits : { ...limits, initial: state.value as typeof limits.initial },
      ];
    });
    const replicas = wantedReplicas(spec, scales.get(scaleKey(spec.id)));
    return { ...spec, replicas, variables: Object.fromEntries(variables) as typeof spec.variables };
  });
}

function globalsOf(view: SpaceView, withValues: boolean): readonly VariableDefinition[] {
  return [...view.variables.values()]
    .filter(({ id }) => valueKey(id).startsWith('space.'))
    .map(({ definition, value }) => (withValues ? { ...definition, initial: value } : definition));
}

function inOrder<T extends { readonly id: string }>(parts: readonly T[]): readonly T[] {
  return parts.toSorted((a, b) => compareIds(a.id, b.id));
}

/** Without the fields that are undefined, which the type of a definition does not know. */
function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
