/**
 * Coordination: from a variable's value to what its agents are to do. Pure; the same for all seven kinds.
 *
 * K1 The value is one the variable may have. Directives are for agents in its scope only; a variable of scope `global` concerns every
 *    agent of the space, whatever its `agents` says – but who is selected, and who has a share, is among the agents it lists.
 * K2 There is at most one directive for an agent and action. They are in the order of their priority, the larger first, then of the
 *    agents' ids. The same input gives the same directives, ids included.
 * K3 What they take in all is within what is available together with what they free, and what frees goes before what takes.
 * K4 What is so already needs no directive: coordinated again, nothing is left to do.
 */
import { createHash } from 'node:crypto';
import { MabeamError } from '@mabeam/bus';
import { validateValue, type Json, type VariableDefinition, type VariableState } from '@mabeam/variables';
import type { AgentAction } from '@mabeam/agents';
import { allocationDrafts } from './coordinate-allocation.ts';
import { selectionDrafts } from './coordinate-selection.ts';
import { topologyDrafts } from './coordinate-topology.ts';
import { valueDrafts } from './coordinate-values.ts';
import type { Coordination, CoordinationContext, CoordinationDirective, Draft } from './coordination.ts';
import { orchestratorError } from '../errors.ts';
import { compareIds } from '../instances/desired.ts';

/** A variable as far as its coordination goes. */
export type CoordinatedVariable = Pick<VariableState, 'definition'>;

/** How long an agent has for each action, in ms. */
const timeouts: Readonly<Record<AgentAction, number>> = {
  start: 30_000,
  stop: 30_000,
  migrate: 30_000,
  'scale-up': 30_000,
  'scale-down': 30_000,
  reconfigure: 5_000,
  'change-role': 5_000,
  'update-communication': 5_000,
  'adjust-parameters': 1_000,
};

/**
 * The directives by which a value comes to hold (K1–K4). `invalid-configuration`: no value of this variable; `agent-unavailable`: an
 * agent it needs has failed, and its answer to failures does not help; `resource-exhausted`: what it takes is not there.
 */
export function coordinate(
  variable: CoordinatedVariable,
  value: unknown,
  context: CoordinationContext,
): Coordination {
  const { definition } = variable;
  try {
    const verdict = validateValue(definition, value);
    if (verdict.kind === 'invalid')
      throw orchestratorError(
        'invalid-configuration',
        `${definition.id}: ${verdict.field}: ${verdict.message}`,
        {
          details: { variable: definition.id, field: verdict.field },
        },
      );
    return orderDirectives(definition, draftsOf(definition, verdict.value, context), context);
  } catch (error) {
    if (!(error instanceof MabeamError)) throw error;
    return { kind: 'failed', error };
  }
}

function draftsOf(
  definition: VariableDefinition,
  value: Json,
  context: CoordinationContext,
): readonly Draft[] {
  switch (definition.kind) {
    case 'agent-selection':
      return selectionDrafts(definition, value, context);
    case 'resource-allocation':
      return allocationDrafts(definition, value, context);
    case 'communication-topology':
      return topologyDrafts(definition, value, context);
    case 'adaptation-rate':
    case 'performance-threshold':
    case 'coordination-pattern':
    case 'custom':
      return valueDrafts(definition, value, context);
  }
}

/** The drafts as directives (K2), if there is enough for them (K3). Throws `resource-exhausted`. */
export function orderDirectives(
  definition: VariableDefinition,
  drafts: readonly Draft[],
  context: CoordinationContext,
): Coordination {
  assertResources(definition, drafts, context);
  const own = (agent: string): number =>
    Math.max(1, 1 + (definition.priority ?? 0) + (context.agents.get(agent)?.spec.priority ?? 0));
  const ordinary = drafts.filter(({ frees }) => frees !== true).map(({ agent }) => own(agent));
  const first = Math.max(0, ...ordinary) + 1;
  const directives = drafts.map(({ action, agent, frees, parameters }): CoordinationDirective => ({
    id: directiveId(definition.id, { action, agent, parameters }, context.epoch),
    agent,
    action,
    parameters,
    priority: frees === true ? first : own(agent),
    timeoutMs: timeouts[action],
    variable: definition.id,
    epoch: context.epoch,
  }));
  const ordered = directives.toSorted(
    (a, b) => b.priority - a.priority || compareIds(a.agent, b.agent) || compareIds(a.action, b.action),
  );
  return { kind: 'directives', directives: ordered };
}

/** K3. What an agent has already and keeps is not taken again; who stops gives back what its definition took. */
function assertResources(
  definition: VariableDefinition,
  drafts: readonly Draft[],
  { agents, availableResources }: CoordinationContext,
): void {
  for (const resource of ['memory', 'cpuWeight'] as const) {
    const available = availableResources[resource];
    if (available === undefined) continue;
    const taken = drafts.reduce((sum, { action, agent, parameters }) => {
      const { allocation = {}, spec } = agents.get(agent) ?? {};
      const given = allocation[resource] ?? (spec?.resources?.[resource] ?? 0) * (spec?.replicas ?? 0);
      const held = action === 'stop' ? given : action === 'reconfigure' ? (allocation[resource] ?? 0) : 0;
      return sum + amountIn(parameters['resources'], resource) - held;
    }, 0);
    if (taken <= available * (1 + 1e-9)) continue;
    const message = `${definition.id}: it takes ${taken} of ${resource}, ${available} is left; lower it, or free some`;
    throw orchestratorError('resource-exhausted', message, {
      details: { variable: definition.id, resource },
    });
  }
}

function amountIn(resources: Json | undefined, name: 'memory' | 'cpuWeight'): number {
  if (typeof resources !== 'object' || resources === null) return 0;
  const amount = Object.entries(resources).find(([key]) => key === name)?.[1];
  return typeof amount === 'number' ? amount : 0;
}

function directiveId(variable: string, draft: Draft, epoch: number): string {
  const text = JSON.stringify([variable, draft.agent, draft.action, draft.parameters, epoch]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
