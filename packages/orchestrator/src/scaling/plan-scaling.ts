/**
 * What all policies of a space decide at one look. Pure.
 *
 * A policy for a role governs each of its agents by itself. Who has the larger priority is looked at first, among equals who comes
 * first by id, and takes of the pool what the next ones then lack.
 */
import { demandOf, type ResourceAmounts } from '@mabeam/cluster';
import type { Backlog } from '@mabeam/bus';
import type { ScalingPolicy } from '../definition/scaling-policy.ts';
import { compareIds, type DefinedAgent } from '../instances/desired.ts';
import { timesFitting } from '../instances/pool.ts';
import { scaleKey, wantedReplicas, type ScaleEntry } from '../state/scale-entry.ts';
import { decideScaling, type ScalingDecision, type ScalingState } from './decide-scaling.ts';
import type { PerformanceMetrics } from './metrics.ts';

/** All that a look at a space's scaling looks at. */
export interface ScalingInput {
  readonly policies: readonly ScalingPolicy[];
  /** The agents that take part. */
  readonly agents: readonly DefinedAgent[];
  /** By key. */
  readonly scales: ReadonlyMap<string, ScaleEntry>;
  /** Active instances, by agent. */
  readonly ready: ReadonlyMap<string, number>;
  readonly metrics: PerformanceMetrics;
  /** The tasks of its group, by agent; of agents that work on tasks. */
  readonly backlogs: ReadonlyMap<string, Pick<Backlog, 'pending' | 'unacknowledged'>>;
  /** What is left of the pool when all that is wanted has started. */
  readonly available: ResourceAmounts;
  /** What was remembered at the last look, by policy and agent. */
  readonly states: ReadonlyMap<string, ScalingState>;
  /** ms since the epoch. */
  readonly now: number;
}

/** The decisions of one look, and what is to be remembered for the next. */
export interface ScalingPlan {
  readonly decisions: readonly ScalingDecision[];
  readonly states: ReadonlyMap<string, ScalingState>;
}

/** An agent that may be scaled, and the policy that governs it. */
export interface GovernedAgent {
  readonly agent: DefinedAgent;
  readonly policy: ScalingPolicy;
}

/** Which agents are governed by which policy, in the order in which they are looked at. */
export function governedAgents(
  policies: readonly ScalingPolicy[],
  agents: readonly DefinedAgent[],
): readonly GovernedAgent[] {
  const inOrder = policies.toSorted((a, b) => compareIds(a.id, b.id));
  return agents
    .filter(({ spec }) => spec.run !== undefined && spec.bounds !== undefined)
    .toSorted((a, b) => (b.spec.priority ?? 0) - (a.spec.priority ?? 0) || compareIds(a.spec.id, b.spec.id))
    .flatMap((agent) => {
      const policy = inOrder.find((each) => governs(each, agent));
      return policy === undefined ? [] : [{ agent, policy }];
    });
}

/** Decides for every governed agent. */
export function planScaling(input: ScalingInput): ScalingPlan {
  const { metrics, now, ready, scales, states } = input;
  let { available } = input;
  const next = new Map<string, ScalingState>();
  const decisions = governedAgents(input.policies, input.agents).map(({ agent: { spec }, policy }) => {
    const scale = scales.get(scaleKey(spec.id));
    const demand = demandOf(spec);
    const observation = {
      agent: spec.id,
      wanted: wantedReplicas(spec, scale),
      ready: ready.get(spec.id) ?? 0,
      bounds: spec.bounds,
      room: timesFitting(demand, available),
      metrics: metrics.agents[spec.id],
      backlog: input.backlogs.get(spec.id),
      changedAt: changeOf(scale, now + policy.cooldownMs),
    };
    const key = stateKey(policy, spec.id);
    const { decision, state } = decideScaling(policy, observation, states.get(key), now);
    next.set(key, state);
    const more = Math.max(0, decision.to - decision.from);
    available = { memory: available.memory - more * demand.memory, cpu: available.cpu - more * demand.cpu };
    return decision;
  });
  return { decisions, states: next };
}

/** When the scale was written; a writer whose clock is ahead by more than a cooldown is not believed. */
function changeOf(scale: ScaleEntry | undefined, latest: number): number | undefined {
  const at = scale === undefined ? Number.NaN : Date.parse(scale.at);
  return at <= latest ? at : undefined;
}

/** Under what a policy's memory of an agent is kept. */
function stateKey({ id }: ScalingPolicy, agent: string): string {
  return `${id} ${agent}`;
}

function governs({ target }: ScalingPolicy, { spec }: DefinedAgent): boolean {
  return 'agent' in target ? target.agent === spec.id : target.role === spec.role;
}
