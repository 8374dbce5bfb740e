import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { hrTimeOf, parseLogLine } from './log-record.ts';

const traceId = 'a'.repeat(32);
const spanId = 'b'.repeat(16);

test("a line of pino keeps its level, time, message, trace and fields, and loses what the record's resource says", () => {
  const line = JSON.stringify({
    level: 40,
    time: 1_700_000_000_123,
    pid: 4,
    hostname: 'h',
    name: 'judge',
    agent: 'judge',
    trace_id: traceId,
    span_id: spanId,
    trace_flags: '01',
    mailId: 'm-1',
    msg: 'slow',
  });
  expect(parseLogLine(line, 'stdout', 0)).toEqual({
    timeMs: 1_700_000_000_123,
    severity: 13,
    severityText: 'warn',
    body: 'slow',
    attributes: { 'log.iostream': 'stdout', name: 'judge', mailId: 'm-1' },
    traceId,
    spanId,
    traceFlags: 1,
  });
});

test('a line of another JSON logger is understood by message and level', () => {
  const line = '{"message":"ready","level":"WARNING","time":"2030-01-01T00:00:00Z"}';
  expect(parseLogLine(line, 'stdout', 0)).toMatchObject({
    body: 'ready',
    severity: 13,
    timeMs: Date.parse('2030-01-01'),
  });
});

test('plain text is info on stdout and warn on stderr', () => {
  expect(parseLogLine('hello', 'stdout', 5)).toMatchObject({ body: 'hello', severity: 9, timeMs: 5 });
  expect(parseLogLine('oops', 'stderr', 5)).toMatchObject({
    body: 'oops',
    severity: 13,
    severityText: 'warn',
  });
});

test('JSON that is no log line is text', () => {
  expect(parseLogLine('{"a":1}', 'stdout', 0).body).toBe('{"a":1}');
  expect(parseLogLine('{broken', 'stdout', 0).body).toBe('{broken');
});

test('content is withheld, an error gets its conventional names', () => {
  const line =
    '{"level":50,"msg":"m","body":"Dear Sir","err":{"type":"Error","code":"conflict","message":"late","stack":"at x"}}';
  expect(parseLogLine(line, 'stdout', 0).attributes).toEqual({
    'log.iostream': 'stdout',
    body: '[withheld]',
    'exception.type': 'conflict',
    'exception.message': 'late',
    'exception.stacktrace': 'at x',
  });
});

test('a forged trace id is left out', () => {
  const line = JSON.stringify({ msg: 'x', trace_id: 'nonsense', span_id: spanId });
  expect(parseLogLine(line, 'stdout', 0)).not.toHaveProperty('traceId');
});

test('a line without end is cut', () => {
  expect(parseLogLine('x'.repeat(100_000), 'stdout', 0).body).toHaveLength(16_385);
});

test.prop([fc.oneof(fc.string(), fc.json())])('every line becomes a record', (line) => {
  const { body, timeMs } = parseLogLine(line, 'stdout', 1);
  expect(typeof body).toBe('string');
  expect(Number.isFinite(timeMs)).toBe(true);
});

test('milliseconds become seconds and nanoseconds', () => {
  expect(hrTimeOf(1_700_000_000_123)).toEqual([1_700_000_000, 123_000_000]);
});
