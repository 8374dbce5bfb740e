/** Small teams for tests: specs, variables and states, complete from the few fields that matter. */
import { parseAgentSpec, type AgentSpec, type AgentSpecInput } from '@mabeam/agents';
import { agentSelection, type VariableDefinition, type VariableState } from '@mabeam/variables';
import type { DefinedAgent } from '../src/instances/desired.ts';

/** An agent that a node would start. */
export function specOf(id: string, more: Partial<AgentSpecInput> = {}): AgentSpec {
  return parseAgentSpec({ id, run: { command: ['true'] }, ...more });
}

/** An agent with the revision of its definition. */
export function agentOf(id: string, more: Partial<AgentSpecInput> = {}, revision = 1): DefinedAgent {
  return { spec: specOf(id, more), revision };
}

/** A variable with a value, written at `revision`. */
export function valued(
  definition: VariableDefinition,
  value: VariableState['value'],
  revision = 5,
): VariableState {
  const entry = {
    v: 1,
    value,
    definitionRevision: 2,
    by: 'test',
    at: '2026-01-01T00:00:00.000Z',
    cause: 'test',
  } as const;
  return {
    id: definition.id,
    definition,
    definitionRevision: 2,
    value,
    revision,
    keyRevision: revision,
    entry,
  };
}

/** A selection `active` among these agents, with this value. */
export function selection(agents: readonly string[], value: readonly string[], id = 'active'): VariableState {
  return valued(agentSelection(id, { agents, initial: [] }), [...value]);
}
