/**
 * Trace context on the bus: W3C `traceparent`, and the spans at both ends of a conversation.
 *
 * The decision to sample falls once, at the root (the first span of a journey). A hop whose parent is not sampled makes
 * no span and passes the parent on unchanged, so an unsampled message costs no more than a string. Only the
 * OpenTelemetry API is used: without a registered SDK everything here does nothing.
 *
 * A request is too cheap to ask the sampler each time. So a sampler that has refused a root is left alone for
 * `restMs`: the requests in between are not recorded either, and say so to the next hop by `false` in the place of a
 * `traceparent`, which is a decision without an id. A sampler that refuses by rate loses nothing by it; one that keeps a
 * share of all requests is asked at most `1 000 / restMs` times a second.
 */
import {
  context,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
  type TracerProvider,
} from '@opentelemetry/api';
import { AsyncResource } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { MabeamError } from './error.ts';
import { attributes as names } from './semconv.ts';

const traceparentPattern = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
const zeroIds = /^0+$/;

const restMs = 10;
/** A timer ends the rest: to read the clock for each request costs more than a hundred timers a second. */
const root: { rest: NodeJS.Timeout | undefined } = { rest: undefined };

/** The provider there is while no SDK is registered. */
const noProvider = new ProxyTracerProvider().getDelegate();

/** A context for work of which it was decided, without an id, that it is not recorded. Its ids mean nothing. */
const unrecorded = { traceId: 'f'.repeat(32), spanId: 'f'.repeat(16), traceFlags: TraceFlags.NONE };
const unrecordedContext = trace.setSpanContext(ROOT_CONTEXT, unrecorded);

/**
 * What a hop of a request does: make a span, or pass on what it was given. `false` says that the root decided not to
 * record; undefined that nobody traces.
 */
export type Hop =
  | { readonly kind: 'span' }
  | { readonly kind: 'pass'; readonly traceparent: string | false | undefined };

const spanHop: Hop = { kind: 'span' };
const untracedHop: Hop = { kind: 'pass', traceparent: undefined };
const unrecordedHop: Hop = { kind: 'pass', traceparent: false };

/** Is an OpenTelemetry SDK registered in this process? */
function isTracing(): boolean {
  return tracerProvider() !== noProvider;
}

/** The provider that an SDK has registered, whatever stands in front of it. */
function tracerProvider(): TracerProvider {
  const provider = trace.getTracerProvider();
  return provider instanceof ProxyTracerProvider ? provider.getDelegate() : provider;
}

/** What the asker of a request does about tracing, by the active context. */
export function askerHop(): Hop {
  if (!isTracing()) return untracedHop;
  const upstream = trace.getSpanContext(context.active());
  if (upstream === undefined) return root.rest === undefined ? spanHop : unrecordedHop;
  if ((upstream.traceFlags & TraceFlags.SAMPLED) !== 0) return spanHop;
  if (upstream.traceId === unrecorded.traceId) return unrecordedHop;
  return { kind: 'pass', traceparent: formatTraceparent(upstream) };
}

/**
 * What the responder does about a question's trace context: undefined is "nothing, call the handler", else the context
 * for the handler, in which `inSpan` makes a span or not.
 */
export function responderContext(traceparent: string | false | undefined): Context | undefined {
  if (!isTracing()) return undefined;
  if (traceparent === false) return unrecordedContext;
  if (traceparent === undefined) return root.rest === undefined ? ROOT_CONTEXT : unrecordedContext;
  return contextFrom(traceparent);
}

/** Is this the context of work that is not recorded? */
export function isUnrecorded(parent: Context): boolean {
  if (parent === unrecordedContext) return true;
  const upstream = trace.getSpanContext(parent);
  return upstream !== undefined && (upstream.traceFlags & TraceFlags.SAMPLED) === 0;
}

/**
 * Where the work for one connection runs when it is not recorded. Entering a context makes a new frame of all that is local to
 * asynchronous work; so the frame of the one context that has no id is made once, when the first such question comes, and
 * entered again and again: all questions of a connection come in one frame, that of its reading.
 */
export class UnrecordedFrame {
  #frame: AsyncResource | undefined;
  /** Whoever starts telemetry anew brings another context manager with the provider. */
  #provider: TracerProvider | undefined;

  /** Runs work that is not recorded, so that what it asks is not recorded either. */
  run<T>(parent: Context, work: () => T): T {
    if (parent !== unrecordedContext) return context.with(parent, work);
    const provider = tracerProvider();
    if (this.#frame === undefined || this.#provider !== provider) {
      this.#provider = provider;
      this.#frame = context.with(parent, () => new AsyncResource('MabeamUnrecorded'));
    }
    return this.#frame.runInAsyncScope(work);
  }
}

/** The active span's context as `traceparent`; undefined when there is no trace. */
export function activeTraceparent(): string | undefined {
  const span = trace.getSpanContext(context.active());
  if (span?.traceId === unrecorded.traceId) return anonymousTraceparent();
  return span === undefined ? undefined : formatTraceparent(span);
}

/** Id of the trace that is recorded here: the one a `traceparent` names, else that of the active span; undefined when there is none. */
export function recordedTrace(traceparent?: string | false): string | undefined {
  const parent = typeof traceparent === 'string' ? contextFrom(traceparent) : context.active();
  const span = trace.getSpanContext(parent);
  return span !== undefined && (span.traceFlags & TraceFlags.SAMPLED) !== 0 ? span.traceId : undefined;
}

/** "Not recorded" for those who only know the W3C's form. */
export function anonymousTraceparent(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;
}

/** A span's context as `traceparent`. */
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

/** What a span is, says, and belongs to. */
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
  // Without an SDK a parent that came with a message is still handed on, as the API's own spans do.
  if (options.parent === undefined && !isTracing()) return work(undefined);
  const parent = options.parent ?? context.active();
  if (isUnrecorded(parent)) return context.with(parent, () => work(undefined));
  const span = startSpan(options, parent);
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

/** A span that its opener ends; for conversations that no single promise spans. */
export interface OpenSpan {
  /** What the next hop is told. */
  readonly traceparent: string | false | undefined;
  fail(error: unknown): void;
  end(): void;
}

/** Opens an asker's span, unless this request is not recorded. */
export function openSpan(options: SpanOptions): OpenSpan {
  const hop = askerHop();
  if (hop.kind === 'pass') {
    return { traceparent: hop.traceparent, fail: () => undefined, end: () => undefined };
  }
  const span = startSpan(options, options.parent ?? context.active());
  return {
    traceparent: formatTraceparent(span.spanContext()),
    fail: (error) => markFailed(span, error),
    end: () => span.end(),
  };
}

function startSpan(options: SpanOptions, parent: Context): Span {
  const upstream = trace.getSpanContext(parent);
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
  const isRefusedRoot = upstream === undefined && (span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0;
  if (isRefusedRoot) rest();
  return span;
}

/** Leaves the sampler alone for a while. */
function rest(): void {
  root.rest ??= setTimeout(() => {
    root.rest = undefined;
  }, restMs).unref();
}

function markFailed(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  span.setAttribute(names.errorType, error instanceof MabeamError ? error.code : 'error');
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
