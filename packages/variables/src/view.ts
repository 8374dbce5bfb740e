/**
 * The view of a space: its variables as one process sees them at one revision. fold.ts makes it from the bucket's keys.
 *
 * A view never changes; whoever holds one works with one consistent revision. What is in it is valid.
 */
import { pickArm } from './canary.ts';
import type { Candidate, ValueEntry } from './entry.ts';
import type { Json } from './json.ts';
import type { FreezeState } from './freeze.ts';
import { definitionKey, splitVariableId } from './keys.ts';
import { noPredicates, type Predicates } from './predicate.ts';
import type { Problem } from './problem.ts';
import type { CoordinationGraph } from './coordination-graph.ts';
import type { VariableDefinition } from './variable.ts';
import { VersionedMap } from './versioned-map.ts';

/** A variable at one revision. */
export interface VariableState {
  readonly id: string;
  readonly definition: VariableDefinition;
  readonly definitionRevision: number;
  /** Normalised and valid under the definition. */
  readonly value: Json;
  /** A value on trial that came with it, normalised and valid: a share of the conversations takes it instead (canary.ts). */
  readonly candidate?: Candidate | undefined;
  /** Revision that wrote the value; 0 while it is the initial one. */
  readonly revision: number;
  /** Last revision of the key, rejected ones and deletions included: what a compare-and-set must expect. */
  readonly keyRevision: number;
  /** The entry the value came in, with its author and cause; absent while it is the initial one. */
  readonly entry?: ValueEntry | undefined;
}

/** Something in the bucket that was not applied. */
export interface Rejection extends Problem {
  readonly key: string;
  readonly revision: number;
  /** The variable it was meant for, when it was a value. */
  readonly id?: string | undefined;
}

/** The graph in force and its epoch. */
export interface GraphState {
  readonly graph: CoordinationGraph;
  readonly revision: number;
}

/** A space's variables at one revision. */
export interface SpaceView {
  /** Revision of the bucket up to which everything is folded in. */
  readonly revision: number;
  readonly variables: ReadonlyMap<string, VariableState>;
  /** What was not applied, by key. */
  readonly rejected: ReadonlyMap<string, Rejection>;
  readonly graph: GraphState | undefined;
  /** All automation is stopped; undefined: it is not. */
  readonly freeze: FreezeState | undefined;
  /** The predicates that this process judges by. */
  readonly predicates: Predicates;
  /** What the fold remembers of each key; of no use to readers. */
  readonly cells: Cells;
}

/** An entry and the revision it has. */
export interface HeldEntry {
  readonly entry: ValueEntry;
  readonly revision: number;
}

/** What the fold remembers of a value's key. */
export interface ValueCell {
  readonly revision: number;
  readonly latest?: ValueEntry | undefined;
  readonly problem?: Problem | undefined;
  /** The last entry that was applied. */
  readonly good?: HeldEntry | undefined;
}

/** What the fold remembers of a key that declares variables. */
export interface Declaration {
  readonly revision: number;
  readonly definitions: readonly VariableDefinition[];
  readonly definitionRevision: number;
  /** The last revision that deleted the key; values older than that belong to a variable that is no more. */
  readonly deletedAt: number;
  /** The role of the agent that is declared here. */
  readonly role?: string | undefined;
}

/** What the fold remembers of the keys. */
export interface Cells {
  readonly values: ReadonlyMap<string, ValueCell>;
  readonly declarations: ReadonlyMap<string, Declaration>;
  readonly graphRevision: number;
  readonly freezeRevision: number;
}

/** The view of a space in which nothing was ever written, in a process that judges by these predicates. */
export function emptyView(predicates: Predicates = noPredicates): SpaceView {
  return {
    revision: 0,
    variables: new VersionedMap(),
    rejected: new VersionedMap(),
    graph: undefined,
    freeze: undefined,
    predicates,
    cells: {
      values: new VersionedMap(),
      declarations: new VersionedMap(),
      graphRevision: 0,
      freezeRevision: 0,
    },
  };
}

/** The role that an agent's definition gives it; undefined when no definition is there. */
export function roleOf(view: SpaceView, agent: string): string | undefined {
  return view.cells.declarations.get(`definition.agent.${agent}`)?.role;
}

/** The last revision at which the variable, or the agent declaring it, was removed; 0: never. */
export function removedAt(view: SpaceView, id: string): number {
  return view.cells.declarations.get(definitionKey(id))?.deletedAt ?? 0;
}

/** The last revision of a variable's key or of the key it is declared under; 0 when it was never written. */
export function keyRevisions(
  view: SpaceView,
  id: string,
): { readonly value: number; readonly definition: number } {
  return {
    value: view.cells.values.get(id)?.revision ?? 0,
    definition: view.cells.declarations.get(definitionKey(id))?.revision ?? 0,
  };
}

/** A variable as an agent sees it: by its bare name if it is the agent's own. */
export interface VisibleVariable {
  readonly name: string;
  readonly state: VariableState;
}

/**
 * What an agent sees: every global variable by its id, those of scope `cluster` that list it, and its own local ones by their bare
 * name. A local variable hides another one of the same name.
 */
export function visibleTo(view: SpaceView, agent: string): readonly VisibleVariable[] {
  const split = [...view.variables.values()].map((state) => ({ ...splitVariableId(state.id), state }));
  const globals = split.filter(
    ({ agent: owner, state: { definition } }) =>
      owner === undefined && (definition.scope === 'global' || definition.agents.includes(agent)),
  );
  const own = split.filter(({ agent: owner }) => owner === agent);
  const seen = new Map([...globals, ...own].map(({ name, state }) => [name, state]));
  return [...seen].map(([name, state]) => ({ name, state }));
}

/** The value that a conversation takes of a variable: the candidate's, if it is in its share (canary.ts). Without one: the value. */
export function valueFor({ candidate, value }: VariableState, conversation: string | undefined): Json {
  if (candidate === undefined || pickArm(candidate, conversation) === 'incumbent') return value;
  return candidate.value;
}

/** The values of what an agent sees, in a conversation. References to secrets stay references. */
export function valuesFor(
  view: SpaceView,
  agent: string,
  conversation?: string,
): Readonly<Record<string, Json>> {
  const visible = visibleTo(view, agent);
  return Object.fromEntries(visible.map(({ name, state }) => [name, valueFor(state, conversation)]));
}
