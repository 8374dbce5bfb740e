/**
 * Trace context on the bus: W3C `traceparent`, and the spans at both ends of a conversation.
 *
 * The decision to sample falls once, at the root (the first span of a journey). A hop whose parent is not sampled makes
 * no span and passes the parent on unchanged, so an unsampled message costs no more than a string. Only the
 * OpenTelemetry API is used: without a registered SDK everything here does nothing.
 */
import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import { MabeamError } from './error.ts';
import { attributes as names } from './semconv.ts';

const traceparentPattern = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
const zeroIds = /^0+$/;

/** The active span's context as `traceparent`; undefined when there is no trace. */
export function activeTraceparent(): string | undefined {
  const span = trace.getSpanContext(context.active());
  return span === undefined ? undefined : formatTraceparent(span);
}

export function formatTraceparent(span: SpanContext): string {
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
}

/** The context a `traceparent` names; the root context when it is absent or malformed (a stranger's mistake ends here). */
export function contextFrom(traceparent: string | undefined): Context {
  const match = traceparent === undefined ? null : traceparentPattern.exec(traceparent);
  const [, traceId, spanId, flags] = match ?? [];
  if (traceId === undefined || spanId === undefined || zeroIds.test(traceId) || zeroIds.test(spanId))
    return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(flags ?? '00', 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

export interface SpanOptions {
  readonly kind: 'client' | 'server' | 'producer' | 'consumer';
  readonly name: string;
  readonly attributes: Attributes;
  /** The context to be a child of; the active one when absent. */
  readonly parent?: Context;
}

const kinds = {
  client: SpanKind.CLIENT,
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/**
 * Runs `work` inside a span and ends the span with its result. Where the parent is not sampled no span is made: `work`
 * runs in the parent's context. A consumer span is a child of its parent and links to it as well.
 */
export function inSpan<T>(options: SpanOptions, work: (span: Span | undefined) => Promise<T>): Promise<T> {
  const parent = options.parent ?? context.active();
  const upstream = trace.getSpanContext(parent);
  if (upstream !== undefined && (upstream.traceFlags & TraceFlags.SAMPLED) === 0) {
    return context.with(parent, () => work(undefined));
  }
  const links = options.kind === 'consumer' && upstream !== undefined ? [{ context: upstream }] : [];
  const attributes = {
    [names.messagingSystem]: 'nats',
    [names.messagingSystemName]: 'nats',
    ...options.attributes,
  };
  // Asked for each time: a tracer kept over a restart of telemetry would go on with the one that has ended.
  const span = trace
    .getTracer('@mabeam/bus')
    .startSpan(options.name, { kind: kinds[options.kind], attributes, links }, parent);
  return context.with(trace.setSpan(parent, span), async () => {
    try {
      return await work(span);
    } catch (error) {
      markFailed(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

function markFailed(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  span.setAttribute(names.errorType, error instanceof MabeamError ? error.code : 'error');
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
