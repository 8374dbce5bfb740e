import { randomBytes } from 'node:crypto';
import { context, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connectBus, ensureStreams, platformStreams, type Bus } from '@mabeam/bus';
import { freshSpace } from '@mabeam/testing';
import { createNatsSpanExporter } from '../src/nats-exporter.ts';
import { readTrace } from '../src/telemetry-stream.ts';
import { startTelemetry } from '../src/start.ts';
import { recordChain } from './recorded-spans.ts';

let bus: Bus;
beforeAll(async () => {
  bus = await connectBus({ url: inject('natsUrl'), name: 'exporter test' });
  await ensureStreams(bus, platformStreams());
});
afterAll(() => bus.close());

test('spans exported over NATS are read back whole, as one trace of their process', async () => {
  await using telemetry = startTelemetry({
    url: inject('natsUrl'),
    space: freshSpace(),
    service: 'judge',
    agent: 'judge',
    incarnation: '3',
  });
  const tracer = trace.getTracer('test');
  const traceId = await tracer.startActiveSpan(
    'conversation mail',
    { attributes: { 'mail.size': 12 } },
    async (root) => {
      await Promise.resolve();
      tracer.startSpan('judge').end();
      root.end();
      return root.spanContext().traceId;
    },
  );
  expect(await telemetry.flush(5_000)).toBe(true);
  const read = await readTrace(bus, traceId);
  expect(read).toMatchObject({ spanCount: 2, depth: 2, orphans: [], processes: [telemetry.instanceId] });
  expect(read?.roots[0]).toMatchObject({
    span: {
      name: 'conversation mail',
      attributes: { 'mail.size': 12 },
      resource: { 'mabeam.agent.id': 'judge' },
    },
    children: [{ span: { name: 'judge' } }],
  });
  expect(telemetry.dropped()).toEqual({});
});

test('a second start gives the same telemetry, and after its end another can be started', async () => {
  const space = freshSpace();
  const first = startTelemetry({ bus, space, service: 'one' });
  const second = startTelemetry({ bus, space, service: 'two' });
  await second[Symbol.asyncDispose]();
  expect(trace.getTracer('test').startSpan('conversation').isRecording()).toBe(false);
  await first[Symbol.asyncDispose]();
  await using third = startTelemetry({ bus, space, service: 'three' });
  expect(trace.getTracer('test').startSpan('conversation').isRecording()).toBe(true);
  expect(third.instanceId).toMatch(/three/);
});

test('exporting over a given bus makes no spans of its own', async () => {
  const space = freshSpace();
  await using telemetry = startTelemetry({ bus, space, service: 'quiet', rootsPerSecond: 1_000 });
  const span = trace.getTracer('test').startSpan('conversation quiet');
  const { traceId } = span.spanContext();
  context.with(trace.setSpan(context.active(), span), () => span.end());
  await telemetry.flush(5_000);
  await telemetry.flush(5_000);
  expect((await readTrace(bus, traceId))?.spanCount).toBe(1);
});

test('a batch beyond the payload limit is split, and only the span too large by itself is dropped', async () => {
  const drops: [number, string][] = [];
  const exporter = createNatsSpanExporter({
    useBus: (act) => act(bus),
    space: freshSpace(),
    onDrop: (count, reason) => drops.push([count, reason]),
  });
  const noise = (bytes: number): string => randomBytes(bytes).toString('latin1');
  const large = await recordChain(6, { noise: noise(bus.maxPayload / 4) });
  const huge = await recordChain(1, { noise: noise(bus.maxPayload * 2) });
  await new Promise<void>((resolve) => {
    exporter.export([...large, ...huge], () => resolve());
  });
  expect(drops).toEqual([[1, 'too-large']]);
  const traceId = large[0]?.spanContext().traceId ?? '';
  expect(await readTrace(bus, traceId)).toMatchObject({ spanCount: 6, depth: 6, orphans: [] });
});

test('spans that cannot be delivered are counted, and ending is not held up by it', async () => {
  const telemetry = startTelemetry({ url: 'nats://127.0.0.1:1', space: freshSpace(), service: 'lost' });
  trace.getTracer('test').startSpan('conversation lost').end();
  const before = performance.now();
  expect(await telemetry.shutdown(200)).toBe(false);
  expect(performance.now() - before).toBeLessThan(2_000);
  expect(telemetry.dropped()).toEqual({ deadline: 1 });
});
