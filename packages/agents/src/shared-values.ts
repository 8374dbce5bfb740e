/**
 * The variables as the agents of one process see them, worked out when an agent is called and not before. Agents that see only
 * what everybody sees share one object.
 *
 * Invariants
 *  H1  A revision touches nothing here; the next call finds that the view is another one.
 *  H2  Between two views only what differs is looked at, unless a definition is new: an agent's values are made anew only if
 *      one of them is.
 *  H3  What was handed out never changes.
 *  H4  Where a value is on trial, each call sees it or not by its conversation, and conversations that see the same share one object.
 */
import {
  idsBetween,
  pickArm,
  splitVariableId,
  visibleTo,
  type Arm,
  type Candidate,
  type Json,
  type SpaceView,
  type VariableState,
} from '@mabeam/variables';

type Values = Readonly<Record<string, Json>>;
type States = Map<string, VariableState>;

/** What an agent sees in one view. */
export interface Shown {
  /** Where nothing is on trial, and without a conversation; frozen. */
  readonly values: Values;
  /** What is on trial of it. */
  readonly trials: readonly Trial[];
  /** What is shown in a conversation, and which arm of each trial that is; frozen. */
  readonly inConversation: (conversation: string) => ShownInConversation;
}

/** A value on trial. */
export interface Trial {
  readonly name: string;
  readonly candidate: Candidate;
}

export interface ShownInConversation {
  readonly values: Values;
  readonly arms: Readonly<Record<string, Arm>>;
}

/** What agents of one process see of a space's views, which are looked at in their order. */
export class SharedValues {
  #view: SpaceView | undefined;
  #globals: States = new Map();
  #locals = new Map<string, States>();
  /** Agents that see more than everybody does: their own variables, or some that are for a few agents only. */
  #special = new Set<string>();
  readonly #shown = new Map<string, Shown>();

  /** What an agent sees in a view. */
  of(view: SpaceView, agent: string): Shown {
    if (view !== this.#view) this.#turnTo(view);
    const owner = this.#special.has(agent) ? agent : '';
    const known = this.#shown.get(owner);
    if (known !== undefined) return known;
    const variables = new Map([...this.#globals, ...(this.#locals.get(owner) ?? [])]);
    const shown = shownOf({ ...view, variables }, agent);
    this.#shown.set(owner, shown);
    return shown;
  }

  #turnTo(view: SpaceView): void {
    const before = this.#view;
    this.#view = view;
    if (before === undefined) return this.#sort(view);
    for (const id of idsBetween(before.variables, view.variables)) {
      const { agent } = splitVariableId(id);
      const states = agent === undefined ? this.#globals : this.#locals.get(agent);
      const [from, to] = [states?.get(id), view.variables.get(id)];
      if (from?.definition !== to?.definition) return this.#sort(view);
      if (states === undefined || to === undefined || from === to) continue;
      states.set(id, to);
      // Another value of what was there already: those who see it will see it at their next call.
      if (agent === undefined) this.#shown.clear();
      else this.#shown.delete(agent);
    }
  }

  /** Sorts the variables by their agents, so that one agent's view costs no look at all the others'. */
  #sort(view: SpaceView): void {
    this.#shown.clear();
    this.#globals = new Map();
    this.#locals = new Map();
    for (const [id, state] of view.variables) this.#statesOf(splitVariableId(id).agent).set(id, state);
    const scoped = [...this.#globals.values()].filter(({ definition }) => definition.scope !== 'global');
    this.#special = new Set([
      ...this.#locals.keys(),
      ...scoped.flatMap(({ definition }) => definition.agents),
    ]);
  }

  #statesOf(agent: string | undefined): States {
    if (agent === undefined) return this.#globals;
    const known = this.#locals.get(agent);
    if (known !== undefined) return known;
    const states: States = new Map();
    this.#locals.set(agent, states);
    return states;
  }
}

function shownOf(view: SpaceView, agent: string): Shown {
  const visible = visibleTo(view, agent);
  const values = Object.freeze(Object.fromEntries(visible.map(({ name, state }) => [name, state.value])));
  const trials = visible.flatMap(({ name, state: { candidate } }) =>
    candidate === undefined ? [] : [{ name, candidate }],
  );
  const plain = { values, arms: {} };
  const inConversation = trials.length === 0 ? () => plain : byArms(values, trials);
  return { values, trials, inConversation };
}

/** H4. */
function byArms(values: Values, trials: readonly Trial[]): Shown['inConversation'] {
  const known = new Map<string, ShownInConversation>();
  return (conversation) => {
    const picked = trials.map(({ candidate }) => pickArm(candidate, conversation));
    const before = known.get(picked.join());
    if (before !== undefined) return before;
    const tried = trials.flatMap(({ candidate, name }, i) =>
      picked[i] === 'candidate' ? [[name, candidate.value] as const] : [],
    );
    const shown = {
      values: Object.freeze({ ...values, ...Object.fromEntries(tried) }),
      arms: Object.freeze(Object.fromEntries(trials.map(({ name }, i) => [name, picked[i] ?? 'incumbent']))),
    };
    known.set(picked.join(), shown);
    return shown;
  };
}
