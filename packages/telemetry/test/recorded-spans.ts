/** Spans as the official SDK records them, for tests: named, one below the other. */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Attributes } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace';

/** A chain of `count` spans, the first a root, each with the given attributes. Nothing global is registered. */
export async function recordChain(count: number, attributes: Attributes = {}): Promise<ReadableSpan[]> {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'tester', 'service.instance.id': 'tester/1' }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer('chain', '1.0.0');
  let parent = ROOT_CONTEXT;
  for (let i = 0; i < count; i += 1) {
    const upstream = trace.getSpanContext(parent);
    const links = upstream === undefined ? [] : [{ context: upstream, attributes: { link: i } }];
    const span = tracer.startSpan(`step ${i}`, { kind: SpanKind.PRODUCER, attributes, links }, parent);
    span.addEvent('thought', { at: i });
    if (i === 1) span.setStatus({ code: SpanStatusCode.ERROR, message: 'no luck' });
    parent = trace.setSpan(parent, span);
    span.end();
  }
  await provider.forceFlush();
  return exporter.getFinishedSpans();
}
