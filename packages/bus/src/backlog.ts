/** How much work a durable consumer has before it: what scaling goes by (rulings R27). */
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { serverError } from './ask-server.ts';
import type { Bus } from './bus.ts';
import { countBySubject } from './streams.ts';
import { wireOf } from './wire.ts';

/** What a consumer has before it. */
export interface Backlog {
  /** Messages that nobody has been given yet. */
  readonly pending: number;
  /** Messages that somebody has been given and not acknowledged. */
  readonly unacknowledged: number;
  /** Has anybody ever made the consumer? */
  readonly isConsumed: boolean;
}

/**
 * The backlog of a durable consumer; of one that nobody has made yet, all its stream keeps on the subjects of `filter`. Throws
 * `stream-missing`, `disconnected`, `deadline-exceeded`, `closed`.
 */
export async function readBacklog(
  bus: Bus,
  { stream, durable, filter }: { readonly stream: string; readonly durable: string; readonly filter: string },
): Promise<Backlog> {
  const wire = wireOf(bus);
  try {
    const manager = await wire.manager();
    const { num_pending: pending, num_ack_pending: unacknowledged } = await manager.consumers.info(
      stream,
      durable,
    );
    return { pending, unacknowledged, isConsumed: true };
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== JetStreamApiCodes.ConsumerNotFound)
      throw serverError(wire, stream, error);
  }
  const kept = await countBySubject(bus, stream, filter);
  const pending = [...kept.values()].reduce((sum, count) => sum + count, 0);
  return { pending, unacknowledged: 0, isConsumed: false };
}
