/**
 * What a handler is given: who it is, the variables as of one revision, and its ways to the others.
 *
 * A call sees one snapshot: `variables` and `revision` do not change while it runs, whatever is committed meanwhile; the
 * next call sees the next revision.
 */
import { openEvents, subjects, type Bus, type Events, type StoredMessage } from '@mabeam/bus';
import type { Logger } from '@mabeam/telemetry/api';
import { valuesFor, type SpaceView, type VariableStore } from '@mabeam/variables';
import type { Hosting } from './hosting.ts';
import { WireForms } from './wire-form.ts';
import { admit, peersOf } from './wiring.ts';

export interface Ways {
  /** Asks another agent along an edge of the current topology. Errors: `edge-not-permitted`, or those of a request. */
  readonly ask: (agent: string, body: unknown, options?: { readonly timeoutMs?: number }) => Promise<unknown>;
  /** Sends without waiting; a failure is logged, not thrown. */
  readonly tell: (agent: string, body: unknown) => void;
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

export interface AgentContext extends Ways {
  readonly space: string;
  readonly agent: string;
  readonly ordinal: number;
  readonly incarnation: string;
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

export interface ContextParts {
  readonly bus: Bus;
  readonly hosting: Hosting;
  readonly store: VariableStore;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Called when background work of the agent has failed: it cannot go on. */
  readonly fail: (error: unknown) => void;
}

/** Makes the contexts of one agent process; values are computed once per revision. */
export class ContextSource {
  readonly #parts: ContextParts;
  readonly #events: Events;
  readonly #forms: WireForms;
  #view: SpaceView | undefined;
  #variables: Readonly<Record<string, unknown>> = {};

  constructor(parts: ContextParts) {
    this.#parts = parts;
    this.#events = openEvents(parts.bus, parts.hosting.space);
    this.#forms = new WireForms(parts.store);
  }

  /** A context of the newest revision, for a call that ends with `signal`. */
  current(signal: AbortSignal = this.#parts.signal): AgentContext {
    const { hosting, store, log } = this.#parts;
    const { space, agent, ordinal, incarnation, config } = hosting;
    const { view } = store;
    if (view !== this.#view) {
      this.#view = view;
      this.#variables = Object.freeze({ ...valuesFor(view, agent) });
    }
    const peers = peersOf(view.graph, agent);
    const facts = {
      space,
      agent,
      ordinal,
      incarnation,
      config,
      variables: this.#variables,
      revision: view.revision,
    };
    return { ...facts, peers, log, signal, ...this.#ways(view, signal) };
  }

  #ways(view: SpaceView, signal: AbortSignal): Ways {
    const { bus, hosting, log, fail } = this.#parts;
    const { agent, space } = hosting;
    const ask: Ways['ask'] = async (to, body, options = {}) => {
      admit(view.graph, agent, to);
      const epoch = view.graph === undefined ? {} : { epoch: view.graph.revision };
      return bus.request(subjects(space).askAgent(to), body, {
        ...options,
        ...epoch,
        from: agent,
        form: this.#forms.of(to),
        revision: view.revision,
        signal,
      });
    };
    return {
      ask,
      tell: (to, body) => {
        ask(to, body).catch((error: unknown) => log.warn({ to, err: error }, 'a message was not taken'));
      },
      events: this.#events,
      trigger: (name, body, options) => this.#events.trigger(name, body, options),
      fold: (filter, fold) => foldEvents(this.#events, filter, fold, { signal: this.#parts.signal, fail }),
    };
  }
}

async function foldEvents(
  events: Events,
  filter: string,
  fold: (event: StoredMessage) => void | Promise<void>,
  { signal, fail }: Pick<ContextParts, 'signal' | 'fail'>,
): Promise<void> {
  let next = 1;
  for await (const event of events.read({ filter })) {
    await fold(event);
    next = event.sequence + 1;
  }
  const goOn = async (): Promise<void> => {
    for await (const event of events.follow({ filter, from: next, signal })) await fold(event);
  };
  goOn().catch((error: unknown) => {
    if (!signal.aborted) fail(error);
  });
}
