/** Constructors of definitions, one for each kind. Pure: nothing is stored; they throw as parseVariableDefinition does. */
import type { AdaptationPolicy } from './adaptation-policy.ts';
import type { ResourceAllocation } from './allocation.ts';
import { parseVariableDefinition } from './definition.ts';
import type { DistributionPolicy } from './distribution-policy.ts';
import type { Domain } from './domain.ts';
import type { Json } from './json.ts';
import type { AdaptationPace, ThresholdBand } from './measure.ts';
import type { ResourceDemand } from './resources.ts';
import type { Constraints, FailureAnswer, ResourceLimit, VariableDefinition } from './variable.ts';

/** Options that all constructors have. */
interface CommonOptions {
  /** Whom it concerns; every agent of the space when absent. */
  readonly agents?: readonly string[];
  /** `cluster`: only the listed agents see it. Default `global`. */
  readonly scope?: 'global' | 'cluster';
  readonly constraints?: Constraints;
  /** The name of the handler that turns a value into directives; the kind's own way when absent. */
  readonly coordination?: string;
  /** How it moves by itself; what is left out has its default. It does not when absent. */
  readonly adaptation?: Pick<AdaptationPolicy, 'strategy' | 'metric' | 'direction'> &
    Partial<AdaptationPolicy>;
  /** What becomes of its team when an agent fails. */
  readonly onFailure?: FailureAnswer;
  /** What holding its value costs the space's pool. */
  readonly resources?: ResourceDemand;
  /** Who goes first when variables contradict each other: the larger; default 0. */
  readonly priority?: number;
  /** On which nodes it is kept; what is left out has its default. */
  readonly distribution?: Partial<DistributionPolicy>;
}

interface RangeOptions {
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly enum?: readonly Json[];
}

/** Options of {@link agentSelection}. */
export interface AgentSelectionOptions extends CommonOptions {
  /** The candidates; at least one. */
  readonly agents: readonly string[];
  /** Who is active until somebody chooses; the first `maxConcurrent` candidates when absent. */
  readonly initial?: readonly string[] | string;
}

/** Defines which agents are active. A committed change starts the newly selected and drains the others. */
export function agentSelection(id: string, options: AgentSelectionOptions): VariableDefinition {
  return parseVariableDefinition({ ...options, id, kind: 'agent-selection' });
}

/** Options of {@link resourceAllocation}. */
export interface ResourceAllocationOptions extends CommonOptions {
  /** What there is in all: the amounts never add up to more. */
  readonly resourceLimit?: ResourceLimit;
  /** Amounts or shares by agent; equal shares for the listed agents when absent. */
  readonly initial?: Readonly<
    Record<string, number | (Omit<ResourceAllocation, 'networkPriority'> & Partial<ResourceAllocation>)>
  >;
}

/** Defines what each agent may use: `{memory, cpuWeight, networkPriority}` or shares that add up to at most 1. */
export function resourceAllocation(id: string, options: ResourceAllocationOptions = {}): VariableDefinition {
  const { resourceLimit, ...rest } = options;
  const constraints = { ...options.constraints, ...(resourceLimit === undefined ? {} : { resourceLimit }) };
  return parseVariableDefinition({ ...rest, constraints, id, kind: 'resource-allocation' });
}

/** Options of {@link communicationTopology} and {@link coordinationPattern}. */
export interface CommunicationTopologyOptions extends CommonOptions {
  /** The topologies to choose from; all when absent. */
  readonly patterns?: readonly string[];
  readonly allowPartition?: boolean;
  /**
   * A pattern or `{pattern, hub?, edges?}`. When absent the first of `patterns`, else `mesh` for a topology and `broadcast` for
   * a coordination pattern.
   */
  readonly initial?: string | { readonly [key: string]: Json };
}

/** Defines who may talk to whom. A committed change replaces the graph of the space. */
export function communicationTopology(
  id: string,
  options: CommunicationTopologyOptions = {},
): VariableDefinition {
  return parseVariableDefinition({ ...patternForm(options), id, kind: 'communication-topology' });
}

/** Defines how the orchestrator reaches the agents in its own conversations with them: a bare pattern where that says all. */
export function coordinationPattern(
  id: string,
  options: CommunicationTopologyOptions = {},
): VariableDefinition {
  return parseVariableDefinition({ ...patternForm(options), id, kind: 'coordination-pattern' });
}

/** Options of {@link adaptationRate}. */
export interface AdaptationRateOptions extends CommonOptions, RangeOptions {
  /** From 0 (frozen) to 1 (unhindered), or the pace in full; 1 when absent. Its form is the variable's form. */
  readonly initial?: number | AdaptationPace;
}

/** Defines how fast adaptations may move what it covers. */
export function adaptationRate(id: string, options: AdaptationRateOptions = {}): VariableDefinition {
  return parseVariableDefinition({ ...rangeForm(options), id, kind: 'adaptation-rate' });
}

/** Options of {@link performanceThreshold}. */
export interface PerformanceThresholdOptions extends CommonOptions, RangeOptions {
  /** A number, or two limits of a metric. Its form is the variable's form. */
  readonly initial: number | ThresholdBand;
}

/** Defines what decisions compare with: a number, or `{metric, warning, critical, direction}`. */
export function performanceThreshold(id: string, options: PerformanceThresholdOptions): VariableDefinition {
  return parseVariableDefinition({ ...rangeForm(options), id, kind: 'performance-threshold' });
}

/** Options of {@link customVariable}. */
export interface CustomVariableOptions extends CommonOptions, RangeOptions {
  readonly initial: Json;
  readonly pattern?: string;
}

/** Defines a value whose meaning its readers agree on; any JSON when no limits are given. */
export function customVariable(id: string, options: CustomVariableOptions): VariableDefinition {
  const { pattern, ...rest } = options;
  const { domain, ...form } = rangeForm(rest);
  return parseVariableDefinition({ ...form, id, kind: 'custom', domain: { ...domain, pattern } });
}

function rangeForm<T extends RangeOptions>(
  options: T,
): Omit<T, keyof RangeOptions> & { readonly domain: Domain } {
  const { min, max, step, enum: values, ...rest } = options;
  return { ...rest, domain: { min, max, step, enum: values } };
}

function patternForm(options: CommunicationTopologyOptions): object {
  const { patterns, allowPartition, ...rest } = options;
  const given = options.constraints ?? {};
  const constraints = allowPartition === undefined ? given : { ...given, allowPartition };
  return { ...rest, domain: { patterns }, constraints };
}
