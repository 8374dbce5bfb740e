/**
 * Buckets: JetStream key-value, one stream with a subject per key. A revision is the stream's sequence. Reads here go to
 * the leader (deciders read the leader or compare-and-set; agents read their replica). Writes are compare-and-set when an
 * expectation is given, and a change set over several keys is one atomic batch: all or nothing (ADR-50 headers by hand,
 * for the client's own batch ignores expectations).
 */
import { nuid, type Msg } from '@nats-io/transport-node';
import type { Bus } from './bus.ts';
import { jsonBytes } from './codec.ts';
import { busError } from './errors.ts';
import { MabeamError } from './error.ts';
import { headersOf } from './message.ts';
import { readStreamOnce, type StoredMessage } from './read-stream.ts';
import { assertFits } from './request.ts';
import { ackOf, storeHeaders, type StoreOptions } from './store.ts';
import { bucketStream } from './streams.ts';
import { wireOf, type Wire } from './wire.ts';

/** One revision of one key. */
export interface BucketEntry {
  readonly key: string;
  readonly revision: number;
  /** `delete` is also what an expired key leaves behind. */
  readonly operation: 'put' | 'delete';
  readonly data: Uint8Array;
  readonly at: Date;
}

/** One write of a change set. */
export interface BatchWrite {
  readonly key: string;
  /** JSON body, or `delete`. */
  readonly body: unknown;
  readonly operation?: 'put' | 'delete';
  /** Revision the key (or `expectKey`) must have; 0: none yet. */
  readonly expect?: number;
  /** The key the expectation speaks of, when it is not the key written. */
  readonly expectKey?: string;
}

export interface BatchAck {
  /** Revision of the last write: the revision of the change set. */
  readonly revision: number;
  /** Revision of each key written. */
  readonly revisions: Readonly<Record<string, number>>;
}

const readTimeoutMs = 3_000;
const batchTimeoutMs = 5_000;

export function keySubject(bucket: string, key: string): string {
  return `$KV.${bucket}.${key}`;
}

/** Writes a key; resolves with its new revision. Throws `conflict` when an expectation fails. */
export async function putKey(
  bus: Bus,
  bucket: string,
  key: string,
  body: unknown,
  options: StoreOptions = {},
): Promise<number> {
  return (await bus.store(keySubject(bucket, key), jsonBytes(body), options)).sequence;
}

/** Deletes a key (a marker remains); resolves with the marker's revision. */
export async function deleteKey(
  bus: Bus,
  bucket: string,
  key: string,
  options: StoreOptions = {},
): Promise<number> {
  const headers = { ...options.headers, 'KV-Operation': 'DEL' };
  return (await bus.store(keySubject(bucket, key), new Uint8Array(0), { ...options, headers })).sequence;
}

/** The key's newest revision, read from the stream's leader; undefined when it was never written. */
export function readKey(bus: Bus, bucket: string, key: string): Promise<BucketEntry | undefined> {
  return readLast(wireOf(bus), bucket, key);
}

/** The key's kept revisions, oldest first. */
export async function readKeyHistory(bus: Bus, bucket: string, key: string): Promise<BucketEntry[]> {
  const entries: BucketEntry[] = [];
  for await (const message of readStreamOnce(bus, bucketStream(bucket), {
    filter: keySubject(bucket, key),
  })) {
    entries.push(entryOf(bucket, message));
  }
  return entries;
}

/** Writes several keys, all or nothing. Throws `conflict` when any expectation fails; nothing is written then. */
export async function commitBatch(
  bus: Bus,
  bucket: string,
  writes: readonly BatchWrite[],
): Promise<BatchAck> {
  const wire = wireOf(bus);
  const last = writes.at(-1);
  if (last === undefined) throw busError('store-failed', 'a change set without changes was committed');
  const id = nuid.next();
  wire.assertConnected(bucket);
  try {
    for (const [index, write] of writes.slice(0, -1).entries())
      publishWrite(wire, bucket, write, batchHeaders(bucket, write, id, index));
    const subject = keySubject(bucket, last.key);
    const headers = headersOf({
      ...batchHeaders(bucket, last, id, writes.length - 1),
      'Nats-Batch-Commit': '1',
    });
    const answer = await wire.calls.call(subject, writeBytes(last), { headers, timeoutMs: batchTimeoutMs });
    return batchAck(
      ackOf(answer, `${bucket} (${writes.map((write) => write.key).join(', ')})`).sequence,
      writes,
    );
  } catch (error) {
    const applied = await appliedAfterAll(bus, bucket, last.key, id, error);
    return batchAck(applied, writes);
  }
}

/** The entry in a stored message of a bucket. */
export function entryOf(bucket: string, message: StoredMessage): BucketEntry {
  const operation =
    message.headers.has('kv-operation') || message.headers.has('nats-marker-reason') ? 'delete' : 'put';
  const key = message.subject.slice(keySubject(bucket, '').length);
  return { key, revision: message.sequence, operation, data: message.data, at: message.at };
}

function publishWrite(
  wire: Wire,
  bucket: string,
  write: BatchWrite,
  headers: Record<string, string | undefined>,
): void {
  const bytes = writeBytes(write);
  assertFits(wire, write.key, bytes);
  wire.connection.publish(keySubject(bucket, write.key), bytes, { headers: headersOf(headers) });
}

function writeBytes(write: BatchWrite): Uint8Array {
  return write.operation === 'delete' ? new Uint8Array(0) : jsonBytes(write.body);
}

function batchHeaders(
  bucket: string,
  write: BatchWrite,
  id: string,
  index: number,
): Record<string, string | undefined> {
  const { expect, expectKey } = write;
  return {
    ...(expect === undefined ? {} : storeHeaders({ expectLastSequence: expect })),
    'Nats-Expected-Last-Subject-Sequence-Subject':
      expectKey === undefined ? undefined : keySubject(bucket, expectKey),
    'KV-Operation': write.operation === 'delete' ? 'DEL' : undefined,
    'Nats-Batch-Id': id,
    'Nats-Batch-Sequence': String(index + 1),
  };
}

/** A batch is contiguous in the stream, so the last sequence gives all of them. */
function batchAck(last: number, writes: readonly BatchWrite[]): BatchAck {
  const first = last - writes.length + 1;
  return {
    revision: last,
    revisions: Object.fromEntries(writes.map((write, index) => [write.key, first + index])),
  };
}

/** After a lost acknowledgement: was this very batch applied? Resolves with its last sequence, or throws the error. */
async function appliedAfterAll(
  bus: Bus,
  bucket: string,
  key: string,
  id: string,
  error: unknown,
): Promise<number> {
  const isAmbiguous =
    error instanceof MabeamError && (error.code === 'disconnected' || error.code === 'deadline-exceeded');
  if (!isAmbiguous || !(await wireOf(bus).whenConnected(batchTimeoutMs))) throw error;
  for (const entry of (await readKeyMessages(bus, bucket, key)).toReversed()) {
    if (entry.headers.get('nats-batch-id') === id) return entry.sequence;
  }
  throw error;
}

async function readKeyMessages(bus: Bus, bucket: string, key: string): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  for await (const message of readStreamOnce(bus, bucketStream(bucket), { filter: keySubject(bucket, key) }))
    messages.push(message);
  return messages;
}

interface StoredReply {
  readonly message?: {
    readonly seq: number;
    readonly hdrs?: string;
    readonly data?: string;
    readonly time: string;
  };
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

async function readLast(wire: Wire, bucket: string, key: string): Promise<BucketEntry | undefined> {
  const subject = `$JS.API.STREAM.MSG.GET.${bucketStream(bucket)}`;
  await wire.whenConnected(readTimeoutMs);
  const query = jsonBytes({ last_by_subj: keySubject(bucket, key) });
  const answer: Msg = await wire.calls.call(subject, query, { timeoutMs: readTimeoutMs });
  const { message, error } = answer.json<StoredReply>();
  if (error?.err_code === 10037) return undefined;
  if (error?.err_code === 10059)
    throw busError('stream-missing', `there is no bucket ${bucket}; create the space first`, {
      details: { bucket },
    });
  if (message === undefined)
    throw busError('store-failed', `reading ${key} of ${bucket}: ${error?.description ?? 'no answer'}`);
  const headers = Buffer.from(message.hdrs ?? '', 'base64').toString();
  const operation = /^(KV-Operation: (DEL|PURGE)|Nats-Marker-Reason:)/im.test(headers) ? 'delete' : 'put';
  const data = Buffer.from(message.data ?? '', 'base64');
  return { key, revision: message.seq, operation, data, at: new Date(message.time) };
}
