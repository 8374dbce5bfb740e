/**
 * A bucket of values of one type: what is written is checked and encoded, what is read is decoded and checked, by a codec.
 *
 * An entry that its codec refuses – a stranger's write – throws where one key is read, and is left out where many are, with
 * its key reported through `onRefused`; it never reaches the caller as a value.
 */
import type { Bus } from './bus.ts';
import { deleteKey, putKey, readKey, readKeyHistory, type BucketEntry } from './bucket.ts';
import { parseJson } from './codec.ts';
import { busError } from './errors.ts';
import { openReplica, type Replica, type ReplicaOptions } from './replica.ts';

/** How a value becomes a body of JSON and back. Both throw when it is not one of theirs. */
export interface Codec<T> {
  /** The body of a value. Throws when the value is not of the type. */
  encode(value: T): unknown;
  /** The value of a body. Throws when the body is none of the type. */
  decode(body: unknown): T;
}

/** The part of Standard Schema (https://standardschema.dev) that a codec needs; zod, valibot and others have it. */
export interface SchemaLike<T> {
  readonly '~standard': {
    /** The value as the schema makes it, or what is wrong with it. */
    validate(value: unknown): SchemaResult<T> | Promise<SchemaResult<T>>;
  };
}

/** What a schema says of a value. */
export type SchemaResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** A value as its bucket has it. */
export interface TypedEntry<T> {
  readonly key: string;
  readonly value: T;
  readonly revision: number;
  readonly at: Date;
}

/** One change seen by a watch; a deleted key has no value. */
export type TypedChange<T> =
  | ({ readonly kind: 'put' } & TypedEntry<T>)
  | { readonly kind: 'delete'; readonly key: string; readonly revision: number; readonly at: Date };

/** What a watch follows, and until when. */
export interface WatchOptions extends Pick<ReplicaOptions, 'prefix' | 'digest'> {
  readonly signal: AbortSignal;
  /** Told of entries the codec refuses. */
  readonly onRefused?: (key: string, error: unknown) => void;
}

/** A bucket of values of one type; open it with {@link openBucket}. */
export interface TypedBucket<T> {
  /** The key's value; undefined when it has none. Throws `malformed-message` when it is not of the type. */
  get(key: string): Promise<TypedEntry<T> | undefined>;
  /** Writes, whatever is there; resolves with the new revision. */
  put(key: string, value: T): Promise<number>;
  /** Writes a key that has no value; throws `conflict` otherwise. */
  create(key: string, value: T): Promise<number>;
  /** Writes if the key is still at `revision`; throws `conflict` otherwise. */
  update(key: string, value: T, revision: number): Promise<number>;
  /** Deletes, if given only at this revision; resolves with the marker's revision. */
  delete(key: string, revision?: number): Promise<number>;
  /** The keys that have a value, sorted. */
  keys(options: Pick<WatchOptions, 'prefix'>): Promise<string[]>;
  /** The kept revisions of a key, oldest first. */
  history(key: string): Promise<TypedChange<T>[]>;
  /** Yields the present values and then every change, in order, until the signal aborts. */
  watch(options: WatchOptions): AsyncGenerator<TypedChange<T>, void>;
}

/** A codec from a Standard Schema. Its validation must be synchronous. */
export function schemaCodec<T>(schema: SchemaLike<T>): Codec<T> {
  const check = (value: unknown): T => {
    const result = schema['~standard'].validate(value);
    if (result instanceof Promise) throw new TypeError('the schema of a bucket must validate synchronously');
    if (result.issues === undefined) return result.value;
    const why = result.issues.map(({ message }) => message).join('; ');
    throw busError('malformed-message', `the value does not fit the bucket's schema: ${why}`);
  };
  return { encode: check, decode: check };
}

/** Opens a bucket of values of one type. The bucket exists already: `ensureStreams` creates it. */
export function openBucket<T>(bus: Bus, bucket: string, codec: Codec<T>): TypedBucket<T> {
  const typed = (entry: BucketEntry): TypedEntry<T> => {
    const { key, revision, at } = entry;
    return { key, revision, at, value: codec.decode(parseJson(entry.data)) };
  };
  const changed = (entry: BucketEntry): TypedChange<T> => {
    const { key, revision, at } = entry;
    return entry.operation === 'put'
      ? { kind: 'put', ...typed(entry) }
      : { kind: 'delete', key, revision, at };
  };
  return {
    get: async (key) => {
      const entry = await readKey(bus, bucket, key);
      return entry?.operation === 'put' ? typed(entry) : undefined;
    },
    put: async (key, value) => putKey(bus, bucket, key, codec.encode(value)),
    create: async (key, value) => create(bus, bucket, key, codec.encode(value)),
    update: async (key, value, revision) =>
      putKey(bus, bucket, key, codec.encode(value), { expectLastSequence: revision }),
    delete: (key, revision) =>
      deleteKey(bus, bucket, key, revision === undefined ? {} : { expectLastSequence: revision }),
    keys: async ({ prefix }) => {
      await using replica = await openReplica(bus, { bucket, prefix });
      return replica.entries().map(({ key }) => key);
    },
    history: async (key) => (await readKeyHistory(bus, bucket, key)).map(changed),
    watch: (options) => watch(bus, bucket, changed, options),
  };
}

/** A deleted key is free again: its marker is the revision expected then. */
async function create(bus: Bus, bucket: string, key: string, body: unknown): Promise<number> {
  const present = await readKey(bus, bucket, key);
  if (present?.operation === 'put') {
    const message = `${key} of ${bucket} has a value already (revision ${present.revision}); update that one`;
    throw busError('conflict', message, { details: { bucket, key, revision: present.revision } });
  }
  return putKey(bus, bucket, key, body, { expectLastSequence: present?.revision ?? 0 });
}

async function* watch<T>(
  bus: Bus,
  bucket: string,
  changed: (entry: BucketEntry) => TypedChange<T>,
  options: WatchOptions,
): AsyncGenerator<TypedChange<T>, void> {
  const { signal, onRefused } = options;
  const opened = await openUnlessAborted(bus, bucket, options);
  if (opened === undefined) return;
  await using replica = opened;
  const waiting: BucketEntry[] = replica.entries().toSorted((a, b) => a.revision - b.revision);
  let wake: (() => void) | undefined;
  const ring = (): void => wake?.();
  using _ = replica.onChange(({ entries }) => {
    waiting.push(...entries);
    ring();
  });
  replica.failed.addEventListener('abort', ring, { once: true });
  signal.addEventListener('abort', ring, { once: true });
  try {
    while (!signal.aborted) {
      const entry = waiting.shift();
      const change = entry === undefined ? undefined : readable(entry, changed, onRefused);
      if (change !== undefined) yield change;
      if (waiting.length > 0 || signal.aborted) continue;
      replica.failed.throwIfAborted();
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    signal.removeEventListener('abort', ring);
  }
}

/** Undefined when the signal aborts before it is open. */
async function openUnlessAborted(
  bus: Bus,
  bucket: string,
  { prefix, digest, signal }: WatchOptions,
): Promise<Replica | undefined> {
  try {
    return await openReplica(bus, { bucket, prefix, signal, ...(digest === undefined ? {} : { digest }) });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

function readable<T>(
  entry: BucketEntry,
  changed: (entry: BucketEntry) => TypedChange<T>,
  onRefused: WatchOptions['onRefused'],
): TypedChange<T> | undefined {
  try {
    return changed(entry);
  } catch (error) {
    onRefused?.(entry.key, error);
    return undefined;
  }
}
