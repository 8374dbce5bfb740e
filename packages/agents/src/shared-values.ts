/**
 * The variables as the agents of one process see them, worked out when an agent is called and not before. Agents that see only
 * what everybody sees share one object.
 *
 * Invariants
 *  H1  A revision touches nothing here; the next call finds that the view is another one.
 *  H2  Between two views only what differs is looked at, unless a definition is new: an agent's values are made anew only if
 *      one of them is.
 *  H3  What was handed out never changes.
 */
import {
  idsBetween,
  splitVariableId,
  valuesFor,
  type Json,
  type SpaceView,
  type VariableState,
} from '@mabeam/variables';

type Values = Readonly<Record<string, Json>>;
type States = Map<string, VariableState>;

/** What agents of one process see of a space's views, which are looked at in their order. */
export class SharedValues {
  #view: SpaceView | undefined;
  #globals: States = new Map();
  #locals = new Map<string, States>();
  /** Agents that see more than everybody does: their own variables, or some that are for a few agents only. */
  #special = new Set<string>();
  readonly #values = new Map<string, Values>();

  /** What an agent sees in a view; frozen. */
  of(view: SpaceView, agent: string): Values {
    if (view !== this.#view) this.#turnTo(view);
    const owner = this.#special.has(agent) ? agent : '';
    const known = this.#values.get(owner);
    if (known !== undefined) return known;
    const variables = new Map([...this.#globals, ...(this.#locals.get(owner) ?? [])]);
    const values = Object.freeze({ ...valuesFor({ ...view, variables }, agent) });
    this.#values.set(owner, values);
    return values;
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
      if (agent === undefined) this.#values.clear();
      else this.#values.delete(agent);
    }
  }

  /** Sorts the variables by their agents, so that one agent's view costs no look at all the others'. */
  #sort(view: SpaceView): void {
    this.#values.clear();
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
