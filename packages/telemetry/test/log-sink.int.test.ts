import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connectBus, ensureStreams, platformStreams, type Bus } from '@mabeam/bus';
import { freshSpace } from '@mabeam/testing';
import { openLogSink } from '../src/log-sink.ts';
import { readLogs, type LogEntry } from '../src/telemetry-stream.ts';

let bus: Bus;
beforeAll(async () => {
  bus = await connectBus({ url: inject('natsUrl'), name: 'log sink test' });
  await ensureStreams(bus, platformStreams());
});
afterAll(() => bus.close());

const judge = { agent: 'judge', ordinal: 0, incarnation: 1 };
const words = { agent: 'words', ordinal: 1 };

async function collect(entries: AsyncIterable<LogEntry>): Promise<LogEntry[]> {
  const all: LogEntry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

test('lines are read back with agent, instance, level, message and trace, in order', async () => {
  const space = freshSpace();
  await using sink = openLogSink(bus, space);
  const { line } = sink;
  line(judge, 'stdout', '{"level":"warn","time":1700000000000,"msg":"slow","depth":4,"trace_id":"x"}');
  line(words, 'stderr', 'Traceback: oh no');
  line(words, 'stdout', '   ');
  expect(await sink.flush(5_000)).toBe(true);
  expect(await collect(readLogs(bus, space))).toMatchObject([
    {
      at: new Date(1_700_000_000_000),
      level: 'warn',
      agent: 'judge',
      instance: 'judge.0',
      message: 'slow',
      attributes: { depth: 4, 'log.iostream': 'stdout' },
    },
    { level: 'warn', agent: 'words', instance: 'words.1', message: 'Traceback: oh no' },
  ]);
  expect(await collect(readLogs(bus, space, { agent: 'words' }))).toHaveLength(1);
  const since = new Date(Date.now() - 60_000);
  expect(await collect(readLogs(bus, space, { since }))).toMatchObject([{ agent: 'words' }]);
});

test('following goes on with lines that come later, and ends with its signal', async () => {
  const space = freshSpace();
  await using sink = openLogSink(bus, space, { delayMs: 10 });
  const stop = new AbortController();
  const seen: string[] = [];
  sink.line(judge, 'stdout', 'first');
  for await (const { message } of readLogs(bus, space, { follow: true, signal: stop.signal })) {
    seen.push(message);
    if (message === 'first') sink.line(judge, 'stdout', 'second');
    else stop.abort();
  }
  expect(seen).toEqual(['first', 'second']);
});

test('lines beyond the bound are dropped, counted and reported', async () => {
  const reports: string[] = [];
  const space = freshSpace();
  const sink = openLogSink(bus, space, {
    maxWaiting: 3,
    maxBatch: 100,
    onDrop: (fields, message) => reports.push(`${message} ${JSON.stringify(fields)}`),
  });
  for (let i = 0; i < 5; i += 1) sink.line(judge, 'stdout', `line ${i}`);
  await sink[Symbol.asyncDispose]();
  expect(sink.dropped()).toEqual({ 'queue-full': 2 });
  expect(reports.join('\n')).toContain('telemetry dropped 1 log lines');
  expect((await collect(readLogs(bus, space))).map(({ message }) => message)).toEqual([
    'line 0',
    'line 1',
    'line 2',
  ]);
});

test('a message that is no OTLP does not hide the others', async () => {
  const space = freshSpace();
  await using sink = openLogSink(bus, space);
  const subject = `mabeam.${space}.telemetry.logs`;
  await bus.store(subject, new Uint8Array([255, 255]));
  await bus.store(subject, new Uint8Array([1, 2, 3]), { headers: { 'Content-Encoding': 'gzip' } });
  sink.line(judge, 'stdout', 'still here');
  await sink.flush(5_000);
  expect(await collect(readLogs(bus, space))).toMatchObject([{ message: 'still here' }]);
});
