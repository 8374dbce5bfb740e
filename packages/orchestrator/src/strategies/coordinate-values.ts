/**
 * A value that agents only read, as directives: whoever runs, may see it and works with another is given it. Of a coordination pattern
 * they learn how they will be reached; the pattern itself is obeyed by whoever reaches them. Pure.
 */
import { sameJson, splitVariableId, type Json, type VariableDefinition } from '@mabeam/variables';
import { isRunning, type CoordinationContext, type Draft } from './coordination.ts';

/** A variable of scope `cluster` is seen by the agents it lists, one of scope `local` by its own, all others by everybody. */
export function valueDrafts(
  definition: VariableDefinition,
  value: Json,
  { agents }: CoordinationContext,
): readonly Draft[] {
  return [...agents].flatMap(([agent, standing]): Draft[] => {
    if (!isRunning(standing) || !mayRead(definition, agent)) return [];
    const held = standing.values ?? {};
    const { id } = definition;
    if (Object.hasOwn(held, id) && sameJson(held[id], value)) return [];
    return [{ agent, action: 'adjust-parameters', parameters: { [id]: value } }];
  });
}

function mayRead({ agents, id, scope }: VariableDefinition, agent: string): boolean {
  const owner = splitVariableId(id).agent;
  if (owner !== undefined) return owner === agent;
  return scope === 'global' || agents.includes(agent);
}
