/**
 * A variable as declared: its kind, whom it concerns, which values it may take and with which it begins.
 *
 * Plain data that crosses processes; definition.ts makes and parses it, value.ts judges values against it.
 */
import type { AdaptationPolicy } from './adaptation-policy.ts';
import type { DistributionPolicy } from './distribution-policy.ts';
import type { Domain } from './domain.ts';
import type { Json } from './json.ts';
import type { ResourceDemand } from './resources.ts';

/** The kinds of variable. */
export const variableKinds = [
  'agent-selection',
  'resource-allocation',
  'communication-topology',
  'adaptation-rate',
  'performance-threshold',
  'coordination-pattern',
  'custom',
] as const;

/**
 * What a variable's value means: the agents that are active, what each of them may use, who may talk to whom, how fast
 * adaptations move, what decisions compare with, how the orchestrator reaches its agents, or whatever its readers agree on.
 */
export type VariableKind = (typeof variableKinds)[number];

/** The scopes a variable may have. */
export const variableScopes = ['local', 'global', 'cluster', 'federation'] as const;

/**
 * Who sees a variable.
 *
 *   local        declared by one agent, seen by that agent alone
 *   global       every agent of the space, whatever `agents` says
 *   cluster      the listed agents, on whatever node they run
 *   federation   agents of other clusters too; not accepted yet
 */
export type VariableScope = (typeof variableScopes)[number];

/** The answers to the failure of an agent that a variable concerns. */
export const failureAnswers = ['graceful-degradation', 'fail-fast', 'restart', 'failover'] as const;

/**
 * What becomes of a variable's team when one of its agents fails.
 *
 *   graceful-degradation   the survivors go on while `minActive` holds
 *   fail-fast              any failure fails the coordination of the variable
 *   restart                the agent is started again
 *   failover               a spare of `agents` takes its place
 */
export type FailureAnswer = (typeof failureAnswers)[number];

/** What an allocation may hand out in all. */
export interface ResourceLimit {
  /** Bytes. */
  readonly memory?: number | undefined;
  /** Cores. */
  readonly cpuWeight?: number | undefined;
}

/** Rules a value keeps beside its domain. */
export interface Constraints {
  /** At least so many agents are selected; none when absent. */
  readonly minActive?: number | undefined;
  /** At most so many agents are selected. */
  readonly maxConcurrent?: number | undefined;
  /** Pairs of agents that are never selected together. */
  readonly exclusive?: readonly (readonly [string, string])[] | undefined;
  /** Who is selected needs these selected too. */
  readonly requires?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Roles that the selected agents have among them, as their definitions say; judged when the selection is written. */
  readonly roleCoverage?: readonly string[] | undefined;
  /** A custom topology may fall into parts that cannot reach each other. */
  readonly allowPartition?: boolean | undefined;
  /** The sums of an allocation stay within this. */
  readonly resourceLimit?: ResourceLimit | undefined;
  /** Names of predicates that the value satisfies (`defineConstraint`). */
  readonly predicates?: readonly string[] | undefined;
  /** By the id of another variable: the predicate that both values satisfy together; judged when either is written. */
  readonly compatible?: Readonly<Record<string, string>> | undefined;
}

/** A variable as declared. */
export interface VariableDefinition {
  readonly v: 1;
  /** Unique in its space; a local variable is called `<agent>.<name>`. */
  readonly id: string;
  readonly kind: VariableKind;
  readonly scope: VariableScope;
  /** Whom it concerns: candidates, participants, receivers (none listed: all agents). */
  readonly agents: readonly string[];
  readonly domain: Domain;
  readonly constraints: Constraints;
  /** The value until somebody writes one; normalised, always valid. */
  readonly initial: Json;
  /** The name of the handler that turns a value into directives; the kind's own way when absent. */
  readonly coordination?: string | undefined;
  /** How it moves by itself; it does not when absent. */
  readonly adaptation?: AdaptationPolicy | undefined;
  readonly onFailure?: FailureAnswer | undefined;
  /** What holding its value costs the space's pool. */
  readonly resources?: ResourceDemand | undefined;
  /** Who goes first when variables ask for what does not fit together: the larger; 0 when absent. */
  readonly priority?: number | undefined;
  readonly distribution?: DistributionPolicy | undefined;
}
