/**
 * The variables as the agents of one process see them, computed at most once for each revision. Agents that see only
 * what everybody sees share one object.
 */
import { splitVariableId, valuesFor, type Json, type SpaceView, type VariableState } from '@mabeam/variables';

type Values = Readonly<Record<string, Json>>;
type States = Map<string, VariableState>;

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

  /** Sorts the variables by their agents, so that one agent's view costs no look at all the others'. */
  #turnTo(view: SpaceView): void {
    this.#view = view;
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
