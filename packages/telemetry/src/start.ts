/**
 * Starting telemetry in a process: tracer provider, W3C propagation and async context, with spans going out over the bus.
 *
 * S1 A process has one telemetry; whoever starts it again gets the first, and whoever ends it ends it for all.
 * S2 Starting is cheap and waits for nothing: exporter and connection come with the first batch.
 * S3 Telemetry never stops its process from ending: no timer and no idle connection keeps it alive.
 */
import { context, propagation, trace, TraceFlags } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  TracerProvider,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import type { Bus } from '@mabeam/bus';
import { BatchQueue, settlesWithin } from './batch-queue.ts';
import { DropLog } from './drop-log.ts';
import { ExportConnection, type UseBus } from './export-connection.ts';
import { instanceIdOf, resourceAttributesOf, type ProcessIdentity } from './process-identity.ts';
import { registerTelemetry, telemetryRegistration, type TelemetryRegistration } from './registration.ts';
import { createSampler } from './sampler.ts';
import { readSettings, type TelemetrySettings } from './settings.ts';

/** Who a process is in its telemetry, and how that travels. What is not given is read from the environment. */
export interface TelemetryOptions extends Partial<ProcessIdentity> {
  /** Exports over this bus, which the caller keeps and closes after telemetry. Absent: a connection of its own. */
  readonly bus?: Bus;
  /** Where a connection of its own goes. Default `$NATS_URL`, else the local server. */
  readonly url?: string;
  /** Ordinary roots kept a second; default `$MABEAM_TRACE_ROOTS_PER_SECOND`, else 5. */
  readonly rootsPerSecond?: number;
}

/** A process's telemetry; disposing shuts it down. */
export interface Telemetry extends TelemetryRegistration, AsyncDisposable {
  readonly instanceId: string;
  /** Spans dropped so far, by reason. */
  readonly dropped: () => DropLog['totals'];
}

/**
 * Starts the telemetry of this process from options over environment (`OTEL_*`, `MABEAM_*`). Never throws for what the
 * environment says; with `OTEL_SDK_DISABLED=true` nothing is registered and the handle does nothing.
 */
export function startTelemetry(options: TelemetryOptions = {}): Telemetry {
  const settings = readSettings(process.env, process.pid);
  const identity = { ...settings.identity, ...definedOf(options) };
  const drops = new DropLog({ what: 'spans', write: writeWarning });
  const handle = (registration: TelemetryRegistration): Telemetry => ({
    ...registration,
    instanceId: instanceIdOf(identity),
    dropped: () => drops.totals,
    [Symbol.asyncDispose]: async () => void (await registration.shutdown(2_000)),
  });
  if (!settings.enabled) return handle({ flush: async () => true, shutdown: async () => true });
  const present = telemetryRegistration();
  if (present !== undefined) return handle(present);
  for (const complaint of settings.complaints) void writeWarning({}, complaint);
  return handle(install(options, settings, identity, drops));
}

function install(
  options: TelemetryOptions,
  settings: TelemetrySettings,
  identity: ProcessIdentity,
  drops: DropLog,
): TelemetryRegistration {
  const own = new ExportConnection({
    url: options.url ?? settings.url,
    name: `telemetry ${instanceIdOf(identity)}`,
    connectTimeoutMs: settings.exportTimeoutMs,
  });
  const { bus } = options;
  const useBus: UseBus = bus === undefined ? own.use : (act) => act(bus);
  const queue = new BatchQueue<ReadableSpan>({
    ...settings.batch,
    onDrop: (count, reason, cause) => drops.add(count, reason, cause),
    send: spanSender(useBus, identity.space ?? 'all', settings.exportTimeoutMs, drops),
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes(resourceAttributesOf(identity)),
    sampler: createSampler({ rootsPerSecond: options.rootsPerSecond ?? settings.rootsPerSecond }),
    spanProcessors: [queueingProcessor(queue)],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  );
  return registrationOf(queue, own, drops);
}

/** Loads the exporter at the first batch and hands batches to it; the exporter reports what it loses. */
function spanSender(
  useBus: UseBus,
  space: string,
  timeoutMs: number,
  drops: DropLog,
): (spans: readonly ReadableSpan[]) => Promise<void> {
  let exporter: SpanExporter | undefined;
  return async (spans) => {
    const { createNatsSpanExporter } = await import('./nats-exporter.ts');
    const onDrop: DropLog['add'] = (count, reason, cause) => drops.add(count, reason, cause);
    const target = (exporter ??= createNatsSpanExporter({ useBus, space, timeoutMs, onDrop }));
    await new Promise<void>((resolve) => {
      target.export([...spans], () => resolve());
    });
  };
}

function queueingProcessor(queue: BatchQueue<ReadableSpan>): SpanProcessor {
  return {
    onStart: () => undefined,
    onEnd: (span) => {
      if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0) queue.push(span);
    },
    forceFlush: async () => void (await queue.flush(10_000)),
    shutdown: async () => void (await queue.close(10_000)),
  };
}

function registrationOf(
  queue: BatchQueue<ReadableSpan>,
  own: ExportConnection,
  drops: DropLog,
): TelemetryRegistration {
  let ended: Promise<boolean> | undefined;
  const shutDown = async (timeoutMs: number): Promise<boolean> => {
    registerTelemetry(undefined);
    trace.disable();
    propagation.disable();
    const isComplete = await queue.close(timeoutMs);
    context.disable();
    await drops.close();
    // A server that hangs must not hold up the end of its client.
    await settlesWithin(own[Symbol.asyncDispose](), 1_000);
    return isComplete;
  };
  const registration: TelemetryRegistration = {
    flush: (timeoutMs) => queue.flush(timeoutMs),
    shutdown: (timeoutMs) => (ended ??= shutDown(timeoutMs)),
  };
  registerTelemetry(registration);
  return registration;
}

/** Loads the logger only when there is something to say. */
async function writeWarning(fields: Readonly<Record<string, unknown>>, message: string): Promise<void> {
  const { createLogger } = await import('./logging.ts');
  createLogger({ name: 'mabeam-telemetry' }).warn(fields, message);
}

function definedOf(options: TelemetryOptions): Partial<ProcessIdentity> {
  const { service, space, agent, ordinal, incarnation, process: name } = options;
  const given = { service, space, agent, ordinal, incarnation, process: name };
  // Object.entries forgets the keys' types; the filter only removes entries, so what is left has them still.
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as Partial<ProcessIdentity>;
}
