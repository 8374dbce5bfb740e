/**
 * OTLP exporters whose transport is the bus: a batch is stored on `mabeam.<space>.telemetry.<traces|logs>`.
 *
 * E1 A batch has one message id for all its attempts: repeated after a lost acknowledgement, it is kept once.
 * E2 A batch too large for the server is halved until it fits; an item too large by itself is dropped and reported.
 * E3 Exporting makes no spans of its own.
 * E4 What cannot be stored in time is dropped and reported; nothing waits here beyond MAX_CONCURRENT batches.
 */
import { randomUUID } from 'node:crypto';
import { context } from '@opentelemetry/api';
import { ExportResultCode, suppressTracing, type ExportResult } from '@opentelemetry/core';
import {
  createOtlpNetworkExportDelegate,
  ExporterMetrics,
  type ExportResponse,
  type IExporterTransport,
  type IOtlpExportDelegate,
} from '@opentelemetry/otlp-exporter-base';
import {
  LogsExporterMetricsHelper,
  ProtobufLogsSerializer,
  ProtobufTraceSerializer,
  TraceExporterMetricsHelper,
  type IExporterMetricsHelper,
  type ISerializer,
} from '@opentelemetry/otlp-transformer';
import type { LogRecordExporter, ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { MabeamError, subjects } from '@mabeam/bus';
import type { DropReason } from './batch-queue.ts';
import { telemetryError } from './errors.ts';
import type { UseBus } from './export-connection.ts';
import { largestRequest, packTelemetry, type TelemetryKind } from './payload.ts';

const MAX_CONCURRENT = 4;
/** Room for the headers, which the server counts into the payload. */
const HEADER_ROOM = 1_024;

/** How an exporter reaches NATS, and for which space it exports. */
export interface NatsExporterOptions {
  readonly useBus: UseBus;
  readonly space: string;
  /** How long a batch is tried, over reconnects. Default 10 000. */
  readonly timeoutMs?: number;
  /** Told of spans or records that were given up, and why. */
  readonly onDrop: (count: number, reason: DropReason, cause?: unknown) => void;
}

/** A span exporter for any OpenTelemetry span processor. */
export function createNatsSpanExporter(options: NatsExporterOptions): SpanExporter {
  return splittingExporter(
    delegateFor('traces', ProtobufTraceSerializer, TraceExporterMetricsHelper, options),
    options,
  );
}

/** A log record exporter for any OpenTelemetry log record processor. */
export function createNatsLogExporter(options: NatsExporterOptions): LogRecordExporter {
  return splittingExporter<ReadableLogRecord>(
    delegateFor('logs', ProtobufLogsSerializer, LogsExporterMetricsHelper, options),
    options,
  );
}

class NatsTransport implements IExporterTransport {
  readonly #options: NatsExporterOptions;
  readonly #subject: string;
  readonly #batchPrefix: string;
  #batches = 0;

  constructor(kind: TelemetryKind, options: NatsExporterOptions) {
    this.#options = options;
    this.#subject = subjects(options.space).telemetry(kind);
    this.#batchPrefix = randomUUID();
  }

  async send(request: Uint8Array, timeoutMs: number): Promise<ExportResponse> {
    this.#batches += 1;
    const messageId = `${this.#batchPrefix}.${this.#batches}`;
    try {
      this.#assertFits(request, largestRequest);
      const { bytes, headers } = await packTelemetry(request);
      await context.with(suppressTracing(context.active()), () =>
        this.#options.useBus(async (bus) => {
          this.#assertFits(bytes, bus.maxPayload - HEADER_ROOM);
          await bus.store(this.#subject, bytes, { headers, messageId, timeoutMs });
        }),
      );
      return { status: 'success' };
    } catch (error) {
      return { status: 'failure', error: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  shutdown(): void {
    // The connection belongs to whoever lent it.
  }

  #assertFits(bytes: Uint8Array, limit: number): void {
    if (bytes.length <= limit) return;
    const message = `${this.#subject}: a batch of ${bytes.length} bytes is larger than the ${limit} that fit`;
    throw telemetryError('telemetry-too-large', message);
  }
}

function delegateFor<T, R>(
  kind: TelemetryKind,
  serializer: ISerializer<T[], R>,
  metricsHelper: IExporterMetricsHelper<T[]>,
  options: NatsExporterOptions,
): IOtlpExportDelegate<T[]> {
  const metrics = new ExporterMetrics<T[]>({
    componentType: `otlp_nats_${kind}_exporter`,
    metricsHelper,
    url: undefined,
    meterProvider: undefined,
    responseAttributesFromError: () => ({}),
  });
  const limits = {
    timeoutMillis: options.timeoutMs ?? 10_000,
    concurrencyLimit: MAX_CONCURRENT,
    compression: 'none' as const,
  };
  return createOtlpNetworkExportDelegate(limits, serializer, metrics, new NatsTransport(kind, options));
}

interface Exporter<T> {
  export(items: T[], report: (result: ExportResult) => void): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** Halves what is too large (E2) and reports what is lost (E4). */
function splittingExporter<T>(delegate: IOtlpExportDelegate<T[]>, options: NatsExporterOptions): Exporter<T> {
  const exportItems = async (items: T[]): Promise<ExportResult> => {
    const result = await exportOnce(delegate, items);
    if (result.code === ExportResultCode.SUCCESS) return result;
    const tooLarge = isTooLarge(result.error);
    if (!tooLarge || items.length < 2) {
      options.onDrop(items.length, tooLarge ? 'too-large' : 'refused', result.error);
      return result;
    }
    const middle = Math.ceil(items.length / 2);
    const first = await exportItems(items.slice(0, middle));
    const second = await exportItems(items.slice(middle));
    return first.code === ExportResultCode.SUCCESS ? second : first;
  };
  return {
    export: (items, report) => void exportItems(items).then((result) => report(result)),
    forceFlush: () => delegate.forceFlush(),
    shutdown: () => delegate.shutdown(),
  };
}

/** What the delegate makes of the items; an item it cannot even serialize fails like any other. */
function exportOnce<T>(delegate: IOtlpExportDelegate<T[]>, items: T[]): Promise<ExportResult> {
  return new Promise((resolve) => {
    try {
      delegate.export(items, resolve);
    } catch (error) {
      resolve({
        code: ExportResultCode.FAILED,
        error: error instanceof Error ? error : new Error(String(error)),
      });
    }
  });
}

function isTooLarge(error: Error | undefined): boolean {
  return error instanceof MabeamError && ['telemetry-too-large', 'payload-too-large'].includes(error.code);
}
