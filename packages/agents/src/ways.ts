/** The ways of an agent to the others, and who it is while it goes them. */
import type { Events, Identity, StoredMessage } from '@mabeam/bus';
import type { Logger } from '@mabeam/telemetry/api';
import type { AgentAction, DirectiveAnswer, DirectOptions } from './directive.ts';
import type { EdgeKind } from './edge.ts';
import type { SendOptions, SendResult } from './edge-sender.ts';
import type { Meter } from './metrics-meter.ts';
import type { Premises } from './premises.ts';

/** The ways of an agent to the others. */
export interface Ways {
  /** Asks another agent along an edge of the current topology. Errors: `edge-not-permitted`, `hop-limit`, or those of a request. */
  readonly ask: (agent: string, body: unknown, options?: { readonly timeoutMs?: number }) => Promise<unknown>;
  /** Sends without waiting; a failure is logged, not thrown. */
  readonly tell: (agent: string, body: unknown) => void;
  /**
   * Submits a durable task to a group, once per id; resolves with its sequence once it is kept. Errors: `hop-limit`,
   * `overloaded`, and those of a store.
   */
  readonly submit: (
    group: string,
    id: string,
    input: unknown,
    options?: { readonly timeoutMs?: number },
  ) => Promise<number>;
  /**
   * Sends along an edge. `data` resolves once it is kept, `command` with the answer, the others at once: those may be lost.
   * Errors: `edge-not-permitted`, `hop-limit`, `disconnected`; for `data` also `unknown-agent` and `overloaded`; for
   * `command` also `not-permitted` and those of a request.
   */
  readonly send: (agent: string, kind: EdgeKind, body: unknown, options?: SendOptions) => Promise<SendResult>;
  /**
   * Directs another agent, for coordinators; resolves with its instances' answers. Errors: those of a request, and the
   * receiver's `unknown-verb` and `invalid-directive`.
   */
  readonly direct: (
    agent: string,
    verb: AgentAction,
    options?: Omit<DirectOptions, 'from' | 'leaderRevision' | 'signal'>,
  ) => Promise<DirectiveAnswer[]>;
  readonly events: Events;
  /**
   * Gives a score: a kept event `event.score.<agent>.given`; resolves with its sequence once it is kept. Larger is better, unless
   * whoever goes by the metric says otherwise. Errors: `invalid-score`, `invalid-id`, and those of a store.
   */
  readonly score: (value: number, options?: ScoreOptions) => Promise<number>;
  /**
   * Says which value of a variable of the space has served the agent, and how well (larger is better): a kept event
   * `event.proposal.<variable>.made`, which an `emergent` variable goes by; resolves with its sequence once it is kept. Errors:
   * `not-permitted`, `invalid-local-proposal`, `invalid-id`, and those of a store.
   */
  readonly propose: (variable: string, value: unknown, reward: number) => Promise<number>;
  /** Asks the space to adapt. */
  readonly trigger: (
    name: string,
    body: unknown,
    options?: { readonly messageId?: string },
  ) => Promise<number>;
  /**
   * Gives every kept event of a filter (`event.verdict.*.scored`) to `fold`, in order; resolves when it has caught up with
   * what was kept at the call, and goes on in the background until the agent stops. So what a learner knows is a function
   * of what is kept, and a restarted one knows it again.
   */
  readonly fold: (filter: string, fold: (event: StoredMessage) => void | Promise<void>) => Promise<void>;
}

/** What a score is of. */
export interface ScoreOptions {
  /** Default `quality`. */
  readonly metric?: string;
  /** Whose work is scored; default: the agent that gives the score. */
  readonly agent?: string;
  /** The conversation the work belongs to; default: that of the call. */
  readonly conversation?: string;
}

/** Who an agent is in this process: one incarnation of one instance. */
export interface Instance {
  readonly agent: string;
  readonly ordinal: number;
  readonly incarnation: string;
}

/** A member as its contexts see it. */
export interface Speaker {
  readonly premises: Premises;
  readonly instance: Instance;
  /** What it signs with. */
  readonly identity: Identity;
  readonly config: Readonly<Record<string, unknown>>;
  readonly log: Logger;
  /** Counts what it does. */
  readonly meter: Meter;
  /** Aborts when the agent stops. */
  readonly stopping: AbortSignal;
  /** Called when background work of the agent has failed: it cannot go on. */
  fail(error: unknown): void;
}
