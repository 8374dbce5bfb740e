/**
 * The fold: from the revisions of a space's bucket to its view. Pure; it never throws, whatever stands in the bucket.
 *
 * F1  A variable's value is its newest entry if the present definition allows it; what is not allowed is never applied, it is
 *     listed in `rejected` with its reason, and the last value applied stays while it is allowed (R2). Else: `initial`.
 * F2  Per key only the newest revision counts, in whatever order and grouping the changes of different keys arrive.
 * F3  The view handed in stays as it is; what a change does not touch the next view shares with it (versioned-map.ts), so a
 *     revision costs what it changes, however many variables there are.
 * F4  A declaration that was deleted takes its values with it: what is older than the deletion is never applied again (R25).
 * F5  A candidate that is not allowed is tried by nobody and listed like a value; the value it came with is applied all the same.
 */
import { MabeamError } from '@mabeam/bus';
import { parseVariableDefinition } from './definition.ts';
import { decodeEntry, readJson, type Candidate, type ValueEntry } from './entry.ts';
import { readFreeze, type FreezeState } from './freeze.ts';
import type { Json } from './json.ts';
import { definitionKey, graphKey, parseKey, valueKey, type ParsedKey } from './keys.ts';
import { declaredRole, localDefinitions } from './local.ts';
import type { Predicates } from './predicate.ts';
import type { Problem } from './problem.ts';
import { readGraph } from './coordination-graph.ts';
import { validateValue } from './value.ts';
import type { VariableDefinition } from './variable.ts';
import { MapDraft } from './versioned-map.ts';
import type {
  Declaration,
  GraphState,
  HeldEntry,
  Rejection,
  SpaceView,
  ValueCell,
  VariableState,
} from './view.ts';

/** One revision of one key of the bucket. */
export interface KeyChange {
  readonly key: string;
  readonly revision: number;
  readonly operation: 'put' | 'delete';
  readonly data: Uint8Array;
}

/** Revisions that become visible together, and the bucket's revision after them. */
export interface ChangeSet {
  readonly revision: number;
  readonly entries: readonly KeyChange[];
}

interface Draft {
  readonly variables: MapDraft<VariableState>;
  readonly rejected: MapDraft<Rejection>;
  readonly values: MapDraft<ValueCell>;
  readonly declarations: MapDraft<Declaration>;
  /** Variables whose state must be settled anew. */
  readonly touched: Set<string>;
  readonly predicates: Predicates;
  graph: GraphState | undefined;
  graphRevision: number;
  freeze: FreezeState | undefined;
  freezeRevision: number;
}

/** The view after these change sets, in order. Revisions older than what is known of their key are passed over. */
export function foldChanges(view: SpaceView, sets: readonly ChangeSet[]): SpaceView {
  const revision = sets.reduce((last, set) => Math.max(last, set.revision), view.revision);
  let draft: Draft | undefined;
  for (const { entries } of sets) {
    for (const change of entries) {
      const key = parseKey(change.key);
      if (key.kind === 'other') continue;
      draft ??= draftOf(view);
      acceptChange(draft, key, change);
    }
    if (draft === undefined) continue;
    for (const id of draft.touched) settle(draft, id);
    draft.touched.clear();
  }
  return draft === undefined ? { ...view, revision } : viewOf(draft, revision);
}

function draftOf(view: SpaceView): Draft {
  return {
    variables: new MapDraft(view.variables),
    rejected: new MapDraft(view.rejected),
    values: new MapDraft(view.cells.values),
    declarations: new MapDraft(view.cells.declarations),
    touched: new Set(),
    predicates: view.predicates,
    graph: view.graph,
    graphRevision: view.cells.graphRevision,
    freeze: view.freeze,
    freezeRevision: view.cells.freezeRevision,
  };
}

function viewOf(draft: Draft, revision: number): SpaceView {
  const { graph, freeze, predicates, graphRevision, freezeRevision } = draft;
  const [variables, rejected] = [draft.variables.done(), draft.rejected.done()];
  const [values, declarations] = [draft.values.done(), draft.declarations.done()];
  const cells = { values, declarations, graphRevision, freezeRevision };
  return { revision, variables, rejected, graph, freeze, predicates, cells };
}

function acceptChange(draft: Draft, key: ParsedKey, change: KeyChange): void {
  switch (key.kind) {
    case 'value':
      return acceptValue(draft, key.id, change);
    case 'definition':
      return acceptDeclaration(draft, change, (json) => declaredVariable(key.id, json));
    case 'agent-definition':
      return acceptDeclaration(draft, change, (json) => declaredAgent(key.agent, json));
    case 'graph':
      return acceptGraph(draft, change);
    case 'freeze':
      return acceptFreeze(draft, change);
    case 'other':
  }
}

function acceptValue(draft: Draft, id: string, { revision, operation, data }: KeyChange): void {
  const cell = draft.values.get(id);
  if (cell !== undefined && cell.revision >= revision) return;
  draft.touched.add(id);
  if (operation === 'delete') {
    draft.values.set(id, { revision });
    return;
  }
  const read = decodeEntry(data);
  const news = read.kind === 'entry' ? { latest: read.entry } : { problem: read.problem };
  draft.values.set(id, { revision, ...news, good: cell?.good });
}

interface Declared {
  readonly definitions: readonly VariableDefinition[];
  readonly problems: readonly Problem[];
  readonly role?: string | undefined;
}

/** A declaration that cannot be read at all leaves the former in force (F1). */
function acceptDeclaration(draft: Draft, change: KeyChange, declare: (json: unknown) => Declared): void {
  const { key, revision } = change;
  const before = draft.declarations.get(key);
  if (before !== undefined && before.revision >= revision) return;
  const read = readDeclared(change, declare);
  const isUsable = read.definitions.length > 0 || read.problems.length === 0;
  const definitions = isUsable ? read.definitions : (before?.definitions ?? []);
  const definitionRevision = isUsable ? revision : (before?.definitionRevision ?? 0);
  const deletedAt = change.operation === 'delete' ? revision : (before?.deletedAt ?? 0);
  const role = isUsable ? read.role : before?.role;
  draft.declarations.set(key, { revision, definitions, definitionRevision, deletedAt, role });
  noteRejection(draft, key, revision, read.problems[0]);
  for (const { id } of [...definitions, ...(before?.definitions ?? [])]) draft.touched.add(id);
}

function readDeclared({ operation, data }: KeyChange, declare: (json: unknown) => Declared): Declared {
  if (operation === 'delete') return { definitions: [], problems: [] };
  const body = readJson(data);
  if (body !== undefined) return declare(body.json);
  const message = 'the bytes are not JSON text; write the definition as JSON in UTF-8';
  return { definitions: [], problems: [{ code: 'invalid-definition', field: '', message }] };
}

function declaredVariable(id: string, json: unknown): Declared {
  try {
    const definition = parseVariableDefinition(json, { unknownFields: 'ignore' });
    if (definition.id === id) return { definitions: [definition], problems: [] };
    const message = `the definition names ${definition.id} under the key of ${id}; put it under its own key`;
    return { definitions: [], problems: [{ code: 'invalid-definition', field: 'id', message }] };
  } catch (thrown) {
    if (!(thrown instanceof MabeamError)) throw thrown;
    return {
      definitions: [],
      problems: [{ code: 'invalid-definition', field: '', message: thrown.message }],
    };
  }
}

function declaredAgent(agent: string, json: unknown): Declared {
  return { ...localDefinitions(agent, json), role: declaredRole(json) };
}

function acceptFreeze(draft: Draft, { revision, operation, data }: KeyChange): void {
  if (draft.freezeRevision >= revision) return;
  draft.freezeRevision = revision;
  draft.freeze = operation === 'delete' ? undefined : readFreeze(data, revision);
}

function acceptGraph(draft: Draft, { revision, operation, data }: KeyChange): void {
  if (draft.graphRevision >= revision) return;
  draft.graphRevision = revision;
  const read = operation === 'delete' ? undefined : readGraph(readJson(data)?.json);
  if (read === undefined) draft.graph = undefined;
  else if (read.kind === 'graph') draft.graph = { graph: read.graph, revision };
  noteRejection(draft, graphKey, revision, read?.kind === 'invalid' ? read.problem : undefined);
}

/** Puts a variable's state, and whether its newest entry was rejected, in accord with its cell and its definition (F1). */
function settle(draft: Draft, id: string): void {
  const declaration = draft.declarations.get(definitionKey(id));
  const definition = declaration?.definitions.find((each) => each.id === id);
  const cell = draft.values.get(id);
  if (declaration === undefined || definition === undefined) {
    draft.variables.delete(id);
    const message = 'no definition declares this variable; create it first';
    const stray: Problem = { code: 'unknown-variable', field: '', message };
    if (cell !== undefined)
      noteRejection(draft, valueKey(id), cell.revision, isEmpty(cell) ? undefined : stray, id);
    return;
  }
  const isAlive = cell !== undefined && cell.revision > declaration.deletedAt;
  const choice = chooseValue(definition, isAlive ? cell : undefined, draft.predicates);
  const { candidate, chosen, problem, value } = choice;
  if (isAlive) {
    draft.values.set(id, chosen?.revision === cell.revision ? { ...cell, good: chosen } : cell);
    noteRejection(draft, valueKey(id), cell.revision, problem, id);
  } else draft.rejected.delete(valueKey(id));
  draft.variables.set(id, {
    id,
    definition,
    definitionRevision: declaration.definitionRevision,
    value,
    ...(candidate === undefined ? {} : { candidate }),
    revision: chosen?.revision ?? 0,
    keyRevision: cell?.revision ?? 0,
    entry: chosen?.entry,
  });
}

interface Choice {
  readonly chosen: HeldEntry | undefined;
  readonly value: Json;
  readonly candidate?: Candidate | undefined;
  readonly problem: Problem | undefined;
}

function chooseValue(
  definition: VariableDefinition,
  cell: ValueCell | undefined,
  predicates: Predicates,
): Choice {
  let problem = cell?.problem;
  if (cell?.latest !== undefined) {
    const verdict = validateValue(definition, cell.latest.value, predicates);
    if (verdict.kind === 'valid') {
      const chosen = { entry: cell.latest, revision: cell.revision };
      return { chosen, value: verdict.value, ...chooseCandidate(definition, cell.latest, predicates) };
    }
    problem = { code: verdict.code, field: verdict.field, message: verdict.message };
  }
  const good = cell?.good;
  const former = good === undefined ? undefined : validateValue(definition, good.entry.value, predicates);
  if (good !== undefined && former?.kind === 'valid') {
    const { candidate } = chooseCandidate(definition, good.entry, predicates);
    return { chosen: good, value: former.value, candidate, problem };
  }
  return { chosen: undefined, value: definition.initial, problem };
}

/** F5. */
function chooseCandidate(
  definition: VariableDefinition,
  { candidate }: ValueEntry,
  predicates: Predicates,
): Pick<Choice, 'candidate' | 'problem'> {
  if (candidate === undefined) return { problem: undefined };
  const verdict = validateValue(definition, candidate.value, predicates);
  if (verdict.kind === 'valid')
    return { candidate: { ...candidate, value: verdict.value }, problem: undefined };
  const { code, field, message } = verdict;
  const place = field === '' ? 'candidate' : `candidate.${field}`;
  return { problem: { code, field: place, message: `the candidate: ${message}` } };
}

function isEmpty(cell: ValueCell): boolean {
  return cell.latest === undefined && cell.problem === undefined;
}

function noteRejection(
  draft: Draft,
  key: string,
  revision: number,
  problem: Problem | undefined,
  id?: string,
): void {
  if (problem === undefined) draft.rejected.delete(key);
  else draft.rejected.set(key, { ...problem, key, revision, id });
}
