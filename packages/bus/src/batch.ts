/**
 * Atomic batches (ADR-50): several messages of one stream, all or nothing.
 *
 * The headers are set by hand, for the client's own batch ignores expectations. Only the last message is acknowledged; an
 * expectation that fails on any of them refuses all.
 */
import { nuid } from '@nats-io/transport-node';
import type { Bus } from './bus.ts';
import { busError } from './errors.ts';
import { headersOf } from './message.ts';
import { assertFits } from './request.ts';
import { ackOf, storeHeaders, type StoreOptions } from './store.ts';
import { wireOf } from './wire.ts';

/** One message of a batch. */
export interface BatchMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Headers, expectation, message id and time to live, as for a single message. */
  readonly options?: Omit<StoreOptions, 'timeoutMs' | 'signal'>;
  /** It outlives the age to which its stream keeps messages. */
  readonly isLasting?: boolean;
}

const batchTimeoutMs = 5_000;

/** A fresh id of a batch. */
export function newBatchId(): string {
  return nuid.next();
}

/**
 * Stores messages, all or nothing; resolves with the sequence of the last one: they are contiguous. Tried once: after
 * `disconnected` or `deadline-exceeded` it may have been stored. Throws `conflict` when an expectation fails, `payload-too-large`,
 * `overloaded`, `no-responders` when no stream listens there, `store-failed`.
 */
export async function storeBatch(
  bus: Bus,
  messages: readonly BatchMessage[],
  { id = newBatchId(), about }: { readonly id?: string; readonly about?: string } = {},
): Promise<number> {
  const wire = wireOf(bus);
  const last = messages.at(-1);
  if (last === undefined) throw busError('store-failed', 'a batch without messages was to be stored');
  wire.assertConnected(last.subject);
  for (const { data, subject } of messages) assertFits(wire, subject, data);
  for (const [index, message] of messages.slice(0, -1).entries()) {
    const headers = headersOf(batchHeaders(message, id, index));
    wire.publish(message.subject, message.data, { headers });
  }
  const headers = headersOf({
    ...batchHeaders(last, id, messages.length - 1),
    'Nats-Batch-Commit': '1',
  });
  const answer = await wire.calls.call(last.subject, last.data, { headers, timeoutMs: batchTimeoutMs });
  return ackOf(answer, about ?? last.subject).sequence;
}

function batchHeaders(
  { isLasting, options = {} }: BatchMessage,
  id: string,
  index: number,
): Record<string, string | undefined> {
  return {
    ...storeHeaders(options),
    ...(isLasting === true ? { 'Nats-TTL': 'never' } : {}),
    'Nats-Batch-Id': id,
    'Nats-Batch-Sequence': String(index + 1),
  };
}
