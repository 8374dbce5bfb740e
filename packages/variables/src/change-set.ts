/**
 * Change sets: from wished values to the writes that bring them about, if nothing has happened in between. Pure.
 *
 * C1  Every value is validated against the view; one that is not allowed refuses the whole set, and nothing is written.
 * C2  Each write expects the revision its key has in the view, so the set is committed onto that view's values or not at all.
 *
 * The orchestrator adds its own records (fence, adaptation) to `writes` and commits all of it as one batch.
 */
import type { BatchWrite } from '@mabeam/bus';
import type { ValueEntry } from './entry.ts';
import { variableError } from './errors.ts';
import { sameJson, type Json } from './json.ts';
import { valueKey } from './keys.ts';
import { listNames, problemError } from './problem.ts';
import { validateValue } from './value.ts';
import type { SpaceView, VariableState } from './view.ts';

/** A wished value. */
export interface WishedValue {
  readonly id: string;
  readonly value: unknown;
  /** Revision the variable's value must have (0: still its initial one); any when absent. */
  readonly ifRevision?: number | undefined;
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
}

/** A change set ready to be committed. */
export interface ChangePlan {
  /** One write for each change, in order. */
  readonly writes: readonly BatchWrite[];
  readonly changes: readonly PlannedChange[];
  /** Revision of the view it was planned on. */
  readonly basedOn: number;
}

/**
 * Plans a change set on a view. Throws unknown-variable, out-of-domain, constraint-violation, stale-revision,
 * duplicate-change, invalid-author.
 */
export function planChanges(
  view: SpaceView,
  wishes: readonly WishedValue[],
  authorship: Authorship,
): ChangePlan {
  const twice = wishes.find(({ id }, i) => wishes.findIndex((other) => other.id === id) !== i);
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
  return {
    writes: planned.map(({ write }) => write),
    changes: planned.map(({ change }) => change),
    basedOn: view.revision,
  };
}

/** The plan without the changes that would write what is there already. */
export function withoutEqual(plan: ChangePlan): ChangePlan {
  const isKept = (_: unknown, i: number): boolean => plan.changes[i]?.isDifferent === true;
  return { ...plan, writes: plan.writes.filter(isKept), changes: plan.changes.filter(isKept) };
}

/** The variable's state in a view; throws `unknown-variable`, naming those there are. */
export function stateOf(view: SpaceView, id: string): VariableState {
  const state = view.variables.get(id);
  if (state !== undefined) return state;
  const message = `there is no variable ${id}; there are: ${listNames([...view.variables.keys()].toSorted())}`;
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
  const verdict = validateValue(state.definition, wish.value);
  if (verdict.kind === 'invalid') throw problemError(verdict, wish.id);
  const body = entryFor(verdict.value, state.definitionRevision, authorship);
  return {
    write: { key: valueKey(wish.id), body, expect: state.keyRevision },
    change: {
      id: wish.id,
      from: state.value,
      to: verdict.value,
      isDifferent: !sameJson(state.value, verdict.value),
    },
  };
}

function staleRevision(state: VariableState, expected: number): Error {
  const author = state.entry === undefined ? 'its initial value' : `written by ${state.entry.by}`;
  const message = `${state.id} is at revision ${state.revision} (${author}), not ${expected}; read it again and decide anew`;
  return variableError('stale-revision', message, {
    details: { id: state.id, expected, current: state.revision },
  });
}
