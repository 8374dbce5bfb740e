import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trace } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { connectBus, ensureStreams, platformStreams } from '@mabeam/bus';
import { startServer } from '@mabeam/bus/server';
import { freshSpace } from '@mabeam/testing';
import { openLogSink } from '../src/log-sink.ts';
import { startTelemetry } from '../src/start.ts';
import { readLogs, readTrace } from '../src/telemetry-stream.ts';

test('spans and log lines recorded while the server is gone arrive once it is back, each once', async () => {
  const storeDir = await mkdtemp(join(tmpdir(), 'mabeam-outage-'));
  await using _folder = { [Symbol.asyncDispose]: () => rm(storeDir, { recursive: true, force: true }) };
  const first = await startServer({ storeDir, port: 'random' });
  const { url } = first;
  await using bus = await connectBus({ url, name: 'outage test' });
  await ensureStreams(bus, platformStreams());
  const space = freshSpace();
  await using sink = openLogSink(bus, space, { delayMs: 10 });
  await using telemetry = startTelemetry({ bus, space, service: 'outage' });
  const root = trace.getTracer('test').startSpan('conversation outage');
  sink.line({ agent: 'judge', ordinal: 0 }, 'stdout', 'before');
  await sink.flush(5_000);

  await first.stop();
  sink.line({ agent: 'judge', ordinal: 0 }, 'stdout', 'meanwhile');
  root.end();
  expect(await sink.flush(100)).toBe(false);
  expect(await telemetry.flush(100)).toBe(false);
  await using _second = await startServer({ storeDir, port: Number(new URL(url).port) });

  expect(await sink.flush(10_000)).toBe(true);
  expect(await telemetry.flush(10_000)).toBe(true);
  const messages: string[] = [];
  for await (const { message } of readLogs(bus, space)) messages.push(message);
  expect(messages).toEqual(['before', 'meanwhile']);
  expect(await readTrace(bus, root.spanContext().traceId)).toMatchObject({ spanCount: 1 });
  expect([sink.dropped(), telemetry.dropped()]).toEqual([{}, {}]);
});
