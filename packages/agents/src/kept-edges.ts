/**
 * The receiver's end of data edges: what others have sent to one agent, kept by the server until it is dealt with.
 *
 * Invariants
 *  K1  One thing is out at a time, which the server itself sees to: it hands out the next when the last one is dealt with.
 *      So each edge is in order.
 *  K2  A thing is acknowledged after its handler has returned; a death before that brings it again, first of all: until
 *      then a new receiver gets nothing, and it waits for nothing else.
 *  K3  A handler that fails is tried again, with pauses that grow, while the others wait; what cannot be delivered goes to
 *      `event.edge.<id>.dead` with its reason before it is given up. Nothing is given up in silence.
 *  K4  What was admitted when it was sent stays deliverable, whatever the graph is now (R18).
 *  K5  A thing dealt with here is not handed to the handler again, though its acknowledgement was lost.
 *  K6  A receiver that has ended holds nothing: what its handler does not let go of when it is told to is given back, and comes
 *      to its successor.
 */
import {
  consumeStream,
  contextFrom,
  errorBodyOf,
  inSpan,
  MabeamError,
  pause,
  spaceNames,
  unlessAborted,
  type Delivery,
  type ErrorBody,
} from '@mabeam/bus';
import { attributes } from '@mabeam/telemetry/api';
import { edgeContextOf, type Speaker } from './context.ts';
import type { EdgeHandler } from './define.ts';
import type { Door } from './door.ts';
import { edgeSubject, parseEdge, type EdgeMessage } from './edge.ts';
import { agentError } from './errors.ts';
import { Tally } from './tally.ts';
import { wasAdmitted } from './wiring.ts';

const ackWaitMs = 1_000;
/** How long a handler has to obey its signal when its agent stops. */
const obeyMs = 1_000;
const retryDelayMs = 100;
const retryDelayMaxMs = 5_000;
/** Failures of a handler before a thing is given up. */
const maxFailures = 5;
/** Deliveries before it is given up unread: it has killed its receiver as often. */
const maxDeliveries = 10;

/** The door of one agent's data edges. */
export class KeptEdges implements Door {
  readonly served: Tally;
  readonly #speaker: Speaker;
  readonly #handler: EdgeHandler;
  readonly #closing = new AbortController();
  readonly #aborting = new AbortController();
  /** Its handler has not obeyed. */
  readonly #abandoned = new AbortController();
  readonly #done: Promise<void>;
  /** K5: the last thing dealt with, of each sender. */
  readonly #dealtWith = new Map<string, number>();

  constructor(speaker: Speaker, handler: EdgeHandler) {
    this.#speaker = speaker;
    this.#handler = handler;
    const { premises, instance } = speaker;
    const subject = edgeSubject(premises.at, '*', instance.agent, 'data');
    this.served = new Tally(subject, instance.agent, speaker.meter);
    this.#done = this.#pull().catch((error: unknown) => {
      if (!this.#closing.signal.aborted) speaker.fail(error);
    });
  }

  async close(graceMs: number): Promise<void> {
    this.#closing.abort();
    const aborting = setTimeout(() => this.#aborting.abort(), graceMs);
    const abandoning = setTimeout(() => this.#abandoned.abort(), graceMs + obeyMs);
    await this.#done;
    clearTimeout(aborting);
    clearTimeout(abandoning);
  }

  async #pull(): Promise<void> {
    const { premises, instance } = this.#speaker;
    const source = {
      stream: spaceNames(premises.space).edges,
      durable: instance.agent,
      filter: this.served.subject,
      maxMessages: 1,
      maxOutstanding: 1,
      ackWaitMs,
      signal: this.#closing.signal,
    };
    for await (const delivery of consumeStream(premises.bus, source)) await this.#take(delivery);
  }

  /** Deals with one delivery. What is amiss is waited out, for to ask for the next would break the order (K1). */
  async #take(delivery: Delivery): Promise<void> {
    const { signal } = this.#closing;
    const { bus } = this.#speaker.premises;
    const alive = setInterval(() => {
      if (bus.connected) delivery.working();
    }, ackWaitMs / 3);
    try {
      while (!signal.aborted) {
        const isSettled = await unlessAborted(this.#abandoned.signal, this.#attempt(delivery));
        if (isSettled === true) return;
        await pause(retryDelayMs, signal);
      }
      if (bus.connected) delivery.nak();
    } finally {
      clearInterval(alive);
    }
  }

  /** False when the server could not be told how it ended, or the agent stops. */
  async #attempt(delivery: Delivery): Promise<boolean> {
    try {
      await this.#settle(delivery);
      return true;
    } catch (error) {
      this.#speaker.log.warn({ edge: delivery.subject, err: error }, 'a kept thing is not dealt with yet');
      return false;
    }
  }

  async #settle(delivery: Delivery): Promise<void> {
    const edge = parseEdge(delivery);
    if (edge === undefined) {
      const problem = agentError('invalid-input', `${delivery.subject}: its headers make no sense`);
      return this.#giveUp(delivery, undefined, errorBodyOf(problem));
    }
    if (delivery.sequence <= (this.#dealtWith.get(edge.from) ?? 0)) return delivery.ack();
    const problem = (await this.#refusal(delivery, edge)) ?? (await this.#tryHard(delivery, edge));
    if (problem !== undefined) await this.#giveUp(delivery, edge, problem);
    else delivery.ack();
    this.#dealtWith.set(edge.from, delivery.sequence);
  }

  /** Why a thing is not even tried; undefined when it is. */
  async #refusal({ at, count }: Delivery, edge: EdgeMessage): Promise<ErrorBody | undefined> {
    const { from, to, epoch } = edge;
    if (count > maxDeliveries) {
      const message = `${from} → ${to}: delivered ${count - 1} times, and its receiver died of it each time`;
      return errorBodyOf(agentError('undeliverable', message, { details: { from, to, count } }));
    }
    const graphs = await this.#speaker.premises.graphs.kept(epoch);
    if (wasAdmitted(graphs, { from, to, epoch, at })) return undefined;
    this.served.refuse('edge-not-permitted');
    const message = `${from} might not send to ${to} when it did: no graph of epoch ${epoch ?? 'none'} has such an edge`;
    return errorBodyOf(agentError('edge-not-permitted', message, { details: { from, to, epoch } }));
  }

  /** K3: tries until it works; resolves with the error that ended the trying. Throws when the agent stops meanwhile. */
  async #tryHard(delivery: Delivery, edge: EdgeMessage): Promise<ErrorBody | undefined> {
    for (let failures = 1; ; failures++) {
      try {
        await this.#run(delivery, edge, delivery.count + failures - 1);
        return undefined;
      } catch (error) {
        if (this.#closing.signal.aborted) throw error;
        const isRefused = error instanceof MabeamError && !error.retryable;
        if (isRefused || failures >= maxFailures) return errorBodyOf(error);
        await pause(Math.min(retryDelayMs * 2 ** (failures - 1), retryDelayMaxMs), this.#closing.signal);
        if (this.#closing.signal.aborted) throw error;
      }
    }
  }

  async #run(delivery: Delivery, edge: EdgeMessage, attempt: number): Promise<void> {
    const { premises, instance } = this.#speaker;
    const spanned = {
      [attributes.space]: premises.space,
      [attributes.agent]: instance.agent,
      [attributes.messagingDestination]: delivery.subject,
      [attributes.messagingDeliveryAttempt]: attempt,
    };
    const parent = contextFrom(edge.traceparent);
    const options = { kind: 'consumer', name: 'process edge.data', attributes: spanned, parent } as const;
    await inSpan(options, async () => {
      const { signal } = this.#aborting;
      const context = edgeContextOf(this.#speaker, 'data', edge, { signal, attempt });
      await this.served.count(() => this.#handler(delivery.body(), context));
    });
  }

  /** To the dead letters first, then away with it. */
  async #giveUp(delivery: Delivery, edge: EdgeMessage | undefined, error: ErrorBody): Promise<void> {
    const { sequence, count } = delivery;
    const { premises, log, instance } = this.#speaker;
    const id = `s${sequence}`;
    const { from, hops, epoch } = edge ?? {};
    const letter = {
      from,
      to: instance.agent,
      sequence,
      deliveries: count,
      reason: error.code,
      error,
      hops,
      epoch,
    };
    const body = { ...letter, body: readable(delivery) };
    await premises.events.publish('edge', id, 'dead', body, { messageId: `edge.${id}` });
    delivery.term(error.code);
    log.warn({ edge: delivery.subject, sequence, reason: error.code }, 'a kept thing was given up');
  }
}

/** The body as far as it can be read. */
function readable(delivery: Delivery): unknown {
  try {
    return delivery.body();
  } catch (error) {
    if (error instanceof MabeamError) return null;
    throw error;
  }
}
