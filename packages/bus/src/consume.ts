/**
 * Consuming a stream with a durable pull consumer: at-least-once delivery, shared by all who consume under its name.
 * For work (tasks), for acting once (triggers) and for forwarding (telemetry). Redelivery is unlimited on the server:
 * giving up is a decision of the receiver, who says so.
 */
import {
  AckPolicy,
  JetStreamApiError,
  type ConsumerConfig,
  type ConsumerMessages,
  type JsMsg,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Bus } from './bus.ts';
import { headerMapOf, messageOf } from './message.ts';
import type { StoredMessage } from './read-stream.ts';
import { wireOf } from './wire.ts';

export interface ConsumeOptions {
  readonly stream: string;
  /** Name of the durable consumer; whoever uses the same name shares the messages. */
  readonly durable: string;
  readonly filter?: string;
  /** Messages in flight to this process. Default 64. */
  readonly maxMessages?: number;
  /** An unacknowledged message is delivered again after this. Default 30 000. */
  readonly ackWaitMs?: number;
  readonly signal: AbortSignal;
}

/** A delivered message; exactly one of `ack`, `nak` and `term` ends its delivery. */
export interface Delivery extends StoredMessage {
  /** 1 for the first delivery. */
  readonly count: number;
  ack(): void;
  /** Deliver it again, after `delayMs`. */
  nak(delayMs?: number): void;
  /** Never deliver it again. */
  term(reason: string): void;
  /** Still working: restarts the acknowledgement wait. */
  working(): void;
}

const pullExpiresMs = 2_000;
const retryMs = 200;

/** Yields deliveries until the signal aborts. A lost server, stream or consumer is waited for and taken up again. */
export async function* consumeStream(bus: Bus, options: ConsumeOptions): AsyncGenerator<Delivery, void> {
  const { signal } = options;
  while (!signal.aborted) {
    const messages = await openConsumer(bus, options);
    if (messages === undefined) continue;
    const stop = (): void => messages.stop();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      for await (const message of messages) yield deliveryOf(message);
    } finally {
      signal.removeEventListener('abort', stop);
      messages.stop();
    }
  }
}

/**
 * Gathers deliveries into batches: whatever has come `lingerMs` after the first of them, at most `maxMessages`.
 * The batch is handed on as a whole; acknowledging is its receiver's business.
 */
export async function* consumeBatches(
  bus: Bus,
  options: ConsumeOptions & { readonly lingerMs: number },
): AsyncGenerator<Delivery[], void> {
  const limit = options.maxMessages ?? 64;
  const source = consumeStream(bus, options);
  let pending = source.next();
  for (;;) {
    const first = await pending;
    if (first.done === true) return;
    const batch = [first.value];
    pending = source.next();
    const closes = new Promise<'full'>((resolve) => setTimeout(() => resolve('full'), options.lingerMs));
    while (batch.length < limit) {
      const next = await Promise.race([pending, closes]);
      if (next === 'full' || next.done === true) break;
      batch.push(next.value);
      pending = source.next();
    }
    yield batch;
  }
}

async function openConsumer(bus: Bus, options: ConsumeOptions): Promise<ConsumerMessages | undefined> {
  const wire = wireOf(bus);
  try {
    if (!(await wire.whenConnected(1_000, options.signal))) return undefined;
    await ensureConsumer(bus, options);
    const consumer = await wire.jetstream().consumers.get(options.stream, options.durable);
    return await consumer.consume({
      max_messages: options.maxMessages ?? 64,
      expires: pullExpiresMs,
      idle_heartbeat: pullExpiresMs / 2,
    });
  } catch (error) {
    if (wire.closed || options.signal.aborted) throw error;
    await new Promise((resolve) => setTimeout(resolve, retryMs));
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
    max_ack_pending: 10_000,
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
