/**
 * A variable as declared: its kind, whom it concerns, which values it may take and with which it begins.
 *
 * Plain data that crosses processes; definition.ts makes and parses it, value.ts judges values against it.
 */
import type { Domain } from './domain.ts';
import type { Json } from './json.ts';

/** The kinds of variable this version knows. */
export const variableKinds = [
  'agent-selection',
  'performance-threshold',
  'communication-topology',
  'custom',
] as const;

/**
 * What a variable's value means: the agents that are active, a number that decisions compare with, who may talk to whom,
 * or whatever its readers agree on.
 */
export type VariableKind = (typeof variableKinds)[number];

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
  /** A custom topology may fall into parts that cannot reach each other. */
  readonly allowPartition?: boolean | undefined;
}

/** A variable as declared. */
export interface VariableDefinition {
  readonly v: 1;
  /** Unique in its space; a local variable is called `<agent>.<name>`. */
  readonly id: string;
  readonly kind: VariableKind;
  /** `global`: every agent of the space sees it; `local`: declared by one agent, seen by that agent. */
  readonly scope: 'global' | 'local';
  /** Whom it concerns: the candidates of a selection, the participants of a topology (none listed: all agents). */
  readonly agents: readonly string[];
  readonly domain: Domain;
  readonly constraints: Constraints;
  /** The value until somebody writes one; normalised, always valid. */
  readonly initial: Json;
}
