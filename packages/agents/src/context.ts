/**
 * What a handler is given: who it is, the variables as of one revision, and its ways to the others.
 *
 * A call sees one snapshot: `variables` and `revision` do not change while it runs, whatever is committed meanwhile; the
 * next call sees the next revision.
 */
import type { Events, StoredMessage } from '@mabeam/bus';
import type { Logger } from '@mabeam/telemetry/api';
import type { SpaceView } from '@mabeam/variables';
import { directAgent, type AgentAction, type DirectiveAnswer, type DirectOptions } from './directive.ts';
import type { EdgeKind, EdgeMessage } from './edge.ts';
import { sendAlong, type SendOptions, type SendResult } from './edge-sender.ts';
import type { Premises } from './premises.ts';
import { admit, peersOf } from './wiring.ts';

export interface Ways {
  /** Asks another agent along an edge of the current topology. Errors: `edge-not-permitted`, or those of a request. */
  readonly ask: (agent: string, body: unknown, options?: { readonly timeoutMs?: number }) => Promise<unknown>;
  /** Sends without waiting; a failure is logged, not thrown. */
  readonly tell: (agent: string, body: unknown) => void;
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

/** Who an agent is in this process: one incarnation of one instance. */
export interface Instance {
  readonly agent: string;
  readonly ordinal: number;
  readonly incarnation: string;
}

export interface AgentContext extends Ways, Instance {
  readonly space: string;
  /** The definition's `config`, as it is. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Every variable of the space by its id, and the agent's own by their bare names. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** Revision of the variables bucket that `variables` shows. */
  readonly revision: number;
  /** Agents this one may send to; undefined when it may send to all. */
  readonly peers: readonly string[] | undefined;
  readonly log: Logger;
  /** Aborts when the agent stops, or the call's deadline passes. */
  readonly signal: AbortSignal;
}

export interface CallContext extends AgentContext {
  /** The asking agent; undefined for an operator or a program outside the team. */
  readonly from: string | undefined;
}

export interface TaskContext extends AgentContext {
  readonly task: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
}

export interface EdgeContext extends AgentContext {
  readonly from: string;
  readonly kind: EdgeKind;
  /** Edges that the thing has come over, this one included; what the handler sends on counts from here. */
  readonly hops: number;
  /** 1 for the first attempt; more only on `data` edges. */
  readonly attempt: number;
}

/** A member as its contexts see it. */
export interface Speaker {
  readonly premises: Premises;
  readonly instance: Instance;
  readonly config: Readonly<Record<string, unknown>>;
  readonly log: Logger;
  /** Aborts when the agent stops. */
  readonly stopping: AbortSignal;
  /** Called when background work of the agent has failed: it cannot go on. */
  fail(error: unknown): void;
}

/** A context of the newest revision, for a call that ends with `signal` and has come over `hops` edges. */
export function contextOf(speaker: Speaker, signal: AbortSignal, hops = 0): AgentContext {
  const { premises, instance, config, log } = speaker;
  const { view } = premises.store;
  const { agent, ordinal, incarnation } = instance;
  return {
    space: premises.space,
    agent,
    ordinal,
    incarnation,
    config,
    variables: premises.values.of(view, agent),
    revision: view.revision,
    peers: peersOf(view.graph, agent),
    log,
    signal,
    ...waysOf(speaker, view, signal, hops),
  };
}

/** The context of an edge's handler. */
export function edgeContextOf(
  speaker: Speaker,
  kind: EdgeKind,
  { from, hops }: Pick<EdgeMessage, 'from' | 'hops'>,
  { signal, attempt = 1 }: { readonly signal: AbortSignal; readonly attempt?: number },
): EdgeContext {
  const passed = hops + 1;
  return { ...contextOf(speaker, signal, passed), from, kind, hops: passed, attempt };
}

function waysOf(speaker: Speaker, view: SpaceView, signal: AbortSignal, hops: number): Ways {
  const { premises, instance, log } = speaker;
  const { bus, space, at, events, specs, store } = premises;
  const { agent } = instance;
  const ask: Ways['ask'] = async (to, body, options = {}) => {
    admit(view.graph, agent, to);
    const epoch = view.graph === undefined ? {} : { epoch: view.graph.revision };
    const meta = { ...epoch, from: agent, form: specs.formOf(to), revision: view.revision, signal };
    return bus.request(at.askAgent(to), body, { ...options, ...meta });
  };
  return {
    ask,
    tell: (to, body) => {
      ask(to, body).catch((error: unknown) => log.warn({ to, err: error }, 'a message was not taken'));
    },
    send: (to, kind, body, options) =>
      sendAlong({ premises, agent, view, hops, signal }, { to, kind, body }, options),
    direct: (to, verb, options) => {
      const leaderRevision = store.replica.revisionOf('leader');
      return directAgent(bus, space, to, verb, { ...options, from: agent, leaderRevision, signal });
    },
    events,
    trigger: (name, body, options) => events.trigger(name, body, options),
    fold: (filter, fold) => foldEvents(speaker, filter, fold),
  };
}

async function foldEvents(
  speaker: Speaker,
  filter: string,
  fold: (event: StoredMessage) => void | Promise<void>,
): Promise<void> {
  const { events } = speaker.premises;
  const signal = speaker.stopping;
  let next = 1;
  for await (const event of events.read({ filter })) {
    await fold(event);
    next = event.sequence + 1;
  }
  const goOn = async (): Promise<void> => {
    for await (const event of events.follow({ filter, from: next, signal })) await fold(event);
  };
  goOn().catch((error: unknown) => {
    if (!signal.aborted) speaker.fail(error);
  });
}
