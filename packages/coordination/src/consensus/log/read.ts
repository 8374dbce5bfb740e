/**
 * Reading a log: from its start or from a tip, what is there or for ever.
 *
 * Promise: every entry once, in order, without a gap; where the server's own record shows that one is missing, it is read again. What
 * stays missing, or that the stream is another one than before, ends the reading (`log-broken`).
 */
import {
  MabeamError,
  pause,
  readLastMessage,
  readStream,
  readStreamOnce,
  streamIdentity,
  type Bus,
  type StoredMessage,
} from '@mabeam/bus';
import { coordinationError } from '../../errors.ts';
import { entryAfter, logStream, logSubject, startOfLog, type LogEntry, type LogTip } from './entry.ts';

/** Which part of a log is read. */
export interface ReadLogOptions {
  /** What has been read already. Default: nothing. */
  readonly after?: LogTip | undefined;
}

/** As the server keeps it: the sequence that the writer expected, and the server checked. */
const expectedHeader = 'nats-expected-last-subject-sequence';
const expectedSubjectHeader = 'nats-expected-last-subject-sequence-subject';

/** How long a stream that was there may be missing, as it is while a server starts or a cluster elects. */
const missingMs = 30_000;
const pauseMs = 100;
/** How often in a row a gap is read again. */
const mostGaps = 32;

/**
 * Yields the entries that are there at the call, as the stream's leader knows them, and perhaps some that came since. Throws `log-broken`,
 * `stream-missing`, `disconnected`, `deadline-exceeded`.
 */
export async function* readLog(
  bus: Bus,
  space: string,
  log: string,
  { after = startOfLog(space, log) }: ReadLogOptions = {},
): AsyncGenerator<LogEntry, void> {
  const last = await lastLogSequence(bus, space, log);
  const gaps = new Gaps(log);
  let tip = after;
  while (tip.sequence < last) {
    const options = { filter: logSubject(space, log), from: tip.sequence + 1 };
    for await (const message of readStreamOnce(bus, logStream(space), options)) {
      // An answer that came twice.
      if (message.sequence <= tip.sequence) continue;
      if (!gaps.isNext(tip, message)) break;
      const entry = entryAfter(tip, message);
      tip = entry;
      yield entry;
    }
    if (tip.sequence < last) gaps.count(tip, last);
  }
}

/**
 * Yields entries for ever, until the signal aborts; lost connections, and servers that start, are waited out. The stream must stay the one it is at the call.
 * Throws `log-broken` and `stream-missing`.
 */
export async function* followLog(
  bus: Bus,
  space: string,
  log: string,
  { after = startOfLog(space, log), signal }: ReadLogOptions & { readonly signal: AbortSignal },
): AsyncGenerator<LogEntry, void> {
  const watched = new AbortController();
  const stream = logStream(space);
  let created: string | undefined;
  let tip = after;
  const verify = async (): Promise<void> => {
    const now = await streamIdentity(bus, stream);
    created ??= now.created;
    if (now.created !== created || now.last < tip.sequence) watched.abort(replaced(space, log, tip));
  };
  // Not answered: the next reconnect asks again, and the link from entry to entry is checked as well.
  const tryToVerify = (): void => void verify().catch(() => undefined);
  tryToVerify();
  const reconnects = bus.onReconnect(tryToVerify);
  const until = AbortSignal.any([signal, watched.signal]);
  const gaps = new Gaps(log);
  let missingSince: number | undefined;
  try {
    while (!until.aborted) {
      try {
        const options = { filter: logSubject(space, log), from: tip.sequence + 1, signal: until };
        for await (const message of readStream(bus, stream, options)) {
          missingSince = undefined;
          if (message.sequence <= tip.sequence) continue;
          if (!gaps.isNext(tip, message)) break;
          const entry = entryAfter(tip, message);
          tip = entry;
          yield entry;
        }
      } catch (error) {
        const nowMs = performance.now();
        missingSince ??= nowMs;
        if (created === undefined || !isMissing(error) || nowMs - missingSince > missingMs) throw error;
        await pause(pauseMs, until);
      }
    }
    if (!signal.aborted) watched.signal.throwIfAborted();
  } finally {
    reconnects[Symbol.dispose]();
  }
}

/**
 * The sequence of the newest entry, as the stream's leader has it; 0 when there is none. Whoever has read up to it has read all that was
 * appended before the call. Throws `stream-missing`, `deadline-exceeded`.
 */
export async function lastLogSequence(bus: Bus, space: string, log: string): Promise<number> {
  const last = await readLastMessage(bus, logStream(space), logSubject(space, log));
  return last?.sequence ?? 0;
}

/**
 * Whether messages follow each other. A writer's expectation was checked by the server: where it is not our tip, we have missed
 * something – one message of an answer that was lost on the way, and is there when it is read again.
 */
class Gaps {
  readonly #log: string;
  /** How often in a row nothing but a gap was read. */
  #count = 0;

  constructor(log: string) {
    this.#log = log;
  }

  /** Does the message follow the tip? If not, read again. Throws `log-broken` when reading again does not help. */
  isNext(tip: LogTip, { headers, sequence }: StoredMessage): boolean {
    const expected = headers.has(expectedSubjectHeader) ? undefined : headers.get(expectedHeader);
    const isNext = expected === undefined || Number(expected) === tip.sequence;
    if (isNext) this.#count = 0;
    else this.count(tip, sequence);
    return isNext;
  }

  /** What leads up to this sequence was not read. Throws `log-broken` when that was so too often. */
  count(tip: LogTip, sequence: number): void {
    this.#count += 1;
    if (this.#count <= mostGaps) return;
    const text = `the log ${this.#log} has a gap: between ${tip.sequence}, which was read last, and ${sequence} something is missing; read it from its start`;
    throw coordinationError('log-broken', text, { details: { log: this.#log, sequence, tip: tip.sequence } });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof MabeamError && error.code === 'stream-missing';
}

function replaced(space: string, log: string, tip: LogTip): Error {
  const message = `the stream of the log ${log} in ${space} is another one than before (${tip.index} entries were read); open it anew`;
  return coordinationError('log-broken', message, { details: { space, log, index: tip.index } });
}
