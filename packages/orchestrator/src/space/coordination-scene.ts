/**
 * How a space stands, in the terms of coordination: each agent with its status, and the values it is known to work with. Pure.
 *
 * H1 An agent works with a value when each of its instances that is up says that it has the value's revision; nothing else is assumed.
 */
import type { AgentStatus } from '@mabeam/agents';
import { observedKey, type ObservedInstance } from '@mabeam/cluster';
import type { Json, VariableState } from '@mabeam/variables';
import type { Situation } from '../adaptation/settlement.ts';
import { compareIds, type DefinedAgent } from '../instances/desired.ts';
import type { PoolState } from '../instances/pool.ts';
import type { PerformanceMetrics } from '../scaling/metrics.ts';
import { amountsOf } from '../strategies/coordinate-allocation.ts';
import type { AgentStanding, CoordinationContext } from '../strategies/coordination.ts';
import type { SpaceState } from '../state/space-state.ts';

/** All that is known. */
export interface SceneInput {
  readonly state: SpaceState;
  readonly situation: Situation;
  readonly pool: PoolState;
  readonly metrics: PerformanceMetrics;
  /** ms since the epoch. */
  readonly now: number;
}

/** The context in which the values of this space are coordinated (H1). */
export function coordinationScene({ metrics, now, pool, situation, state }: SceneInput): CoordinationContext {
  const variables = [...state.view.variables.values()];
  const { available, total } = pool;
  const whole = { memory: total.memory, cpuWeight: total.cpu };
  const standings = situation.agents.map((agent): readonly [string, AgentStanding] => {
    const performance = metrics.agents[agent.spec.id]?.performance;
    return [agent.spec.id, { ...standingOf(agent, situation, variables, whole), performance }];
  });
  return {
    availableResources: { memory: available.memory, cpuWeight: available.cpu },
    totalResources: whole,
    systemLoad: total.cpu > 0 ? Math.min(1, 1 - available.cpu / total.cpu) : 0,
    timestamp: now,
    agents: new Map(standings),
    graph: state.view.graph?.graph,
    epoch: state.view.graph?.revision ?? 0,
  };
}

function standingOf(
  { spec }: DefinedAgent,
  situation: Situation,
  variables: readonly VariableState[],
  whole: NonNullable<CoordinationContext['totalResources']>,
): AgentStanding {
  const { leases, observed } = situation;
  const own = observed.filter(({ agent }) => agent === spec.id);
  const held = new Map(leases.map((lease) => [observedKey(lease), lease.incarnation]));
  const statuses = own.map((seen) => statusOf(seen, held.get(observedKey(seen))));
  const status = order.find((each) => statuses.includes(each)) ?? 'inactive';
  const applied = appliedBy(spec.id, situation);
  const isKnown = ({ revision }: VariableState): boolean => applied >= revision;
  const values = variables.filter(isKnown).map(({ id, value }) => [id, value] as const);
  return {
    spec,
    status,
    ...(status === 'failed' ? { ended: 'abnormal' as const } : {}),
    ...(own.length > 0 && status === 'inactive' ? { ended: 'normal' as const } : {}),
    values: Object.fromEntries(values),
    allocation: allocationOf(spec.id, variables.filter(isKnown), whole),
  };
}

/** Of an agent's instances the best counts. */
const order: readonly AgentStatus[] = ['active', 'starting', 'stopping', 'failed', 'inactive'];

/** What its host last said, unless the host is gone, or has begun another life and not spoken of it yet. */
function statusOf({ incarnation, status }: ObservedInstance, held: string | undefined): AgentStatus {
  if (held !== undefined) return held === incarnation ? status : 'starting';
  return status === 'inactive' ? 'inactive' : 'failed';
}

/** The revision that each of an agent's instances that is up has said to have; −1: one has said nothing, or none is up. */
function appliedBy(agent: string, { leases, reports }: Situation): number {
  const said = leases
    .filter((lease) => lease.agent === agent)
    .map((lease) => {
      const report = reports.get(observedKey(lease));
      return report?.incarnation === lease.incarnation ? report.applied : -1;
    });
  return said.length === 0 ? -1 : Math.min(...said);
}

/** What the allocations that it knows give it; of several the most important one counts (settle-claims.ts, L1). */
function allocationOf(
  agent: string,
  variables: readonly VariableState[],
  whole: NonNullable<CoordinationContext['totalResources']>,
): AgentStanding['allocation'] {
  const leastFirst = variables.toSorted(
    (a, b) => (a.definition.priority ?? 0) - (b.definition.priority ?? 0) || compareIds(b.id, a.id),
  );
  const parts = leastFirst.flatMap(({ definition, value }) => {
    const part = definition.kind === 'resource-allocation' ? partOf(value, agent) : undefined;
    return part === undefined ? [] : [amountsOf(definition, part, { totalResources: whole })];
  });
  return parts.at(-1);
}

function partOf(value: Json, agent: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([id]) => id === agent)?.[1];
}
