/**
 * Asking the server about its streams. The client's manager throws errors of its own kinds, and what it throws over a lost
 * connection differs from moment to moment; nobody above the bus knows them. Here they become ours.
 */
import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import type { Bus } from './bus.ts';
import { MabeamError } from './error.ts';
import { busError } from './errors.ts';
import { wireOf, type Wire } from './wire.ts';

const streamNotFound = 10059;

/**
 * What the server answers about a stream. Throws `stream-missing`, `disconnected`, `deadline-exceeded`, `closed`, and
 * `store-failed` for whatever else it refuses.
 */
export async function askAbout<T>(
  bus: Bus,
  stream: string,
  ask: (manager: JetStreamManager) => Promise<T>,
): Promise<T> {
  const wire = wireOf(bus);
  try {
    return await ask(await wire.manager());
  } catch (error) {
    throw serverError(wire, stream, error);
  }
}

/** What the client has thrown about a stream, as our error; what is none of the client's stays as it is. */
export function serverError(wire: Wire, stream: string, cause: unknown): unknown {
  if (cause instanceof MabeamError) return cause;
  const context = { details: { stream }, cause };
  if (cause instanceof JetStreamApiError) {
    if (cause.code === streamNotFound)
      return busError('stream-missing', `there is no stream ${stream}; create the space first`, context);
    return busError('store-failed', `${stream}: JetStream refused it: ${cause.message}`, context);
  }
  if (wire.closed || wire.connection.isDraining()) return wire.closedError();
  if (cause instanceof errors.TimeoutError)
    return busError('deadline-exceeded', `${wire.url} did not answer about ${stream} in time`, context);
  if (cause instanceof errors.RequestError || cause instanceof errors.NoRespondersError) {
    const message = `the connection to ${wire.url} was lost, or has no JetStream now, while it was asked about ${stream}`;
    return busError('disconnected', message, context);
  }
  return cause;
}

/** Was it thrown because there is no such stream? */
export function isStreamMissing(error: unknown): boolean {
  return error instanceof MabeamError && error.code === 'stream-missing';
}
