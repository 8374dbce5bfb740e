/**
 * Streams and buckets: their names, subjects and limits, and how they come into being. docs/protocol.md section
 * "Buckets and streams" has the same table. Several processes may create and update them at once.
 */
import {
  DiscardPolicy,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { askAbout, isStreamMissing, serverError } from './ask-server.ts';
import { busError } from './errors.ts';
import type { Bus } from './bus.ts';
import { nodesName, spaceNames } from './space-names.ts';
import { historyFilter, platformSpace, subjects } from './subjects.ts';
import { wireOf } from './wire.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const mebibyte = 1_048_576;

/** The bucket of all nodes, whatever their spaces. */
export const nodesBucket = spaceNames(nodesName).bucket;
/** The stream of OTLP bodies of all spaces. */
export const telemetryStream = 'MABEAM_TELEMETRY';

/** Name of the stream under a bucket. */
export function bucketStream(bucket: string): string {
  return `KV_${bucket}`;
}

/** A stream as it should be; what is left out is the same for all of ours. */
export type StreamDefinition = Partial<StreamConfig> & Pick<StreamConfig, 'name' | 'subjects'>;

/** The streams and buckets of one space. */
export function spaceStreams(space: string): StreamDefinition[] {
  const names = spaceNames(space);
  const { at } = subjects(space);
  return [
    bucketDefinition(names.bucket, at('variable'), {
      historyDepth: 64,
      maxBytes: 64 * mebibyte,
      isAtomic: true,
      marksExpire: true,
    }),
    bucketDefinition(names.observed, at('observed'), { historyDepth: 1, maxBytes: 16 * mebibyte }),
    bucketDefinition(names.leases, at('lease'), { historyDepth: 1, maxBytes: 16 * mebibyte, expires: true }),
    bucketDefinition(names.coordination, at('record'), {
      historyDepth: 64,
      maxBytes: 16 * mebibyte,
      isAtomic: true,
      marksExpire: true,
    }),
    {
      name: names.events,
      subjects: [at('event.*.*.*'), at('trigger.>')],
      max_age: nanos(7 * dayMs),
      max_bytes: 256 * mebibyte,
    },
    {
      name: names.tasks,
      subjects: [at('task.*')],
      retention: RetentionPolicy.Workqueue,
      max_bytes: 256 * mebibyte,
      max_age: nanos(7 * dayMs),
      discard: DiscardPolicy.New,
    },
    {
      name: names.outcomes,
      subjects: [at('event.task.*.*.*')],
      max_age: nanos(60 * minuteMs),
      max_bytes: 256 * mebibyte,
    },
    {
      name: names.edges,
      subjects: [at('edge.*.*.data')],
      retention: RetentionPolicy.Workqueue,
      max_bytes: 64 * mebibyte,
      max_age: nanos(7 * dayMs),
      // One edge nobody reads is full before it fills the stream for the others.
      max_msgs_per_subject: 10_000,
      discard: DiscardPolicy.New,
      discard_new_per_subject: true,
    },
    {
      name: names.history,
      subjects: [at(historyFilter)],
      max_age: nanos(90 * dayMs),
      max_bytes: 256 * mebibyte,
      // The copies and how far they reach are stored together; how far outlives the copies.
      allow_atomic: true,
      allow_rollup_hdrs: true,
      allow_msg_ttl: true,
    },
    {
      name: names.logs,
      subjects: [at('log.*')],
      max_bytes: 64 * mebibyte,
      discard: DiscardPolicy.New,
      // What is in a log stays where it is: no entry is ever taken out, so no place is ever taken twice.
      deny_delete: true,
      deny_purge: true,
    },
  ];
}

/** The streams and buckets that belong to no space. */
export function platformStreams(): StreamDefinition[] {
  return [
    bucketDefinition(nodesBucket, subjects(platformSpace).at('node'), {
      historyDepth: 1,
      maxBytes: 16 * mebibyte,
      expires: true,
    }),
    {
      name: telemetryStream,
      subjects: ['mabeam.*.telemetry.*'],
      max_age: nanos(15 * minuteMs),
      max_bytes: 256 * mebibyte,
    },
  ];
}

/**
 * Creates what is missing and updates what differs; safe when several processes do it at once. `$MABEAM_REPLICAS` says how many
 * servers keep each of them; without it a new one is kept by one, and others stay as they are. Throws `store-failed`.
 */
export async function ensureStreams(bus: Bus, definitions: readonly StreamDefinition[]): Promise<void> {
  const kept = keptBy(process.env['MABEAM_REPLICAS']);
  const manager = await wireOf(bus).manager();
  for (const definition of definitions) await ensureStream(manager, { ...kept, ...definition });
}

/** One number for all streams and buckets. */
function keptBy(text: string | undefined): Pick<Partial<StreamConfig>, 'num_replicas'> {
  if (text === undefined || text === '') return {};
  if (/^[1-5]$/.test(text)) return { num_replicas: Number(text) };
  throw busError(
    'store-failed',
    `MABEAM_REPLICAS: "${text}" is not a number of servers from 1 to 5; mend it`,
  );
}

/** Deletes streams; what does not exist is nothing. Throws `disconnected`, `deadline-exceeded`, `closed`, `store-failed`. */
export async function deleteStreams(bus: Bus, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await askAbout(bus, name, (manager) => manager.streams.delete(name)).catch((error: unknown) => {
      if (!isStreamMissing(error)) throw error;
    });
  }
}

/** Does the stream exist? Throws `disconnected`, `deadline-exceeded`, `closed`. */
export async function hasStream(bus: Bus, name: string): Promise<boolean> {
  try {
    await askAbout(bus, name, (manager) => manager.streams.info(name));
    return true;
  } catch (error) {
    if (isStreamMissing(error)) return false;
    throw error;
  }
}

/** The spaces that exist on this server, by their buckets. Throws `disconnected`, `deadline-exceeded`, `closed`. */
export async function listSpaces(bus: Bus): Promise<string[]> {
  const wire = wireOf(bus);
  const spaces: string[] = [];
  try {
    const manager = await wire.manager();
    for await (const stream of manager.streams.list('mabeam.*.trigger.>')) {
      const match = /^mabeam-(.+)-events$/.exec(stream.config.name);
      if (match?.[1] !== undefined) spaces.push(match[1]);
    }
  } catch (error) {
    throw serverError(wire, 'mabeam-*-events', error);
  }
  return spaces.toSorted();
}

/** Last sequence of a stream. Throws `stream-missing`, `disconnected`, `deadline-exceeded`, `closed`. */
export async function lastSequence(bus: Bus, stream: string): Promise<number> {
  return (await askAbout(bus, stream, (manager) => manager.streams.info(stream))).state.last_seq;
}

/** How many messages a stream keeps on each subject that has some and matches the filter. Throws as `lastSequence`. */
export async function countBySubject(
  bus: Bus,
  stream: string,
  filter: string,
): Promise<ReadonlyMap<string, number>> {
  const { state } = await askAbout(bus, stream, (manager) =>
    manager.streams.info(stream, { subjects_filter: filter }),
  );
  return new Map(Object.entries(state.subjects ?? {}));
}

/** Which stream this is: when it was created, and its last sequence. Throws as `lastSequence`. */
export async function streamIdentity(
  bus: Bus,
  stream: string,
): Promise<{ readonly created: string; readonly last: number }> {
  const { created, state } = await askAbout(bus, stream, (manager) => manager.streams.info(stream));
  return { created: String(created), last: state.last_seq };
}

interface BucketOptions {
  readonly historyDepth: number;
  readonly maxBytes: number;
  /** Change sets: several keys in one atomic batch. */
  readonly isAtomic?: boolean;
  /** Keys may have a time to live, and their expiry is announced by a marker. */
  readonly expires?: boolean;
  /** Markers may go away by themselves, without a trace. */
  readonly marksExpire?: boolean;
}

/** A KV bucket as the stream it is, with each new revision republished under `prefix`. */
function bucketDefinition(bucket: string, prefix: string, options: BucketOptions): StreamDefinition {
  const all = `$KV.${bucket}.>`;
  return {
    name: bucketStream(bucket),
    subjects: [all],
    max_msgs_per_subject: options.historyDepth,
    max_bytes: options.maxBytes,
    discard: DiscardPolicy.New,
    allow_direct: true,
    allow_rollup_hdrs: true,
    deny_delete: true,
    republish: { src: all, dest: `${prefix}.>` },
    ...(options.isAtomic === true ? { allow_atomic: true } : {}),
    ...(options.marksExpire === true ? { allow_msg_ttl: true } : {}),
    ...(options.expires === true
      ? { allow_msg_ttl: true, subject_delete_marker_ttl: nanos(10 * minuteMs) }
      : {}),
  };
}

async function ensureStream(manager: JetStreamManager, definition: StreamDefinition): Promise<void> {
  const config = {
    storage: StorageType.File,
    allow_direct: true,
    duplicate_window: nanos(2 * minuteMs),
    ...definition,
  };
  for (let attempt = 1; ; attempt++) {
    try {
      const present = await presentConfig(manager, config.name);
      if (present === undefined) await manager.streams.add(config);
      else {
        const kept = withLargerLimit(config, present);
        if (differs(present, kept)) await manager.streams.update(config.name, kept);
      }
      return;
    } catch (cause) {
      if (attempt >= 5) throw ensureFailed(config.name, cause);
      await new Promise((resolve) => setTimeout(resolve, 50 * attempt));
    }
  }
}

/** An operator may have made room: a stream is never made smaller. */
function withLargerLimit<T extends { readonly max_bytes?: number }>(wanted: T, present: StreamConfig): T {
  const isLarger =
    present.max_bytes < 0 || present.max_bytes > (wanted.max_bytes ?? Number.POSITIVE_INFINITY);
  return isLarger ? { ...wanted, max_bytes: present.max_bytes } : wanted;
}

async function presentConfig(manager: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(name)).config;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function differs(present: StreamConfig, wanted: object): boolean {
  const have = new Map<string, unknown>(Object.entries(present));
  return Object.entries(wanted).some(
    ([key, value]) => JSON.stringify(have.get(key)) !== JSON.stringify(value),
  );
}

function isMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === 10059;
}

function ensureFailed(stream: string, cause: unknown): Error {
  const why = cause instanceof Error ? cause.message : String(cause);
  return busError('store-failed', `stream ${stream} could not be created or updated: ${why}`, {
    details: { stream },
    cause,
  });
}
