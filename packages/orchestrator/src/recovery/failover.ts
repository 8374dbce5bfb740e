/**
 * What a failed member means for the selections that it is in: who takes its place, and whether the others can go on without it. Pure.
 */
import { MabeamError } from '@mabeam/bus';
import { planChanges, type SpaceView, type VariableState, type WishedValue } from '@mabeam/variables';
import { compareIds, selectedIn, selectionsOf, type DefinedAgent } from '../instances/desired.ts';
import type { StoredRecovery } from './recovery-record.ts';
import { givenUpNow } from './standing.ts';

/** What both questions look at. */
export interface Team {
  readonly agents: readonly DefinedAgent[];
  readonly variables: readonly VariableState[];
  readonly records: ReadonlyMap<string, StoredRecovery>;
  readonly view: SpaceView;
}

/**
 * The spare that takes a failed agent's place in a selection, and the value that says so; undefined when none fits. A spare is in the
 * selection's `agents`, is not selected, and has no failure open; the larger priority goes first, then the id. The value satisfies all
 * constraints of the space.
 */
export function spareFor(
  failed: string,
  variable: string | undefined,
  team: Team,
): { readonly agent: string; readonly wish: WishedValue } | undefined {
  const selecting = selectionsOf(failed, team.variables).filter(({ value }) =>
    selectedIn(value).includes(failed),
  );
  const selection = selecting.find(({ id }) => id === variable) ?? selecting[0];
  if (selection === undefined) return undefined;
  const selected = selectedIn(selection.value);
  const spares = team.agents
    .filter(({ spec }) => selection.definition.agents.includes(spec.id) && !selected.includes(spec.id))
    .filter((spare) => isWell(spare, team))
    .toSorted((a, b) => (b.spec.priority ?? 0) - (a.spec.priority ?? 0) || compareIds(a.spec.id, b.spec.id));
  for (const { spec } of spares) {
    const value = selected.map((id) => (id === failed ? spec.id : id));
    const wish = { id: selection.id, value };
    if (isAllowed(team.view, wish)) return { agent: spec.id, wish };
  }
  return undefined;
}

/** Do the selections that an agent is in still have as many agents as they demand, when it is gone and those given up before? */
export function canDegrade(failed: string, team: Team): boolean {
  const byId = new Map(team.agents.map((agent) => [agent.spec.id, agent]));
  return selectionsOf(failed, team.variables)
    .filter(({ value }) => selectedIn(value).includes(failed))
    .every(({ definition, value }) => {
      const left = selectedIn(value).filter((id) => {
        const agent = byId.get(id);
        return id !== failed && agent !== undefined && isKeptOn(agent, team);
      });
      return left.length >= (definition.constraints.minActive ?? 0);
    });
}

function isWell({ spec, revision }: DefinedAgent, team: Team): boolean {
  const record = team.records.get(spec.id)?.record;
  return isKeptOn({ spec, revision }, team) && (record === undefined || record.open.length === 0);
}

function isKeptOn(agent: DefinedAgent, { records, variables }: Team): boolean {
  return givenUpNow(agent, records.get(agent.spec.id)?.record, variables) === undefined;
}

/** Would the space take the value? */
function isAllowed(view: SpaceView, wish: WishedValue): boolean {
  try {
    planChanges(view, [wish], { by: 'orchestrator', cause: 'failover', at: new Date(0) });
    return true;
  } catch (error) {
    if (error instanceof MabeamError) return false;
    throw error;
  }
}
