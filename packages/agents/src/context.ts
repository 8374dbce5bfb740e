/**
 * What a handler is given: who it is, the variables as of one revision, and its ways to the others.
 *
 * A call sees one snapshot: `variables` and `revision` do not change while it runs, whatever is committed meanwhile; the
 * next call sees the next revision. What a handler sends out belongs to the conversation of what it was called for, and
 * counts one more agent passed (docs/protocol.md, "Journeys").
 *
 * A context is made for each call. So it holds what the call is about, and makes the rest – ways, signal, peers – only when its
 * handler looks at it.
 */
import { trace } from '@opentelemetry/api';
import {
  newConversation,
  openTasks,
  recordedTrace,
  type Events,
  type Identity,
  type RequestOptions,
  type StoredMessage,
} from '@mabeam/bus';
import { attributes, type Logger } from '@mabeam/telemetry/api';
import type { SpaceView } from '@mabeam/variables';
import { directAgent } from './directive.ts';
import { assertHops, type EdgeKind, type EdgeMessage } from './edge.ts';
import { sendAlong } from './edge-sender.ts';
import { makeProposal } from './local-proposal.ts';
import { giveScore } from './metrics-score.ts';
import type { Shown, ShownInConversation } from './shared-values.ts';
import type { Instance, Speaker, Ways } from './ways.ts';
import { admit, peersOf } from './wiring.ts';

export type { Instance, Speaker, Ways };

/**
 * What every handler is given. Its ways are made when they are first looked at: take out what you need, or hand it on as a
 * whole, for a copy (`{ ...context }`) has none of them.
 */
export interface AgentContext extends Ways, Instance {
  readonly space: string;
  /** The definition's `config`, as it is. */
  readonly config: Readonly<Record<string, unknown>>;
  /**
   * Every variable of the space by its id, and the agent's own by their bare names. Of a canary it shows the candidate if the
   * conversation of the call is in its share.
   */
  readonly variables: Readonly<Record<string, unknown>>;
  /** Revision of the variables bucket that `variables` shows. */
  readonly revision: number;
  /** Agents this one may send to; undefined when it may send to all. */
  readonly peers: readonly string[] | undefined;
  readonly log: Logger;
  /** What it signs with. Its public key is published: see `publicKeys`. */
  readonly identity: Identity;
  /** Aborts when the agent stops, or the call's deadline passes. */
  readonly signal: AbortSignal;
  /**
   * The conversation the call belongs to, the same at each agent it leads to and at each attempt: what the asker says; else
   * for a task its id, for anything else the recorded trace, or a name made when it is first read.
   */
  readonly conversation: string;
}

/** What the handler of a question is given. */
export interface CallContext extends AgentContext {
  /** The asking agent; undefined for an operator or a program outside the team. */
  readonly from: string | undefined;
}

/** What the handler of a task is given. */
export interface TaskContext extends AgentContext {
  readonly task: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
}

/** What the handler of an edge is given. */
export interface EdgeContext extends AgentContext {
  readonly from: string;
  readonly kind: EdgeKind;
  /** Agents and edges that the thing has passed, this one included; what the handler sends on counts from here. */
  readonly hops: number;
  /** 1 for the first attempt; more only on `data` edges. */
  readonly attempt: number;
}

/** What a handler is called for; read when it is needed. */
export interface Occasion {
  /** Aborts when the call is to end. */
  readonly signal: AbortSignal;
  /** The conversation it belongs to; absent: the recorded trace, else a new one. */
  readonly conversation?: string | undefined;
  /** What is done is for all conversations, as at the start: nothing that is on trial is seen. */
  readonly isForAll?: boolean;
}

/** A context of the newest revision, for an occasion that has passed `hops` agents, this one included. */
export function contextOf(speaker: Speaker, occasion: Occasion, hops = 0): AgentContext {
  return new HandlerContext(speaker, occasion, hops);
}

/** The context of an edge's handler. */
export function edgeContextOf(
  speaker: Speaker,
  kind: EdgeKind,
  { from, hops, conversation }: Pick<EdgeMessage, 'from' | 'hops'> & Pick<Occasion, 'conversation'>,
  call: Occasion & { readonly attempt?: number },
): EdgeContext {
  const passed = hops + 1;
  const occasion = conversation === undefined ? call : { signal: call.signal, conversation };
  const context = new HandlerContext(speaker, occasion, passed);
  return Object.assign(context, { from, kind, hops: passed, attempt: call.attempt ?? 1 });
}

class HandlerContext implements AgentContext {
  readonly space: string;
  readonly agent: string;
  readonly ordinal: number;
  readonly incarnation: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly revision: number;
  readonly #shown: Shown;
  readonly #speaker: Speaker;
  readonly #occasion: Occasion;
  readonly #hops: number;
  readonly #view: SpaceView;
  #conversation: string | undefined;

  constructor(speaker: Speaker, occasion: Occasion, hops: number) {
    const { premises, instance } = speaker;
    const { view } = premises.store;
    this.#speaker = speaker;
    this.#occasion = occasion;
    this.#hops = hops;
    this.#view = view;
    this.space = premises.space;
    this.agent = instance.agent;
    this.ordinal = instance.ordinal;
    this.incarnation = instance.incarnation;
    this.config = speaker.config;
    this.#shown = premises.values.of(view, instance.agent);
    this.revision = view.revision;
  }

  /** Of a value on trial, what the conversation is to see: looked up when it is read, for few calls name a conversation before. */
  get variables(): Readonly<Record<string, unknown>> {
    const { inConversation, trials, values } = this.#shown;
    if (trials.length === 0 || this.#occasion.isForAll === true) return values;
    const shown = inConversation(this.conversation);
    recordArms(shown.arms);
    return shown.values;
  }

  get peers(): readonly string[] | undefined {
    return peersOf(this.#view.graph, this.agent);
  }

  get log(): Logger {
    return this.#speaker.log;
  }

  get identity(): Identity {
    return this.#speaker.identity;
  }

  get signal(): AbortSignal {
    return this.#occasion.signal;
  }

  get conversation(): string {
    this.#conversation ??= this.#occasion.conversation ?? recordedTrace() ?? newConversation();
    return this.#conversation;
  }

  get ask(): Ways['ask'] {
    return (to, body, options) => this.#ask(to, body, options);
  }

  get tell(): Ways['tell'] {
    return (to, body) => {
      this.#ask(to, body).catch((error: unknown) =>
        this.log.warn({ to, err: error }, 'a message was not taken'),
      );
    };
  }

  get submit(): Ways['submit'] {
    return async (group, id, input, options = {}) => {
      assertHops(this.#hops, this.agent, group);
      const { bus, space } = this.#speaker.premises;
      const journey = { hops: this.#hops, conversation: this.conversation };
      return openTasks(bus, space).submit(group, id, input, { ...options, ...journey });
    };
  }

  get send(): Ways['send'] {
    return (to, kind, body, options) => {
      const { meter, premises } = this.#speaker;
      const { agent, conversation, signal } = this;
      const sender = { premises, agent, view: this.#view, hops: this.#hops, conversation, signal };
      const sending = sendAlong(sender, { to, kind, body }, options);
      return kind === 'data' || kind === 'command' ? meter.countSent(sending) : sending;
    };
  }

  get direct(): Ways['direct'] {
    const { premises } = this.#speaker;
    const { agent: from, signal } = this;
    return (to, verb, options) => {
      const leaderRevision = premises.store.replica.revisionOf('leader');
      return directAgent(premises.bus, premises.space, to, verb, {
        ...options,
        from,
        leaderRevision,
        signal,
      });
    };
  }

  get events(): Events {
    const { events } = this.#speaker.premises;
    return {
      ...events,
      publish: (noun, id, verb, body, options) =>
        events.publish(noun, id, verb, body, { conversation: this.conversation, ...options }),
      trigger: (name, body, options) =>
        events.trigger(name, body, { conversation: this.conversation, ...options }),
    };
  }

  get score(): Ways['score'] {
    const { events, specs } = this.#speaker.premises;
    const { agent, conversation } = this;
    return (value, options) =>
      giveScore(events, value, { agent, conversation, spec: specs.of(agent)?.spec }, options);
  }

  get propose(): Ways['propose'] {
    const { events, specs } = this.#speaker.premises;
    const { agent, conversation } = this;
    return (variable, value, reward) =>
      makeProposal(events, variable, { agent, value, reward }, { conversation, spec: specs.of(agent)?.spec });
  }

  get trigger(): Ways['trigger'] {
    return (name, body, options) => this.events.trigger(name, body, options);
  }

  get fold(): Ways['fold'] {
    return (filter, fold) => foldEvents(this.#speaker, filter, fold);
  }

  async #ask(to: string, body: unknown, options?: Pick<RequestOptions, 'timeoutMs'>): Promise<unknown> {
    const { bus, at, specs } = this.#speaker.premises;
    const { graph, revision } = this.#view;
    admit(graph, this.agent, to);
    assertHops(this.#hops, this.agent, to);
    return bus.request(at.askAgent(to), body, {
      ...options,
      ...(graph === undefined ? {} : { epoch: graph.revision }),
      from: this.agent,
      form: specs.formOf(to),
      revision,
      signal: this.signal,
      hops: this.#hops,
      conversation: this.conversation,
    });
  }
}

/** The arms that a call has seen, in its span: `threshold=candidate`. */
function recordArms(arms: ShownInConversation['arms']): void {
  const seen = Object.entries(arms).map(([name, arm]) => `${name}=${arm}`);
  trace.getActiveSpan()?.setAttribute(attributes.canary, seen);
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
