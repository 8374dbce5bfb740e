/**
 * Acknowledged publishing to JetStream: what a stream has stored, or an error.
 *
 * A publish whose acknowledgement is lost may have been applied. So every store carries a message id (the caller's or a
 * fresh one): the server answers a repetition inside the stream's window with the first sequence instead of storing it,
 * and a store may be retried over reconnects without a second effect. But it looks at an expectation before it looks at the
 * id, and refuses the repetition of what it has stored: so a refused repetition is looked up by its id before it is called a
 * conflict.
 */
import { nuid, type Msg } from '@nats-io/transport-node';
import { jsonBytes } from './codec.ts';
import { busError } from './errors.ts';
import { MabeamError } from './error.ts';
import { headersOf } from './message.ts';
import { assertFits } from './request.ts';
import type { Wire } from './wire.ts';

/** What accompanies a message that is stored, what is expected of the stream, and for how long to try. */
export interface StoreOptions {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Stored once per id inside the stream's duplicate window. A fresh one when absent. */
  readonly messageId?: string;
  /** Stored only if the last sequence on the subject (or `expectSubject`) is this; else `conflict`. 0: none yet. */
  readonly expectLastSequence?: number;
  /** Filter the expectation speaks of, when it is not the subject itself. */
  readonly expectSubject?: string;
  /** The message expires after this long (whole seconds, at least 1 000). */
  readonly ttlMs?: number;
  /** How long to keep trying over lost connections. Default 30 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** It leaves at once, with what waits for the end of this turn of the event loop before it: for one that many wait for. */
  readonly atOnce?: boolean;
}

/** Where a message is kept. */
export interface StoreAck {
  readonly stream: string;
  readonly sequence: number;
  /** The stream had this message id already; `sequence` is the first one's. */
  readonly duplicate: boolean;
}

const attemptMs = 3_000;
const pauseMs = 50;
const wrongLastSequence = new Set([10071, 10164]);

/** Stores a message; resolves when the stream has it. Throws `conflict`, `overloaded`, `stream-missing`, `store-failed`, `deadline-exceeded`. */
export async function store(
  wire: Wire,
  subject: string,
  payload: Uint8Array,
  options: StoreOptions,
): Promise<StoreAck> {
  assertFits(wire, subject, payload);
  const stored = { ...options, messageId: options.messageId ?? nuid.next() };
  const headers = headersOf(storeHeaders(stored));
  const isHeld = options.atOnce !== true;
  const giveUpAt = performance.now() + (options.timeoutMs ?? 30_000);
  let before: unknown;
  for (let attempt = 1; ; attempt++) {
    const leftMs = giveUpAt - performance.now();
    try {
      const timeoutMs = Math.max(1, Math.min(attemptMs, leftMs));
      const { signal } = options;
      if (wire.connected || (await wire.whenConnected(Math.max(1, leftMs), signal))) {
        return ackOf(
          await wire.calls.call(subject, payload, { headers, timeoutMs, signal, isHeld }),
          subject,
        );
      }
      throw busError('deadline-exceeded', `${subject}: not connected to ${wire.url}, nothing was stored`);
    } catch (thrown) {
      const found = attempt === 1 ? thrown : await ownEarlier(wire, subject, stored, thrown).catch(itself);
      if (isAck(found)) return found;
      // The last attempt may have been too short for an answer: then that nobody was there the time before counts.
      const isCutShort =
        leftMs < attemptMs && isOf(found, 'deadline-exceeded') && isOf(before, 'no-responders');
      const told = isCutShort ? before : found;
      if (!isTransient(found) || giveUpAt - performance.now() <= pauseMs) throw storeError(told, subject);
      before = told;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

interface StoredByUs {
  readonly messageId: string;
  readonly expectLastSequence?: number;
}

interface Found {
  readonly message?: { readonly seq: number; readonly hdrs?: string };
}

/**
 * What an earlier attempt has stored, when its repetition is refused as a conflict: the message with our id. Else the error.
 * Rejects when it cannot be found out now.
 */
async function ownEarlier(
  wire: Wire,
  subject: string,
  { expectLastSequence = 0, messageId }: StoredByUs,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof MabeamError) || error.code !== 'conflict') return error;
  const stream = String(error.details['stream']);
  for (let seq = expectLastSequence + 1; ; seq++) {
    const query = jsonBytes({ seq, next_by_subj: subject });
    const options = { timeoutMs: attemptMs };
    const answer = await wire.calls.call(`$JS.API.STREAM.MSG.GET.${stream}`, query, options);
    const { message } = answer.json<Found>();
    if (message === undefined) return error;
    const headers = Buffer.from(message.hdrs ?? '', 'base64').toString();
    if (headers.includes(`Nats-Msg-Id: ${messageId}\r\n`))
      return { stream, sequence: message.seq, duplicate: true } satisfies StoreAck;
    seq = message.seq;
  }
}

function isAck(found: unknown): found is StoreAck {
  return typeof found === 'object' && found !== null && 'sequence' in found && !(found instanceof Error);
}

function itself(error: unknown): unknown {
  return error;
}

/** The NATS headers of a store. */
export function storeHeaders(options: StoreOptions): Record<string, string | undefined> {
  const { expectLastSequence, ttlMs } = options;
  return {
    ...options.headers,
    'Nats-Msg-Id': options.messageId,
    'Nats-Expected-Last-Subject-Sequence': expectLastSequence?.toString(),
    'Nats-Expected-Last-Subject-Sequence-Subject': options.expectSubject,
    'Nats-TTL': ttlMs === undefined ? undefined : `${Math.max(1, Math.ceil(ttlMs / 1_000))}s`,
  };
}

interface PubAck {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

/** Reads JetStream's acknowledgement; throws what it refuses with. */
export function ackOf(message: Msg, subject: string): StoreAck {
  const ack = message.json<PubAck>();
  if (ack.error !== undefined) throw refusal(ack.error, ack.stream, subject);
  return { stream: ack.stream ?? '', sequence: ack.seq ?? 0, duplicate: ack.duplicate === true };
}

function refusal(
  error: NonNullable<PubAck['error']>,
  stream: string | undefined,
  subject: string,
): MabeamError {
  const why = error.description ?? 'refused without a reason';
  const context = { details: { subject, stream, natsCode: error.err_code } };
  if (wrongLastSequence.has(error.err_code ?? 0)) {
    return busError(
      'conflict',
      `${subject}: somebody else wrote first (${why}); read again and retry`,
      context,
    );
  }
  if (/maximum|exceeded|insufficient/i.test(why)) {
    return busError(
      'overloaded',
      `${subject}: the stream is full (${why}); wait for its readers or raise its limits`,
      context,
    );
  }
  return busError('store-failed', `${subject}: JetStream refused the message: ${why}`, context);
}

function isTransient(error: unknown): boolean {
  if (!(error instanceof MabeamError)) return false;
  return (
    error.code === 'disconnected' || error.code === 'deadline-exceeded' || error.code === 'no-responders'
  );
}

function isOf(error: unknown, code: string): boolean {
  return error instanceof MabeamError && error.code === code;
}

/** Nobody answering on a stored subject means that no stream listens there. */
function storeError(error: unknown, subject: string): unknown {
  if (!(error instanceof MabeamError) || error.code !== 'no-responders') return error;
  const message = `no stream stores ${subject}; create the space first (mabeam dev, or createSpace)`;
  return busError('stream-missing', message, { details: { subject }, cause: error });
}
