/**
 * Appending to a log: one entry behind a tip that its writer has read, or nothing.
 *
 * Promise: the server takes an entry only where its writer expected to put it, so nobody writes on what he has not read; and a lost
 * acknowledgement never makes a second entry. What is appended is durable on the majority of the stream's servers.
 */
import { canonicalBytes, ensureStreams, hasStream, MabeamError, spaceStreams, type Bus } from '@mabeam/bus';
import { coordinationError } from '../../errors.ts';
import { entryAfter, logStream, logSubject, type LogEntry, type LogTip } from './entry.ts';

/** Where an entry goes. */
export interface AppendOptions {
  /** The last entry that its writer has read. */
  readonly after: LogTip;
  /** A name for this very entry, in this log: what is appended again within two minutes under the same one is not stored again. Default: a fresh one. */
  readonly messageId?: string | undefined;
  /** How long to try over lost connections. Default 5 000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How it ended. */
export type Appended =
  | { readonly kind: 'appended'; readonly entry: LogEntry }
  /** Something else is there already: read on and decide anew. */
  | { readonly kind: 'conflict' }
  /** An entry with this `messageId` is in the log, before the tip. */
  | { readonly kind: 'repeated'; readonly sequence: number };

const appendMs = 5_000;

/** Creates the stream of logs in a space from before there was one; one that is there, larger than usual perhaps, is left alone. Throws `store-failed`. */
export async function ensureLogs(bus: Bus, space: string): Promise<void> {
  const name = logStream(space);
  if (await hasStream(bus, name)) return;
  await ensureStreams(
    bus,
    spaceStreams(space).filter((definition) => definition.name === name),
  );
}

/**
 * Appends a JSON value. Throws `log-full`, `payload-too-large`, `malformed-message` (no JSON), `stream-missing`, `cancelled`; and
 * `deadline-exceeded`, `disconnected` or `closed`, after which it may be in the log or not: reading tells.
 */
export async function appendToLog(
  bus: Bus,
  space: string,
  log: string,
  body: unknown,
  options: AppendOptions,
): Promise<Appended> {
  const { after, messageId, timeoutMs = appendMs, signal } = options;
  const data = canonicalBytes(body);
  try {
    const { sequence } = await bus.store(logSubject(space, log), data, {
      headers: { 'Content-Type': 'application/json' },
      expectLastSequence: after.sequence,
      timeoutMs,
      atOnce: true,
      // The server knows message ids by the stream, in which there are other logs.
      ...(messageId === undefined ? {} : { messageId: `${log}.${messageId}` }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (sequence <= after.sequence) return { kind: 'repeated', sequence };
    return { kind: 'appended', entry: entryAfter(after, { sequence, data, at: new Date() }) };
  } catch (error) {
    if (!(error instanceof MabeamError)) throw error;
    if (error.code === 'conflict') return { kind: 'conflict' };
    if (error.code !== 'overloaded') throw error;
    const message = `the logs of the space ${space} are full, nothing was appended to ${log}; no entry is ever taken out, so raise max_bytes of ${logStream(space)} or go on in another space`;
    throw coordinationError('log-full', message, { details: { space, log }, cause: error });
  }
}
