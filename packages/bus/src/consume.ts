/**
 * Consuming a stream with a durable pull consumer: at-least-once delivery, shared by all who consume under its name.
 * For work (tasks), for acting once (triggers) and for forwarding (telemetry). Redelivery is unlimited on the server:
 * giving up is a decision of the receiver, who says so.
 */
import {
  AckPolicy,
  JetStreamApiError,
  type Consumer,
  type ConsumerConfig,
  type ConsumerMessages,
  type JsMsg,
} from '@nats-io/jetstream';
import { nanos, type Subscription } from '@nats-io/transport-node';
import { serverError } from './ask-server.ts';
import type { Bus } from './bus.ts';
import { headerMapOf, messageOf } from './message.ts';
import { pause } from './pause.ts';
import type { StoredMessage } from './read-stream.ts';
import { wireOf } from './wire.ts';

/** What to consume, under which name, and how much of it at once. */
export interface ConsumeOptions {
  readonly stream: string;
  /** Name of the durable consumer; whoever uses the same name shares the messages. */
  readonly durable: string;
  readonly filter?: string;
  /** Messages in flight to this process. Default 64. */
  readonly maxMessages?: number;
  /**
   * Messages in flight to all who share the consumer; the next goes out when one of them is dealt with. With 1 they are in
   * order, repetitions included: whoever takes over from a receiver that died gets what that one had, before the rest.
   * Default 10 000.
   */
  readonly maxOutstanding?: number;
  /** An unacknowledged message is delivered again after this. Default 30 000. */
  readonly ackWaitMs?: number;
  readonly signal: AbortSignal;
}

/** A delivered message; exactly one of `ack`, `nak` and `term` ends its delivery. */
export interface Delivery extends StoredMessage {
  /** 1 for the first delivery. */
  readonly count: number;
  /** It is dealt with. */
  ack(): void;
  /** Deliver it again, after `delayMs`. */
  nak(delayMs?: number): void;
  /** Never deliver it again. */
  term(reason: string): void;
  /** Still working: restarts the acknowledgement wait. */
  working(): void;
}

const pull = { expires: 2_000, idle_heartbeat: 1_000 };
const retryMs = 200;
const drainMs = 2_000;

/**
 * Yields deliveries until the signal aborts. A lost server, stream or consumer is waited for and taken up again. What has
 * come, or is on its way, and was not handed on when the signal aborts, or the loop is left, is given back for others to
 * have at once.
 */
export async function* consumeStream(bus: Bus, options: ConsumeOptions): AsyncGenerator<Delivery, void> {
  const { maxMessages = 64, signal } = options;
  while (!signal.aborted) {
    const messages = await patiently(bus, options, async () => {
      const consumer = await openConsumer(bus, options);
      return consumer.consume({ ...pull, max_messages: maxMessages });
    });
    if (messages !== undefined) yield* handOn(bus, messages, signal);
  }
}

/**
 * As `consumeStream`, but nothing is read ahead: before each pull `room` says how many will be dealt with at once, and no more
 * than that are taken from the others. Ends when there is room for none.
 */
export async function* fetchStream(
  bus: Bus,
  options: ConsumeOptions,
  room: () => Promise<number>,
): AsyncGenerator<Delivery, void> {
  const { signal } = options;
  let consumer: Consumer | undefined;
  while (!signal.aborted) {
    consumer ??= await patiently(bus, options, () => openConsumer(bus, options));
    if (consumer === undefined) continue;
    const free = await room();
    if (free === 0) return;
    try {
      const messages = await consumer.fetch({ ...pull, max_messages: free });
      yield* handOn(bus, messages, signal);
    } catch (error) {
      // The server, the stream or the consumer is gone: it is looked for again.
      consumer = undefined;
      if (wireOf(bus).closed) throw serverError(wireOf(bus), options.stream, error);
      await pause(retryMs, signal);
    }
  }
}

/** Yields what comes of one pull, or of one row of pulls, until that ends or the signal aborts. */
async function* handOn(
  bus: Bus,
  messages: ConsumerMessages,
  signal: AbortSignal,
): AsyncGenerator<Delivery, void> {
  const stop = (): void => void drain(bus, messages);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const source = messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await source.next();
      if (next.done === true) break;
      if (signal.aborted) next.value.nak();
      else yield deliveryOf(next.value);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    await drain(bus, messages);
    if (!wireOf(bus).closed) await giveBack(source);
  }
}

/**
 * Gathers deliveries into batches: whatever has come `lingerMs` after the first of them, at most `maxMessages`.
 * The batch is handed on as a whole; acknowledging is its receiver's business. A batch that is not complete when the signal
 * aborts is given back.
 */
export async function* consumeBatches(
  bus: Bus,
  options: ConsumeOptions & { readonly lingerMs: number },
): AsyncGenerator<Delivery[], void> {
  const limit = options.maxMessages ?? 64;
  const leaving = new AbortController();
  const signal = AbortSignal.any([options.signal, leaving.signal]);
  const source = consumeStream(bus, { ...options, signal });
  let pending = source.next();
  let batch: Delivery[] = [];
  try {
    for (;;) {
      const first = await pending;
      if (first.done === true) return;
      batch = [first.value];
      pending = source.next();
      const timeUp = Promise.withResolvers<'full'>();
      const timer = setTimeout(() => timeUp.resolve('full'), options.lingerMs);
      while (batch.length < limit) {
        const next = await Promise.race([pending, timeUp.promise]);
        if (next === 'full' || next.done === true) break;
        batch.push(next.value);
        pending = source.next();
      }
      clearTimeout(timer);
      if (signal.aborted) return;
      const whole = batch;
      batch = [];
      yield whole;
    }
  } finally {
    leaving.abort();
    const last = await pending.catch(() => undefined);
    if (last?.done === false) batch.push(last.value);
    if (!wireOf(bus).closed) for (const delivery of batch) delivery.nak();
    await source.return();
  }
}

/**
 * Stops a consumer so that nothing is lost on its way: the server hears of it first, and what it had sent by then is still
 * yielded. A server that does not answer in `drainMs` is not waited for; what it sent comes again after `ackWaitMs`.
 */
async function drain(bus: Bus, messages: ConsumerMessages): Promise<void> {
  // The client drains a consumer's subscription when its connection drains, but its interface has no drain for one alone.
  const { sub } = messages as ConsumerMessages & { readonly sub: Subscription };
  if (wireOf(bus).connected && !sub.isClosed()) {
    const drained = new AbortController();
    void sub.drain().then(() => drained.abort());
    await pause(drainMs, drained.signal);
  }
  messages.stop();
}

/** What is still in a stopped source. */
async function giveBack(source: AsyncIterator<JsMsg>): Promise<void> {
  for (let next = await source.next(); next.done !== true; next = await source.next()) next.value.nak();
}

async function openConsumer(bus: Bus, options: ConsumeOptions): Promise<Consumer> {
  await ensureConsumer(bus, options);
  return wireOf(bus).jetstream().consumers.get(options.stream, options.durable);
}

/** One attempt, when connected; undefined when it has to be made again, or need not be, for the signal has aborted. */
async function patiently<T>(
  bus: Bus,
  { stream, signal }: ConsumeOptions,
  attempt: () => Promise<T>,
): Promise<T | undefined> {
  const wire = wireOf(bus);
  try {
    return (await wire.whenConnected(1_000, signal)) ? await attempt() : undefined;
  } catch (error) {
    if (wire.closed) throw serverError(wire, stream, error);
    await pause(retryMs, signal);
    return undefined;
  }
}

async function ensureConsumer(bus: Bus, options: ConsumeOptions): Promise<void> {
  const manager = await wireOf(bus).manager();
  const config: Partial<ConsumerConfig> = {
    durable_name: options.durable,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(options.ackWaitMs ?? 30_000),
    max_deliver: -1,
    max_ack_pending: options.maxOutstanding ?? 10_000,
    ...(options.filter === undefined ? {} : { filter_subject: options.filter }),
  };
  try {
    await manager.consumers.add(options.stream, config);
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error;
    await manager.consumers.update(options.stream, options.durable, config);
  }
}

function deliveryOf(message: JsMsg): Delivery {
  const { info } = message;
  return {
    ...messageOf(message.subject, message.data, headerMapOf(message.headers)),
    sequence: message.seq,
    at: new Date(info.timestampNanos / 1e6),
    count: info.deliveryCount,
    ack: () => message.ack(),
    nak: (delayMs) => message.nak(delayMs),
    term: (reason) => message.term(reason),
    working: () => message.working(),
  };
}
