/**
 * Declaring: creating, redefining and removing global variables. A local variable is declared by its agent.
 *
 * D1  A definition and the value it comes with are written together, so the value's key moves with every definition: an update
 *     that was validated against the former one loses its race (desk.ts: W1), and is validated anew.
 * D2  The same holds of variables that a definition is bound to: their present values are affirmed in the same batch.
 * D3  Removing deletes the value, then the definition. What is created under the id later is another variable: it begins
 *     with its own value and its own history (R25).
 */
import type { BatchWrite } from '@mabeam/bus';
import { areBound, bondProblem, boundTo } from './bond.ts';
import { assertAuthor, entryFor, stateOf, type Authorship } from './change-set.ts';
import { parseVariableDefinition } from './definition.ts';
import { commit, fence, nothingWritten, retrying } from './desk.ts';
import type { WriteDesk, WriteOptions, WriteOutcome } from './desk.ts';
import { variableError } from './errors.ts';
import { sameJson, type Json } from './json.ts';
import { definitionKey, splitVariableId, valueKey } from './keys.ts';
import { unknownPredicate } from './predicate.ts';
import { listNames, problemError, type Problem } from './problem.ts';
import { validateValue } from './value.ts';
import type { VariableDefinition } from './variable.ts';
import { keyRevisions, type SpaceView, type VariableState } from './view.ts';

/** Creates a variable: definition and first value in one change set; `noop` when an identical one is there. */
export async function createVariable(
  desk: WriteDesk,
  definition: VariableDefinition,
  options: WriteOptions,
): Promise<WriteOutcome> {
  const sound = parseVariableDefinition(definition);
  assertAuthor(options.by);
  return retrying(desk, `create ${sound.id}`, async () => {
    const present = desk.source.view().variables.get(sound.id);
    if (present !== undefined) return alreadyThere(desk, present, sound);
    const told = { ...options, cause: options.cause ?? 'created' };
    return declare(desk, sound, { from: null, value: sound.initial, told });
  });
}

/** Gives a variable another definition; its value stays, or the definition is refused. `noop` when it has this one. */
export async function redefineVariable(
  desk: WriteDesk,
  definition: VariableDefinition,
  options: WriteOptions,
): Promise<WriteOutcome> {
  const sound = parseVariableDefinition(definition);
  assertAuthor(options.by);
  return retrying(desk, `redefine ${sound.id}`, async () => {
    const present = stateOf(desk.source.view(), sound.id);
    if (sameJson(present.definition, sound)) return nothingWritten(desk);
    const told = { ...options, cause: options.cause ?? 'redefined' };
    return declare(desk, sound, { from: present.value, value: present.value, told });
  });
}

/** Removes a variable, definition and value, in one change set. */
export async function removeVariable(
  desk: WriteDesk,
  id: string,
  options: WriteOptions,
): Promise<WriteOutcome> {
  assertAuthor(options.by);
  const { agent } = splitVariableId(id);
  if (agent !== undefined) {
    const message = `${id} is declared by ${agent}; take it out of that agent's definition`;
    throw variableError('declared-by-agent', message, { details: { id, agent } });
  }
  return retrying(desk, `remove ${id}`, async () => {
    const view = desk.source.view();
    const { value } = stateOf(view, id);
    assertUnbound(view, id);
    const revisions = keyRevisions(view, id);
    const revision = await commit(desk, [
      fence(desk, view.revision, { ...options, cause: options.cause ?? `removed ${id}` }),
      deletion(valueKey(id), revisions.value),
      deletion(definitionKey(id), revisions.definition),
    ]);
    return { kind: 'written', revision, changes: [{ id, from: value, to: null, isDifferent: true }] };
  });
}

interface Declaring {
  readonly from: Json;
  readonly value: Json;
  readonly told: WriteOptions & { readonly cause: string };
}

/** Writes a definition with a value (D1, D2), when that value is good under it. */
async function declare(
  desk: WriteDesk,
  definition: VariableDefinition,
  { from, value, told }: Declaring,
): Promise<WriteOutcome> {
  const { id } = definition;
  const view = desk.source.view();
  const to = judgeDeclared(view, definition, value);
  const authorship = { by: told.by, cause: told.cause, at: desk.clock() };
  const revisions = keyRevisions(view, id);
  const writes: BatchWrite[] = [
    { key: definitionKey(id), body: definition, expect: revisions.definition },
    { key: valueKey(id), body: entryFor(to, 0, authorship), expect: revisions.value },
    ...affirmations(view, definition, authorship),
  ];
  const isBound = areBound(view, new Set([id]), [definition]);
  const revision = await commit(desk, isBound ? [fence(desk, view.revision, told), ...writes] : writes);
  return { kind: 'written', revision, changes: [{ id, from, to, isDifferent: !sameJson(from, to) }] };
}

/** The value in the form it is kept in; throws what is wrong with it under the definition and its bonds. */
function judgeDeclared(view: SpaceView, definition: VariableDefinition, value: Json): Json {
  const { id } = definition;
  const unknown = unknownPredicate(definition, view.predicates);
  if (unknown !== undefined) throw problemError(unknown, id);
  const verdict = validateValue(definition, value, view.predicates);
  if (verdict.kind === 'invalid') throw problemError(misfit(verdict), id);
  for (const other of Object.keys(definition.constraints.compatible ?? {})) stateOf(view, other);
  const broken = bondProblem(view, new Map([[id, { definition, value: verdict.value }]]));
  if (broken !== undefined) throw problemError(broken, broken.id);
  return verdict.value;
}

/** D2: the variables that the definition is bound to, as they are. */
function affirmations(
  view: SpaceView,
  { constraints }: VariableDefinition,
  authorship: Authorship,
): BatchWrite[] {
  return Object.keys(constraints.compatible ?? {}).map((other) => {
    const { value, definitionRevision, keyRevision } = stateOf(view, other);
    return {
      key: valueKey(other),
      body: entryFor(value, definitionRevision, authorship),
      expect: keyRevision,
    };
  });
}

function misfit({ code, field, message }: Problem): Problem {
  return { code, field, message: `its value does not fit the definition: ${message}` };
}

function assertUnbound(view: SpaceView, id: string): void {
  const bound = boundTo(view, id);
  if (bound.length === 0) return;
  const message = `${id} is named under compatible by ${listNames(bound)}; redefine or remove those first`;
  throw variableError('constraint-violation', message, { details: { id, bound } });
}

function deletion(key: string, expect: number): BatchWrite {
  return { key, body: undefined, operation: 'delete', expect };
}

function alreadyThere(desk: WriteDesk, present: VariableState, wished: VariableDefinition): WriteOutcome {
  if (sameJson(present.definition, wished)) return nothingWritten(desk);
  const { id, definitionRevision } = present;
  const message = `${id} exists with another definition (revision ${definitionRevision}); redefine it or choose another id`;
  throw variableError('variable-exists', message, { details: { id, definitionRevision } });
}
