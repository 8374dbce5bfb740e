/** @mabeam/telemetry: what is seen, and how it travels. The public names; loggers and names alone are in `./api`. */
export { startTelemetry } from './start.ts';
export type { Telemetry, TelemetryOptions } from './start.ts';
export { createNatsLogExporter, createNatsSpanExporter } from './nats-exporter.ts';
export type { NatsExporterOptions } from './nats-exporter.ts';
export type { ExportBus, UseBus } from './export-connection.ts';
export type { DropReason } from './batch-queue.ts';
export { createSampler } from './sampler.ts';
export { readForwardSettings } from './forward-settings.ts';
export type { ForwardSettings, ForwardTarget } from './forward-settings.ts';
export type { Environment } from './settings.ts';
export type { TelemetryKind } from './payload.ts';
export { runForwarder } from './forwarder.ts';
export type { ForwarderOptions, ForwarderStats } from './forwarder.ts';
export { openLogSink } from './log-sink.ts';
export type { LogSink, LogSinkOptions, LogSource } from './log-sink.ts';
export type { OutputStream } from './log-record.ts';
export { readLogs, readTrace } from './telemetry-stream.ts';
export type { LogEntry, ReadLogsOptions } from './telemetry-stream.ts';
export { readLogsRequest, readTraceRequest } from './otlp-reader.ts';
export type {
  OtlpAttributes,
  OtlpEvent,
  OtlpLink,
  OtlpLogRecord,
  OtlpSpan,
  OtlpSpanKind,
  OtlpValue,
} from './otlp-reader.ts';
export { assembleTrace, renderTrace } from './trace.ts';
export type { Trace, TraceNode } from './trace.ts';
export { telemetryErrors } from './errors.ts';
export * from './api.ts';
