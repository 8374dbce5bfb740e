/**
 * The roster: a selection of the space whose value are the agents that programs have started; it lists those that were registered and
 * that no other selection lists. So starting and stopping is writing one variable, which the leader obeys like any other. Pure.
 */
import { agentSelection, type VariableDefinition, type VariableState } from '@mabeam/variables';
import { selectedIn, selectionsOf } from '../instances/desired.ts';

/** The variable. */
export const rosterId = 'roster';

/** The variables with this agent on the roster, which comes into being with the first. */
export function rosterWith(
  variables: readonly VariableDefinition[],
  agent: string,
): readonly VariableDefinition[] {
  const roster = variables.find(isRoster);
  const agents = [...(roster?.agents ?? []), agent];
  const next = agentSelection(rosterId, { agents, initial: [] });
  return [...variables.filter((each) => each !== roster), next];
}

/** Whom the roster lists and no other selection, and who of them is started. */
export interface Roster {
  readonly listed: readonly string[];
  readonly started: readonly string[];
}

/** The roster as it is; empty when nobody was registered. */
export function rosterIn(variables: readonly VariableState[]): Roster {
  const roster = variables.find(({ definition }) => isRoster(definition));
  if (roster === undefined) return { listed: [], started: [] };
  const isOwn = (agent: string): boolean => selectionsOf(agent, variables).length === 1;
  return { listed: roster.definition.agents.filter(isOwn), started: selectedIn(roster.value) };
}

function isRoster({ id, kind }: VariableDefinition): boolean {
  return id === rosterId && kind === 'agent-selection';
}
