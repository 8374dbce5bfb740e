/** Constructors of definitions, one for each kind. Pure: nothing is stored; they throw as parseVariableDefinition does. */
import { parseVariableDefinition } from './definition.ts';
import type { Json } from './json.ts';
import type { Constraints, VariableDefinition } from './variable.ts';

/** Options of {@link agentSelection}. */
export interface AgentSelectionOptions {
  /** The candidates; at least one. */
  readonly agents: readonly string[];
  readonly constraints?: Constraints;
  /** Who is active until somebody chooses; the first `maxConcurrent` candidates when absent. */
  readonly initial?: readonly string[] | string;
}

/** Defines which agents are active. A committed change starts the newly selected and drains the others. */
export function agentSelection(id: string, options: AgentSelectionOptions): VariableDefinition {
  return parseVariableDefinition({ ...options, id, kind: 'agent-selection' });
}

/** Options of {@link performanceThreshold}. */
export interface PerformanceThresholdOptions {
  readonly initial: number;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly agents?: readonly string[];
}

/** Defines a number that decisions compare with; any finite number when no limits are given. */
export function performanceThreshold(id: string, options: PerformanceThresholdOptions): VariableDefinition {
  const { min, max, step, ...rest } = options;
  return parseVariableDefinition({ ...rest, id, kind: 'performance-threshold', domain: { min, max, step } });
}

/** Options of {@link communicationTopology}. */
export interface CommunicationTopologyOptions {
  /** The participants; every agent of the space when absent. */
  readonly agents?: readonly string[];
  /** The topologies to choose from; all when absent. */
  readonly patterns?: readonly string[];
  readonly allowPartition?: boolean;
  /** A pattern or `{pattern, hub?, edges?}`; `mesh`, or the first of `patterns`, when absent. */
  readonly initial?: string | { readonly [key: string]: Json };
}

/** Defines who may talk to whom. A committed change replaces the graph of the space. */
export function communicationTopology(
  id: string,
  options: CommunicationTopologyOptions = {},
): VariableDefinition {
  const { patterns, allowPartition, ...rest } = options;
  const limits = { domain: { patterns }, constraints: { allowPartition } };
  return parseVariableDefinition({ ...rest, ...limits, id, kind: 'communication-topology' });
}

/** Options of {@link customVariable}. */
export interface CustomVariableOptions {
  readonly initial: Json;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly enum?: readonly Json[];
  readonly pattern?: string;
  readonly agents?: readonly string[];
}

/** Defines a value whose meaning its readers agree on; any JSON when no limits are given. */
export function customVariable(id: string, options: CustomVariableOptions): VariableDefinition {
  const { min, max, step, enum: values, pattern, ...rest } = options;
  return parseVariableDefinition({
    ...rest,
    id,
    kind: 'custom',
    domain: { min, max, step, enum: values, pattern },
  });
}
