/** What coordination is about: what is known when the directives of a value are worked out, and the form of these. Plain data. */
import type { AgentAction, AgentSpec, AgentStatus } from '@mabeam/agents';
import type { MabeamError } from '@mabeam/bus';
import type { CoordinationGraph, Json, ResourceDemand } from '@mabeam/variables';

/** How one agent stands. */
export interface AgentStanding {
  readonly spec: AgentSpec;
  /** Of the agent as a whole: `active` when an instance is. */
  readonly status: AgentStatus;
  /** How its last life ended, when none is now: as it should, or not; absent: it never ran. */
  readonly ended?: 'normal' | 'abnormal' | undefined;
  /** From 0 to 1; absent: not known. */
  readonly performance?: number | undefined;
  /** What it may use now. */
  readonly allocation?: ResourceDemand | undefined;
  /** The values it works with, by the ids of their variables. */
  readonly values?: Readonly<Record<string, Json>> | undefined;
}

/** What is known of the space when a value is coordinated. */
export interface CoordinationContext {
  /** Roles and groups that the task at hand asks for. */
  readonly taskRequirements?: readonly string[] | undefined;
  /** What is left to give; absent: nobody counts it. */
  readonly availableResources: {
    readonly memory?: number | undefined;
    readonly cpuWeight?: number | undefined;
  };
  /** What the space has in all; what shares are shares of. */
  readonly totalResources?:
    | { readonly memory?: number | undefined; readonly cpuWeight?: number | undefined }
    | undefined;
  /** From 0 to 1. */
  readonly systemLoad: number;
  /** ms since the epoch. */
  readonly timestamp: number;
  readonly agents: ReadonlyMap<string, AgentStanding>;
  /** The graph in force, and its epoch; 0 when there is none. */
  readonly graph?: CoordinationGraph | undefined;
  readonly epoch: number;
}

/** What an agent is to do so that a value holds. */
export interface CoordinationDirective {
  /** The same for the same variable, action, agent and epoch, so that a repetition is known as one. */
  readonly id: string;
  readonly agent: string;
  readonly action: AgentAction;
  readonly parameters: Readonly<Record<string, Json>>;
  /** At least 1; the larger goes first. */
  readonly priority: number;
  /** ms. */
  readonly timeoutMs: number;
  readonly variable: string;
  readonly epoch: number;
}

/** A directive before it is numbered and ordered. `frees`: it gives back what others may be waiting for. */
export interface Draft {
  readonly agent: string;
  readonly action: AgentAction;
  readonly parameters: Readonly<Record<string, Json>>;
  readonly frees?: boolean | undefined;
}

/** What a coordination ends in. */
export type Coordination =
  | { readonly kind: 'directives'; readonly directives: readonly CoordinationDirective[] }
  | { readonly kind: 'failed'; readonly error: MabeamError };

/** May the agent be started again after its last life, by the restart type of its definition? */
export function mayStart({ ended, spec }: Pick<AgentStanding, 'ended' | 'spec'>): boolean {
  if (ended === undefined || spec.restart === 'permanent') return true;
  return spec.restart === 'transient' && ended === 'abnormal';
}

/** Does it run, or is it on its way? */
export function isRunning({ status }: Pick<AgentStanding, 'status'>): boolean {
  return status === 'active' || status === 'starting' || status === 'migrating';
}
