import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger, type LoggerOptions } from './logging.ts';

beforeAll(() => void context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
afterAll(() => context.disable());

function lines(
  options: Partial<LoggerOptions>,
  write: (log: ReturnType<typeof createLogger>) => void,
): unknown[] {
  const written: string[] = [];
  write(
    createLogger({
      name: 'judge',
      level: 'info',
      destination: { write: (line) => void written.push(line) },
      ...options,
    }),
  );
  return written.map((line) => JSON.parse(line) as unknown);
}

test('a line inside a span carries its ids, one outside none', () => {
  const span = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
  const [inside, outside] = lines({}, (log) => {
    context.with(trace.setSpanContext(ROOT_CONTEXT, span), () => log.info('in'));
    log.info('out');
  });
  expect(inside).toMatchObject({
    trace_id: span.traceId,
    span_id: span.spanId,
    trace_flags: '01',
    msg: 'in',
  });
  expect(outside).not.toHaveProperty('trace_id');
});

test('children say what the line is about, levels are words', () => {
  const [line] = lines({}, (log) =>
    log.child({ space: 'desk', agent: 'judge' }).warn({ depth: 3 }, 'long queue'),
  );
  expect(line).toMatchObject({
    level: 'warn',
    name: 'judge',
    space: 'desk',
    agent: 'judge',
    depth: 3,
    msg: 'long queue',
  });
});

test('content does not get into a log', () => {
  const [line] = lines({}, (log) =>
    log.info({ body: 'Dear Sir', task: { input: 'secret', id: 't-1' } }, 'judged'),
  );
  expect(line).toMatchObject({ body: '[withheld]', task: { input: '[withheld]', id: 't-1' } });
});

test('a level that does not exist counts as info instead of ending the process', () => {
  expect(
    lines({ level: 'loud' }, (log) => {
      log.debug('no');
      log.info('yes');
    }),
  ).toHaveLength(1);
});
