import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectBus, ensureStreams, platformStreams, type Bus } from '@mabeam/bus';
import { startTestServer, waitFor } from '@mabeam/testing';
import { runForwarder, type ForwarderOptions, type ForwarderStats } from '../src/forwarder.ts';
import { createLogger } from '../src/logging.ts';
import { packTelemetry } from '../src/payload.ts';
import { decodeSpans } from './otlp-proto.ts';
import { OtlpReceiver } from './otlp-receiver.ts';
import { recordChain } from './recorded-spans.ts';

// A server of its own for this file: a forwarder takes the telemetry of all spaces.
let server: Awaited<ReturnType<typeof startTestServer>>;
let bus: Bus;
beforeAll(async () => {
  server = await startTestServer();
  bus = await connectBus({ url: server.url, name: 'forwarder test' });
  await ensureStreams(bus, platformStreams());
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});

const subject = 'mabeam.forwarding.telemetry.traces';

/** Stores so many batches of two spans each, and returns the ids of the spans. */
async function storeBatches(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const spans = await recordChain(2);
    const { bytes, headers } = await packTelemetry(
      ProtobufTraceSerializer.serializeRequest(spans) ?? new Uint8Array(),
    );
    await bus.store(subject, bytes, { headers });
    ids.push(...spans.map((span) => span.spanContext().spanId));
  }
  return ids;
}

interface Running extends AsyncDisposable {
  readonly log: string[];
  readonly stop: () => Promise<ForwarderStats>;
}

function start(receiver: OtlpReceiver, options: Partial<ForwarderOptions> = {}): Running {
  const abort = new AbortController();
  const log: string[] = [];
  const running = runForwarder(bus, {
    targets: [{ kind: 'traces', url: `${receiver.url}/v1/traces`, headers: { 'x-key': 'k' } }],
    timeoutMs: 2_000,
    backoffMs: 20,
    signal: abort.signal,
    log: createLogger({
      name: 'forwarder',
      level: 'info',
      destination: { write: (line) => void log.push(line) },
    }),
    ...options,
  });
  const stop = async (): Promise<ForwarderStats> => {
    abort.abort();
    return await running;
  };
  return { log, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

async function allArrived(receiver: OtlpReceiver, ids: readonly string[]): Promise<void> {
  await waitFor(() => ids.every((id) => receiver.spanIds.includes(id)), {
    what: 'the receiver has every span',
    timeoutMs: 15_000,
  });
}

test('many small batches arrive merged, each span once, with the headers that were asked for', async () => {
  await using receiver = new OtlpReceiver();
  await receiver.start();
  const ids = await storeBatches(100);
  await using forwarder = start(receiver);
  await allArrived(receiver, ids);
  const stats = await forwarder.stop();
  expect(receiver.spanIds).toHaveLength(200);
  expect(receiver.requests).toBeLessThan(20);
  expect(receiver.keys).toContain('k');
  expect(stats).toMatchObject({ messages: 100, dropped: 0, retries: 0, posts: receiver.requests });
});

test('a receiver that answers 503, is stopped and comes back gets every span; doubles are at most the POSTs that were cut', async () => {
  await using receiver = new OtlpReceiver();
  await receiver.start();
  receiver.refuse = () => ({ status: 503 });
  await using forwarder = start(receiver);
  const ids = await storeBatches(10);
  await waitFor(() => receiver.requests >= 3, { what: 'the forwarder has been told to wait' });
  await receiver.stop();
  ids.push(...(await storeBatches(10)));
  receiver.refuse = () => undefined;
  await receiver.start();
  ids.push(...(await storeBatches(10)));
  await allArrived(receiver, ids);
  const stats = await forwarder.stop();
  expect(receiver.spanIds).toHaveLength(60);
  expect(stats).toMatchObject({ messages: 30, dropped: 0 });
  expect(stats.retries).toBeGreaterThanOrEqual(3);
  expect(forwarder.log.filter((line) => line.includes('receiver is unavailable'))).toHaveLength(1);
  expect(forwarder.log.filter((line) => line.includes('receiver is back'))).toHaveLength(1);
});

test('a receiver that says when to come again is not asked before', async () => {
  await using receiver = new OtlpReceiver();
  await receiver.start();
  let refusedAt = 0;
  let tookAt = 0;
  receiver.refuse = () => {
    if (refusedAt > 0) {
      tookAt = performance.now();
      return undefined;
    }
    refusedAt = performance.now();
    return { status: 429, retryAfter: '1' };
  };
  await using _forwarder = start(receiver);
  await allArrived(receiver, await storeBatches(1));
  expect(tookAt - refusedAt).toBeGreaterThanOrEqual(990);
});

test('one message that the receiver refuses is dropped, counted and logged; those merged with it arrive', async () => {
  await using receiver = new OtlpReceiver();
  await receiver.start();
  const before = await storeBatches(5);
  const [bad = ''] = await storeBatches(1);
  const after = await storeBatches(5);
  receiver.refuse = (body) =>
    decodeSpans(body).some(({ spanId }) => spanId === bad) ? { status: 400 } : undefined;
  await using forwarder = start(receiver);
  await allArrived(receiver, [...before, ...after]);
  const stats = await forwarder.stop();
  expect(stats).toMatchObject({ messages: 10, dropped: 1, retries: 0 });
  expect(receiver.spanIds).toHaveLength(20);
  expect(forwarder.log.join('')).toContain('"reason":"HTTP 400"');
});

test('a body that is not what its header says is dropped without asking the receiver', async () => {
  await using receiver = new OtlpReceiver();
  await receiver.start();
  await bus.store(subject, new Uint8Array([1, 2, 3]), { headers: { 'Content-Encoding': 'gzip' } });
  const ids = await storeBatches(1);
  await using forwarder = start(receiver);
  await allArrived(receiver, ids);
  expect(await forwarder.stop()).toMatchObject({ messages: 1, dropped: 1 });
});

test('OTLP in JSON is passed on as it is, unmerged, between the protobuf ones', async () => {
  await using receiver = new OtlpReceiver();
  await receiver.start();
  const ids = await storeBatches(2);
  const headers = { 'Content-Type': 'application/json' };
  for (const body of ['{"resourceSpans":[]}', '{}']) await bus.store(subject, Buffer.from(body), { headers });
  ids.push(...(await storeBatches(2)));
  await using forwarder = start(receiver);
  await allArrived(receiver, ids);
  expect(receiver.json).toEqual(['{"resourceSpans":[]}', '{}']);
  expect(await forwarder.stop()).toMatchObject({ messages: 6, dropped: 0 });
});

test('a redirect is not followed: the message is dropped and the reason logged', async () => {
  await using receiver = new OtlpReceiver();
  await receiver.start();
  receiver.refuse = () => ({ status: 302 });
  await storeBatches(1);
  await using forwarder = start(receiver);
  await waitFor(() => forwarder.log.join('').includes('HTTP 302'), { what: 'the drop is logged' });
  expect(await forwarder.stop()).toMatchObject({ dropped: 1, messages: 0 });
});

test('two forwarders share the work, and what one leaves the other takes', async () => {
  await using receiver = new OtlpReceiver();
  await receiver.start();
  await using one = start(receiver);
  await using two = start(receiver);
  const ids = await storeBatches(20);
  await allArrived(receiver, ids);
  const first = await one.stop();
  const more = await storeBatches(5);
  await allArrived(receiver, more);
  const second = await two.stop();
  expect(first.messages + second.messages).toBe(25);
  expect(receiver.spanIds).toHaveLength(50);
});
