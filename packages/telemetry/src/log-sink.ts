/**
 * LogSink: the lines of hosted processes, on their way to the telemetry stream.
 *
 * A host that knows nothing of telemetry gets `sink.line` as a callback `(instance, stream, line)`. Lines leave within
 * 200 ms or 500 lines; at most 5 000 wait; what does not fit or cannot be stored is dropped, counted and reported.
 */
import type { Resource } from '@opentelemetry/resources';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { Bus } from '@mabeam/bus';
import { BatchQueue } from './batch-queue.ts';
import { DropLog } from './drop-log.ts';
import { hrTimeOf, parseLogLine, type OutputStream } from './log-record.ts';
import { createLogger } from './logging.ts';
import { createNatsLogExporter } from './nats-exporter.ts';
import { resourceAttributesOf } from './process-identity.ts';

/** Whose line it is. */
export interface LogSource {
  readonly agent: string;
  readonly ordinal: number;
  readonly incarnation?: string | number;
}

/** Takes the lines of hosted processes and stores them as log records, in batches; disposing stores what waits. */
export interface LogSink extends AsyncDisposable {
  /** Takes a line (without its line end). Never throws, never waits; needs no `this`. */
  readonly line: (source: LogSource, stream: OutputStream, line: string) => void;
  /** True when every line taken so far was stored or dropped within `timeoutMs`. */
  readonly flush: (timeoutMs: number) => Promise<boolean>;
  /** Lines dropped so far, by reason. */
  readonly dropped: () => DropLog['totals'];
}

/** Bounds of a log sink: lines that may wait, lines in a batch, and how long a batch is gathered. */
export interface LogSinkOptions {
  /** Where drops are reported; default: the log of this process. */
  readonly onDrop?: (fields: Readonly<Record<string, unknown>>, message: string) => void;
  readonly maxWaiting?: number;
  readonly maxBatch?: number;
  readonly delayMs?: number;
}

const scope = { name: '@mabeam/telemetry/log-sink' };
/** Incarnations come and go; the resources of this many are kept. */
const MAX_RESOURCES = 256;

/** Opens a sink for the lines of a space's processes. The bus stays the caller's and must outlive the sink. */
export function openLogSink(bus: Bus, space: string, options: LogSinkOptions = {}): LogSink {
  const write = options.onDrop ?? ((fields, text) => createLogger({ name: 'log-sink' }).warn(fields, text));
  const drops = new DropLog({ what: `log lines of space ${space}`, write });
  const onDrop: DropLog['add'] = (count, reason, cause) => drops.add(count, reason, cause);
  const exporter = createNatsLogExporter({ useBus: (act) => act(bus), space, onDrop, timeoutMs: 30_000 });
  const queue = new BatchQueue<ReadableLogRecord>({
    maxWaiting: options.maxWaiting ?? 5_000,
    maxBatch: options.maxBatch ?? 500,
    delayMs: options.delayMs ?? 200,
    onDrop,
    send: (records) =>
      new Promise<void>((resolve) => {
        exporter.export([...records], () => resolve());
      }),
  });
  const resourceOf = rememberedResources(space);
  return {
    line: (source, stream, line) => {
      if (line.trim() !== '') queue.push(recordOf(resourceOf(source), stream, line));
    },
    flush: (timeoutMs) => queue.flush(timeoutMs),
    dropped: () => drops.totals,
    [Symbol.asyncDispose]: async () => {
      await queue.close(2_000);
      await drops.close();
    },
  };
}

function recordOf(resource: Resource, stream: OutputStream, line: string): ReadableLogRecord {
  const nowMs = Date.now();
  const parsed = parseLogLine(line, stream, nowMs);
  const { traceId, spanId, traceFlags } = parsed;
  return {
    hrTime: hrTimeOf(parsed.timeMs),
    hrTimeObserved: hrTimeOf(nowMs),
    severityNumber: parsed.severity,
    severityText: parsed.severityText,
    body: parsed.body,
    attributes: parsed.attributes,
    ...(traceId === undefined || spanId === undefined
      ? {}
      : { spanContext: { traceId, spanId, traceFlags } }),
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
  };
}

/** One resource object for each incarnation: the serializer groups records by its identity. */
function rememberedResources(space: string): (source: LogSource) => Resource {
  const known = new Map<string, Resource>();
  return ({ agent, ordinal, incarnation }) => {
    const key = `${agent}.${ordinal}/${incarnation ?? ''}`;
    const resource =
      known.get(key) ??
      resourceFromAttributes(
        resourceAttributesOf({
          service: agent,
          space,
          agent,
          ordinal: String(ordinal),
          incarnation: incarnation === undefined ? undefined : String(incarnation),
        }),
      );
    known.delete(key);
    known.set(key, resource);
    for (const [oldest] of known) {
      if (known.size <= MAX_RESOURCES) break;
      known.delete(oldest);
    }
    return resource;
  };
}
