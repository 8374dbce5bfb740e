/**
 * Change sets: from wished values to the writes that bring them about, if nothing has happened in between. Pure.
 *
 * C1  Every value is validated against the view; one that is not allowed refuses the whole set, and nothing is written.
 * C2  Each write expects the revision its key has in the view, so the set is committed onto that view's values or not at all. When
 *     values are bound to other keys (bond.ts), the first write expects the whole space at the view's revision instead.
 * C3  A value that stays as it is is not judged by bonds and predicates: it is in force already, and a repair must be able to say so.
 * C4  A candidate must be allowed as if it were the value already.
 *
 * The orchestrator adds its own records (fence, adaptation) behind `writes` and commits all of it as one batch.
 */
import type { BatchWrite } from '@mabeam/bus';
import { areBound, bondProblem } from './bond.ts';
import type { Candidate, ValueEntry } from './entry.ts';
import { variableError } from './errors.ts';
import { foldChanges } from './fold.ts';
import { sameJson, type Json } from './json.ts';
import { valueKey } from './keys.ts';
import { brokenPredicate, unknownPredicate } from './predicate.ts';
import { listNames, problemError } from './problem.ts';
import { validateValue } from './value.ts';
import type { SpaceView, VariableState } from './view.ts';

/** A wished value. */
export interface WishedValue {
  readonly id: string;
  readonly value: unknown;
  /** Revision the variable's value must have (0: still its initial one); any when absent. */
  readonly ifRevision?: number | undefined;
  /** A value on trial beside it, held to the same conditions (C4); absent: the entry carries none. */
  readonly candidate?: WishedCandidate | undefined;
}

/** A candidate as it is wished for, not yet validated. */
export interface WishedCandidate extends Omit<Candidate, 'value'> {
  readonly value: unknown;
}

/** Who changes something, why and when. */
export interface Authorship {
  /** Who: an agent, a person, a process. */
  readonly by: string;
  /** Why: a short text, or `triggerCause`. */
  readonly cause: string;
  readonly at: Date;
}

/** What a change set will do to one variable. */
export interface PlannedChange {
  readonly id: string;
  readonly from: Json;
  /** The value that will be written, normalised. */
  readonly to: Json;
  /** Is it another value, or the same once more? */
  readonly isDifferent: boolean;
  /** The candidate that will be written beside it, normalised. */
  readonly candidate?: Candidate | undefined;
}

/** A change set ready to be committed. */
export interface ChangePlan {
  /** One write for each change, in order; they stay together and in this order in the batch. */
  readonly writes: readonly BatchWrite[];
  readonly changes: readonly PlannedChange[];
  /** Revision of the view it was planned on. */
  readonly basedOn: number;
  /** Is it valid for that view only (C2)? */
  readonly isBound: boolean;
}

/**
 * Plans a change set on a view. Throws unknown-variable, out-of-domain, constraint-violation, handler-not-registered,
 * stale-revision, duplicate-change, invalid-author.
 */
export function planChanges(
  view: SpaceView,
  wishes: readonly WishedValue[],
  authorship: Authorship,
): ChangePlan {
  const twice = wishes.find(({ id }, i) => i > 0 && wishes.findIndex((other) => other.id === id) !== i);
  if (twice !== undefined) {
    throw variableError(
      'duplicate-change',
      `${twice.id} is changed twice in one change set; give one value`,
      {
        details: { id: twice.id },
      },
    );
  }
  assertAuthor(authorship.by);
  const planned = wishes.map((wish) => planChange(view, wish, authorship));
  const changes = planned.map(({ change }) => change);
  const isBound = areBound(view, new Set(changes.map(({ id }) => id)));
  if (isBound) assertBonds(view, changes);
  const writes = planned.map(({ write }) => write);
  return { writes: sealed(writes, view.revision, isBound), changes, basedOn: view.revision, isBound };
}

/** The plan without the changes that would write what is there already. */
export function withoutEqual(plan: ChangePlan): ChangePlan {
  const isKept = (_: unknown, i: number): boolean =>
    plan.changes[i]?.isDifferent === true || plan.changes[i]?.candidate !== undefined;
  const writes = sealed(plan.writes.filter(isKept), plan.basedOn, plan.isBound);
  return { ...plan, writes, changes: plan.changes.filter(isKept) };
}

/** The view as it would be after the plan, at a revision that is only a guess: to see what would follow, without writing. */
export function viewAfter(view: SpaceView, plan: ChangePlan): SpaceView {
  const entries = plan.writes.map(({ key, body }, i) => {
    const data = new TextEncoder().encode(JSON.stringify(body));
    return { key, revision: view.revision + i + 1, operation: 'put', data } as const;
  });
  return foldChanges(view, [{ revision: view.revision + entries.length, entries }]);
}

/** The variable's state in a view; throws `unknown-variable`, naming those there are. */
export function stateOf(view: SpaceView, id: string): VariableState {
  const state = view.variables.get(id);
  if (state !== undefined) return state;
  const known = [...view.variables.keys()].toSorted();
  const cure = known.length === 0 ? 'this space has none yet' : `there are: ${listNames(known)}`;
  const message = `there is no variable ${id}; ${cure}`;
  throw variableError('unknown-variable', message, { details: { id } });
}

/** The entry for a value that has been validated. */
export function entryFor(value: Json, definitionRevision: number, authorship: Authorship): ValueEntry {
  const { by, at, cause } = authorship;
  return { v: 1, value, definitionRevision, by, at: at.toISOString(), cause };
}

/** Refuses an author without a name, and one too long to be one; throws `invalid-author`. */
export function assertAuthor(by: string): void {
  if (by.trim() !== '' && by.length <= 128) return;
  throw variableError(
    'invalid-author',
    `by: "${by.slice(0, 40)}" is not 1 to 128 characters; say who makes the change`,
  );
}

function planChange(
  view: SpaceView,
  wish: WishedValue,
  authorship: Authorship,
): { readonly write: BatchWrite; readonly change: PlannedChange } {
  const state = stateOf(view, wish.id);
  if (wish.ifRevision !== undefined && wish.ifRevision !== state.revision)
    throw staleRevision(state, wish.ifRevision);
  const value = allowedValue(view, state, wish.value);
  const isDifferent = !sameJson(state.value, value);
  const tried = candidateOf(view, state, wish);
  const body = { ...entryFor(value, state.definitionRevision, authorship), ...tried };
  return {
    write: { key: valueKey(wish.id), body, expect: state.keyRevision },
    change: { id: wish.id, from: state.value, to: value, isDifferent, ...tried },
  };
}

/** The value as it is written; throws what is wrong with it (C1, C3). */
function allowedValue(view: SpaceView, { definition, id, value }: VariableState, wished: unknown): Json {
  const verdict = validateValue(definition, wished);
  if (verdict.kind === 'invalid') throw problemError(verdict, id);
  if (sameJson(value, verdict.value)) return verdict.value;
  const refused =
    unknownPredicate(definition, view.predicates) ??
    brokenPredicate(definition, verdict.value, view.predicates);
  if (refused !== undefined) throw problemError(refused, id);
  return verdict.value;
}

/** C4. */
function candidateOf(
  view: SpaceView,
  state: VariableState,
  { candidate }: WishedValue,
): { readonly candidate?: Candidate } {
  if (candidate === undefined) return {};
  const { salt, share } = candidate;
  return { candidate: { value: allowedValue(view, state, candidate.value), share, salt } };
}

/** C3: only what becomes different is judged; then once more with the candidates as values (C4). */
function assertBonds(view: SpaceView, changes: readonly PlannedChange[]): void {
  const different = changes.filter(({ isDifferent }) => isDifferent);
  assertBondsOf(view, different);
  const tried = changes.flatMap((change) =>
    change.candidate === undefined ? [] : [{ ...change, to: change.candidate.value }],
  );
  if (tried.length > 0)
    assertBondsOf(view, [...different.filter(({ candidate }) => candidate === undefined), ...tried]);
}

function assertBondsOf(view: SpaceView, changes: readonly Pick<PlannedChange, 'id' | 'to'>[]): void {
  const prospects = new Map(
    changes.map(({ id, to }) => [id, { definition: stateOf(view, id).definition, value: to }]),
  );
  const broken = bondProblem(view, prospects);
  if (broken !== undefined) throw problemError(broken, broken.id);
}

/** C2: nothing written since implies that the first write's own key was not written either. */
function sealed(writes: readonly BatchWrite[], revision: number, isBound: boolean): readonly BatchWrite[] {
  const [first, ...rest] = writes;
  if (first === undefined || !isBound) return writes;
  return [{ ...first, expect: revision, expectKey: '>' }, ...rest];
}

function staleRevision(state: VariableState, expected: number): Error {
  const author = state.entry === undefined ? 'its initial value' : `written by ${state.entry.by}`;
  const message = `${state.id} is at revision ${state.revision} (${author}), not ${expected}; read it again and decide anew`;
  return variableError('stale-revision', message, {
    details: { id: state.id, expected, current: state.revision },
  });
}
