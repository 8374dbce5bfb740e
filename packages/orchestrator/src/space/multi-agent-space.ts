/**
 * MultiAgentSpace: a space as a program uses it. Each of its methods either writes the space's state by compare-and-set or asks the
 * leader, which decides by what its own loop decides by; nothing is decided here, and nothing is kept but a copy of the space.
 */
import type { AgentSpecInput } from '@mabeam/agents';
import { openEvents, subjects, type Bus, type EventReadOptions, type StoredMessage } from '@mabeam/bus';
import type { ConstraintHandler, VariableDefinition } from '@mabeam/variables';
import { reportFailure, type FailureReport, type FailureReported } from '../recovery/report-failure.ts';
import type { ScalingDecision } from '../scaling/decide-scaling.ts';
import type { PerformanceMetrics } from '../scaling/metrics.ts';
import { openSpaceMetrics, type SpaceMetrics } from '../scaling/space-metrics.ts';
import { openSpaceMirror, type SpaceMirror } from '../state/space-mirror.ts';
import { addOrchestrationVariable, registerAgent, type PartAdded, type SpacePlace } from './add-part.ts';
import type { SpaceCoordinated } from './coordinate-space.ts';
import { snapshotOf, type SpaceSnapshot } from './snapshot.ts';
import type { VariableAdapted } from './space-commands.ts';
import { spaceStanding, type SpaceStanding } from './standing.ts';
import {
  startAgents,
  stopAgents,
  type AgentsStarted,
  type AgentsStopped,
  type StartOptions,
} from './start-agents.ts';

/** How a space is opened. */
export interface OpenSpaceOptions {
  /** In whose name it is changed. Default `program`. */
  readonly by?: string;
  /** The predicates that definitions name. */
  readonly constraints?: readonly ConstraintHandler[];
}

/** Attaches to a space that exists, and resolves when its state is here. Throws `stream-missing` (there is none), `invalid-id`. */
export async function openSpace(
  bus: Bus,
  id: string,
  { by = 'program', constraints = [] }: OpenSpaceOptions = {},
): Promise<MultiAgentSpace> {
  const mirror = await openSpaceMirror(bus, id, { constraints });
  return new MultiAgentSpace({ bus, space: id, mirror }, by);
}

/** How long the leader is waited for, in ms. */
export interface AskOptions {
  readonly timeoutMs?: number;
}

const usualTimeoutMs = 10_000;

/** A space, attached to; open it with {@link openSpace}. Disposing ends the attachment, never the space. */
export class MultiAgentSpace implements AsyncDisposable {
  readonly id: string;
  readonly #place: SpacePlace;
  readonly #by: string;
  readonly #metrics: SpaceMetrics;

  /** @internal Use {@link openSpace}. */
  constructor(place: SpacePlace, by: string) {
    this.id = place.space;
    this.#place = place;
    this.#by = by;
    this.#metrics = openSpaceMetrics(place.bus, place.space);
  }

  /** The copy of the space that all of this goes by: variables to read, write and watch, and what runs. */
  get mirror(): SpaceMirror {
    return this.#place.mirror;
  }

  /**
   * Defines an agent, which does not run until it is started or selected; the same again is `noop`. Throws `agent-exists`,
   * `invalid-agent-spec`, `resource-impossible`, `space-definition-invalid`.
   */
  registerAgent(spec: AgentSpecInput): Promise<PartAdded> {
    return registerAgent(this.#place, spec, { by: this.#by });
  }

  /**
   * Adds a variable with its first value; the same again is `noop`. Throws `variable-exists`, `unknown-agent` (unless `lazy`),
   * `conflicting-topology`, `invalid-definition`, `space-definition-invalid`.
   */
  addOrchestrationVariable(
    variable: VariableDefinition,
    options: { readonly lazy?: boolean } = {},
  ): Promise<PartAdded> {
    return addOrchestrationVariable(this.#place, variable, { by: this.#by, ...options });
  }

  /**
   * Starts the registered agents, or those named, in the order of their dependencies and within the pool; resolves when they are up, or
   * with all that kept them from it, rolled back unless `degrade`. Throws `unknown-agent`, `agents-not-stopped`.
   */
  startAgents(options: Omit<StartOptions, 'by'> = {}): Promise<AgentsStarted> {
    return startAgents(this.#place, { by: this.#by, ...options });
  }

  /** Stops registered agents, or those named, and resolves when they are gone. Throws `unknown-agent`, `agents-not-stopped`. */
  stopAgents(options: Omit<StartOptions, 'by' | 'onFailure'> = {}): Promise<AgentsStopped> {
    return stopAgents(this.#place, { by: this.#by, ...options });
  }

  /** Makes every value hold, and has the agents confirm it; when all is so nothing is sent. Throws `no-responders` without a leader. */
  coordinateAgents(options: AskOptions = {}): Promise<SpaceCoordinated> {
    // The leader answers with what coordinateSpace gives.
    return this.#ask(
      'coordinate',
      { timeoutMs: options.timeoutMs ?? usualTimeoutMs },
      options,
    ) as Promise<SpaceCoordinated>;
  }

  /**
   * Lets each variable with a policy adapt by these figures, `metrics()` for instance. Throws `invalid-metrics`, `no-responders`, what
   * handlers throw.
   */
  adaptSystem(metrics: PerformanceMetrics, options: AskOptions = {}): Promise<readonly VariableAdapted[]> {
    // The leader answers with what adaptVariables gives.
    return this.#ask('adapt-system', { metrics }, options) as Promise<readonly VariableAdapted[]>;
  }

  /**
   * Says that the present life of an instance, or the one named, has failed, though its host sees it up: it ends, and what becomes of the
   * agent its supervision decides. Said twice it is one failure (`noop`). Throws `unknown-agent`, `invalid-report`, `no-responders`.
   */
  handleAgentFailure(report: FailureReport, options: AskOptions = {}): Promise<FailureReported> {
    const { bus, space } = this.#place;
    return reportFailure(bus, space, report, { timeoutMs: usualTimeoutMs, ...options });
  }

  /** Has the scaling policies looked at now; resolves with their decisions and reasons. Throws `no-responders`. */
  autoScale(options: AskOptions = {}): Promise<readonly ScalingDecision[]> {
    // The leader answers with what its autoscaler decides.
    return this.#ask('auto-scale', {}, options) as Promise<readonly ScalingDecision[]>;
  }

  /** What was heard of the space's performance since it was opened, in the last minute at most. */
  metrics(): PerformanceMetrics {
    return this.#metrics.metrics(this.mirror, Date.now());
  }

  /** What ought to run against what does, and why not. */
  standing(): SpaceStanding {
    return spaceStanding(this.mirror, Date.now());
  }

  /** The space as plain data. */
  snapshot(): SpaceSnapshot {
    return snapshotOf(this.mirror, this.id, Date.now());
  }

  /** Events and triggers of the space, from a sequence on or from now on, until the signal aborts or the loop is left. */
  events(options: EventReadOptions = {}): AsyncGenerator<StoredMessage, void> {
    return openEvents(this.#place.bus, this.id).follow({ from: 'new', ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#metrics[Symbol.asyncDispose]();
    await this.mirror[Symbol.asyncDispose]();
  }

  #ask(verb: string, body: unknown, { timeoutMs = usualTimeoutMs }: AskOptions): Promise<unknown> {
    const { bus, space } = this.#place;
    return bus.request(subjects(space).command('space', space, verb), body, { timeoutMs });
  }
}
