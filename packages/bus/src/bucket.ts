/**
 * Buckets: JetStream key-value, one stream with a subject per key. A revision is the stream's sequence. Reads here go to
 * the leader (deciders read the leader or compare-and-set; agents read their replica). Writes are compare-and-set when an
 * expectation is given, and a change set over several keys is one atomic batch: all or nothing (batch.ts).
 */
import { newBatchId, storeBatch, type BatchMessage } from './batch.ts';
import type { Bus } from './bus.ts';
import { jsonBytes } from './codec.ts';
import { busError } from './errors.ts';
import { MabeamError } from './error.ts';
import { readLastMessage, readStreamOnce, type StoredMessage } from './read-stream.ts';
import type { StoreOptions } from './store.ts';
import { bucketStream } from './streams.ts';
import { wireOf } from './wire.ts';

/** One revision of one key. */
export interface BucketEntry {
  readonly key: string;
  readonly revision: number;
  /** `delete` is also what an expired key leaves behind. */
  readonly operation: 'put' | 'delete';
  readonly data: Uint8Array;
  readonly at: Date;
  /** Id of the change set it was written in; absent when it was written alone. */
  readonly batch?: string;
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
  /** What is left of the key is this revision alone, and that only for so long (whole seconds): a marker that goes away by itself. */
  readonly lastsMs?: number;
}

/** What a change set has become. */
export interface BatchAck {
  /** Revision of the last write: the revision of the change set. */
  readonly revision: number;
  /** Revision of each key written. */
  readonly revisions: Readonly<Record<string, number>>;
}

const batchTimeoutMs = 5_000;

/** The subject of a key in the stream under its bucket. */
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
export async function readKey(bus: Bus, bucket: string, key: string): Promise<BucketEntry | undefined> {
  const message = await readLastMessage(bus, bucketStream(bucket), keySubject(bucket, key));
  return message === undefined ? undefined : entryOf(bucket, message);
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
  const last = writes.at(-1);
  if (last === undefined) throw busError('store-failed', 'a change set without changes was committed');
  const id = newBatchId();
  const about = `${bucket} (${writes.map((write) => write.key).join(', ')})`;
  try {
    const messages = writes.map((write) => batchMessage(bucket, write));
    return batchAck(await storeBatch(bus, messages, { id, about }), writes);
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
  const batch = message.headers.get('nats-batch-id');
  const { at, data, sequence: revision } = message;
  return { key, revision, operation, data, at, ...(batch === undefined ? {} : { batch }) };
}

function batchMessage(bucket: string, write: BatchWrite): BatchMessage {
  const { body, expect, expectKey, key, lastsMs, operation } = write;
  const isDeleted = operation === 'delete';
  const headers = {
    'KV-Operation': isDeleted ? 'DEL' : undefined,
    'Nats-Rollup': lastsMs === undefined ? undefined : 'sub',
  };
  const options = {
    headers,
    ...(expect === undefined ? {} : { expectLastSequence: expect }),
    ...(expectKey === undefined ? {} : { expectSubject: keySubject(bucket, expectKey) }),
    ...(lastsMs === undefined ? {} : { ttlMs: lastsMs }),
  };
  return { subject: keySubject(bucket, key), data: isDeleted ? new Uint8Array(0) : jsonBytes(body), options };
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
