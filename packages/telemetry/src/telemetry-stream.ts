/**
 * Reading telemetry back from its stream, which keeps it for fifteen minutes: traces by id, and log lines of a space.
 * What cannot be read as OTLP is skipped; the stream is open to everybody, one bad message must not hide the others.
 */
import {
  readStream,
  readStreamOnce,
  MabeamError,
  subjects,
  telemetryStream,
  type Bus,
  type StoredMessage,
} from '@mabeam/bus';
import {
  readLogsRequest,
  readTraceRequest,
  type OtlpAttributes,
  type OtlpLogRecord,
  type OtlpSpan,
  type OtlpValue,
} from './otlp-reader.ts';
import { unpackTelemetry } from './payload.ts';
import { attributes } from './semconv.ts';
import { assembleTrace, type Trace } from './trace.ts';

/** A log line as people read it. */
export interface LogEntry {
  readonly at: Date;
  readonly level: string;
  readonly agent: string;
  /** `<agent>.<ordinal>`. */
  readonly instance: string;
  readonly message: string;
  readonly attributes: OtlpAttributes;
  readonly traceId?: string;
  readonly spanId?: string;
}

/** Which lines are read, and whether reading goes on with those to come. */
export interface ReadLogsOptions {
  readonly agent?: string;
  /** Lines of this time or later. */
  readonly since?: Date;
  /** Goes on with what comes, until the signal aborts. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/** The trace with this id, from all spaces, as far as the stream has it now; undefined when it has no span of it. */
export async function readTrace(bus: Bus, traceId: string): Promise<Trace | undefined> {
  const spans: OtlpSpan[] = [];
  for await (const message of readStreamOnce(bus, telemetryStream, { filter: 'mabeam.*.telemetry.traces' })) {
    for (const span of readable(message, readTraceRequest)) if (span.traceId === traceId) spans.push(span);
  }
  return assembleTrace(traceId, spans);
}

/** The kept log lines of a space, batch by batch in the order they were stored; with `follow` also those to come. */
export async function* readLogs(
  bus: Bus,
  space: string,
  options: ReadLogsOptions = {},
): AsyncGenerator<LogEntry, void> {
  const filter = subjects(space).telemetry('logs');
  const { signal } = options;
  const messages =
    options.follow === true
      ? readStream(bus, telemetryStream, { filter, ...(signal === undefined ? {} : { signal }) })
      : readStreamOnce(bus, telemetryStream, { filter });
  for await (const message of messages) {
    if (options.since !== undefined && message.at < options.since) continue;
    for (const record of readable(message, readLogsRequest)) {
      const entry = entryOf(record);
      if (isWanted(entry, options)) yield entry;
    }
  }
}

function isWanted(entry: LogEntry, { agent, since }: ReadLogsOptions): boolean {
  return (agent === undefined || entry.agent === agent) && (since === undefined || entry.at >= since);
}

function entryOf(record: OtlpLogRecord): LogEntry {
  const { resource, traceId, spanId } = record;
  return {
    at: new Date(Number(record.timeNs / 1_000_000n)),
    level: record.severityText,
    agent: textOf(resource[attributes.agent] ?? resource[attributes.serviceName]),
    instance: textOf(resource[attributes.instance] ?? resource[attributes.serviceInstanceId]),
    message: textOf(record.body),
    attributes: record.attributes,
    ...(traceId === undefined ? {} : { traceId }),
    ...(spanId === undefined ? {} : { spanId }),
  };
}

function textOf(value: OtlpValue | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
}

function readable<T>(message: StoredMessage, read: (bytes: Uint8Array) => readonly T[]): readonly T[] {
  try {
    return read(unpackTelemetry(message));
  } catch (error) {
    if (error instanceof MabeamError && error.code === 'malformed-otlp') return [];
    throw error;
  }
}
