/**
 * Deleting a variable: its definition and its value go in one change set, onto the very space in which nothing refers to it.
 *
 * X1 A variable that a rule adapts, or another variable is bound to, is not deleted; they are named.
 * X2 Nobody can begin to refer to it meanwhile: the change set expects the whole space to be as it was looked at.
 * X3 Its history stays in the bucket until new revisions push it out; the same id may be created again and begins with its
 *    initial value.
 */
import { commitBatch, errorsOf, MabeamError, type BatchWrite, type Bus } from '@mabeam/bus';
import {
  definitionKey,
  fenceKey,
  splitVariableId,
  valueKey,
  variableErrors,
  type VariableState,
} from '@mabeam/variables';
import type { AdaptationRule } from '../adaptation/adaptation-rule.ts';
import { orchestratorError } from '../errors.ts';
import type { SpaceMirror } from './space-mirror.ts';

const variableError = errorsOf(variableErrors);

/** What is asked of the space in which a variable is to be deleted. */
export interface DeletionSite {
  readonly rules: ReadonlyMap<string, AdaptationRule>;
  readonly variables: ReadonlyMap<string, VariableState>;
  /** The revision of a key's newest entry, deleted or not; 0 when there never was one. */
  revisionOf(key: string): number;
}

/** The space as its mirror shows it. */
export function deletionSite(mirror: SpaceMirror): DeletionSite {
  const { rules, view } = mirror.state;
  return { rules, variables: view.variables, revisionOf: (key) => mirror.revisionOf(key) };
}

/** The writes that delete a variable (X1). Throws `variable-in-use` with what refers to it. Pure. */
export function planDeletion(site: DeletionSite, { id }: VariableState): readonly BatchWrite[] {
  const { agent } = splitVariableId(id);
  if (agent !== undefined) {
    const message = `${id} is declared in the definition of agent ${agent}; take it out of there`;
    throw variableError('declared-by-agent', message, { details: { id, agent } });
  }
  assertUnused(id, site);
  const gone = { body: undefined, operation: 'delete' } as const;
  return [valueKey(id), definitionKey(id)].map((key) => ({ ...gone, key, expect: site.revisionOf(key) }));
}

function assertUnused(id: string, { rules, variables }: DeletionSite): void {
  const adapting = [...rules.values()].filter(({ adapt }) => adapt === id).map((rule) => `rule ${rule.id}`);
  const bound = [...variables.values()]
    .filter(({ definition }) => Object.hasOwn(definition.constraints.compatible ?? {}, id))
    .map((variable) => `variable ${variable.id}`);
  const users = [...adapting.toSorted(), ...bound.toSorted()];
  if (users.length === 0) return;
  const message = `${id} is in use by ${users.join(', ')}; change or delete what refers to it first`;
  throw orchestratorError('variable-in-use', message, { details: { variable: id, users } });
}

/** In whose name a variable is deleted, and under which condition. */
export interface DeleteOptions {
  /** Who deletes it; recorded with the change set. */
  readonly by: string;
  /** Revision its value must have (0: still the initial one); any when absent. */
  readonly ifRevision?: number | undefined;
}

const maxAttempts = 3;

/**
 * Deletes a global variable (X1, X2); resolves with the revision of the change set. Throws `unknown-variable`, `variable-in-use`,
 * `stale-revision`, `variable-contended` when others keep writing, and what the bus throws.
 */
export async function deleteVariable(
  bus: Bus,
  mirror: SpaceMirror,
  id: string,
  { by, ifRevision }: DeleteOptions,
): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const state = mirror.store.get(id);
    if (ifRevision !== undefined && ifRevision !== state.revision) throw staleRevision(state, ifRevision);
    const { view } = mirror.state;
    const writes = planDeletion(deletionSite(mirror), state);
    const body = { v: 1, by, at: new Date().toISOString(), basedOn: view.revision, deleted: id };
    const fence = { key: fenceKey, body, expect: view.revision, expectKey: '>' };
    try {
      const { revision } = await commitBatch(bus, mirror.store.replica.bucket, [fence, ...writes]);
      return revision;
    } catch (error) {
      if (!(error instanceof MabeamError) || error.code !== 'conflict') throw error;
      if (attempt === maxAttempts) throw contended(id, error);
      await mirror.refresh();
    }
  }
}

function staleRevision({ id, revision }: VariableState, expected: number): MabeamError {
  const message = `${id} is at revision ${revision}, not ${expected}; read it again and decide anew`;
  return variableError('stale-revision', message, { details: { id, expected, current: revision } });
}

function contended(id: string, cause: unknown): MabeamError {
  const message = `delete ${id}: others wrote first ${maxAttempts} times in a row; try again`;
  return variableError('variable-contended', message, { cause });
}
