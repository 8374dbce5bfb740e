import { SeverityNumber } from '@opentelemetry/api';
import { ProtobufLogsSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { MabeamError } from '@mabeam/bus';
import { readLogsRequest, readPartialSuccess, readTraceRequest } from '../src/otlp-reader.ts';
import { Answer, LogsRequest, TraceRequest } from './otlp-proto.ts';
import { recordChain } from './recorded-spans.ts';

const fine = ['read', 'malformed-otlp'];
const attributes = { text: 'größer 漢', whole: 42, negative: -7, part: 0.25, yes: true, list: ['a', 'b'] };

describe('what the official serializer writes', () => {
  test('spans are read back whole', async () => {
    const recorded = await recordChain(3, attributes);
    const spans = readTraceRequest(ProtobufTraceSerializer.serializeRequest(recorded) ?? new Uint8Array());
    const [root, child] = recorded;
    expect(spans).toHaveLength(3);
    expect(spans[0]).toMatchObject({
      resource: { 'service.name': 'tester', 'service.instance.id': 'tester/1' },
      scope: 'chain',
      traceId: root?.spanContext().traceId,
      spanId: root?.spanContext().spanId,
      name: 'step 0',
      kind: 'producer',
      attributes,
      status: { code: 'unset', message: '' },
      links: [],
    });
    expect(spans[0]).not.toHaveProperty('parentSpanId');
    expect(spans[1]).toMatchObject({
      spanId: child?.spanContext().spanId,
      parentSpanId: root?.spanContext().spanId,
      status: { code: 'error', message: 'no luck' },
      links: [{ spanId: root?.spanContext().spanId, attributes: { link: 1 } }],
      events: [{ name: 'thought', attributes: { at: 1 } }],
    });
    const [seconds, nanos] = root?.startTime ?? [0, 0];
    expect(spans[0]?.startNs).toBe(BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
  });

  test('log records are read back whole', () => {
    const record: ReadableLogRecord = {
      hrTime: [1_700_000_000, 5],
      hrTimeObserved: [1_700_000_001, 6],
      severityNumber: SeverityNumber.WARN,
      severityText: 'warn',
      body: 'queue is long',
      attributes: { depth: 9, nested: { a: [1, 'x'] } },
      spanContext: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 },
      resource: resourceFromAttributes({ 'service.name': 'judge' }),
      instrumentationScope: { name: 'logs' },
      droppedAttributesCount: 0,
    };
    expect(readLogsRequest(ProtobufLogsSerializer.serializeRequest([record]) ?? new Uint8Array())).toEqual([
      {
        resource: { 'service.name': 'judge' },
        scope: 'logs',
        timeNs: 1_700_000_000_000_000_005n,
        observedNs: 1_700_000_001_000_000_006n,
        severity: 13,
        severityText: 'warn',
        body: 'queue is long',
        attributes: { depth: 9, nested: { a: [1, 'x'] } },
        traceId: 'a'.repeat(32),
        spanId: 'b'.repeat(16),
        flags: 1,
      },
    ]);
  });

  test('two requests one after the other read as one', async () => {
    const one = ProtobufTraceSerializer.serializeRequest(await recordChain(2)) ?? new Uint8Array();
    const two = ProtobufTraceSerializer.serializeRequest(await recordChain(3)) ?? new Uint8Array();
    expect(readTraceRequest(Buffer.concat([one, two]))).toHaveLength(5);
  });
});

describe('what protobufjs writes', () => {
  test('every kind of value keeps its type, and integers beyond 2^53 their digits', () => {
    const value = (key: string, given: object): object => ({ key, value: given });
    const bytes = TraceRequest.encode(
      TraceRequest.fromObject({
        resourceSpans: [
          {
            scopeSpans: [
              {
                spans: [
                  {
                    traceId: Buffer.from('0102', 'hex'),
                    spanId: Buffer.from('03', 'hex'),
                    name: 'n',
                    kind: 2,
                    startTimeUnixNano: '18446744073709551615',
                    attributes: [
                      value('s', { stringValue: '' }),
                      value('b', { boolValue: false }),
                      value('i', { intValue: -1 }),
                      value('big', { intValue: '9223372036854775807' }),
                      value('d', { doubleValue: 1.5 }),
                      value('a', { arrayValue: { values: [{ intValue: 1 }, { stringValue: 'x' }] } }),
                      value('m', { kvlistValue: { values: [value('__proto__', { intValue: 5 })] } }),
                      value('raw', { bytesValue: Buffer.from([1, 2, 255]) }),
                      value('none', {}),
                    ],
                  },
                ],
              },
            ],
            resource: { attributes: [value('where', { stringValue: 'after the spans' })] },
          },
        ],
      }),
    ).finish();
    const [span] = readTraceRequest(bytes);
    expect(span).toMatchObject({ traceId: '0102', spanId: '03', kind: 'server', startNs: 2n ** 64n - 1n });
    expect(span?.resource).toEqual({ where: 'after the spans' });
    expect(span?.attributes).toMatchObject({ s: '', b: false, i: -1, d: 1.5, a: [1, 'x'], none: null });
    expect(span?.attributes['big']).toBe(9_223_372_036_854_775_807n);
    expect(span?.attributes['raw']).toEqual(new Uint8Array([1, 2, 255]));
    expect(Object.getOwnPropertyNames(span?.attributes['m'])).toEqual(['__proto__']);
  });

  test('an answer says how many items were refused and why', () => {
    const answer = Answer.fromObject({ partialSuccess: { rejected: 3, errorMessage: 'too old' } });
    expect(readPartialSuccess(Answer.encode(answer).finish())).toEqual({ rejected: 3, message: 'too old' });
    expect(readPartialSuccess(new Uint8Array())).toEqual({ rejected: 0, message: '' });
  });
});

describe('bytes that are no OTLP', () => {
  test.prop([fc.uint8Array({ maxLength: 400 })])(
    'arbitrary bytes are read or refused as malformed-otlp, nothing else',
    (bytes) => {
      for (const read of [readTraceRequest, readLogsRequest, readPartialSuccess])
        expect(fine).toContain(outcomeOf(read, bytes));
    },
  );

  test('every truncation and every flipped byte of a real request is read or refused as malformed-otlp', async () => {
    const bytes =
      ProtobufTraceSerializer.serializeRequest(await recordChain(2, attributes)) ?? new Uint8Array();
    for (let at = 0; at < bytes.length; at += 1) {
      expect(fine).toContain(outcomeOf(readTraceRequest, bytes.subarray(0, at)));
      for (const flip of [0x01, 0x80, 0xff]) {
        const damaged = Uint8Array.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        expect(fine).toContain(outcomeOf(readTraceRequest, damaged));
      }
    }
  });

  test('a message cut in the middle is refused, not read in part', async () => {
    const bytes = ProtobufTraceSerializer.serializeRequest(await recordChain(1)) ?? new Uint8Array();
    expect(() => readTraceRequest(bytes.subarray(0, bytes.length - 3))).toThrow(/leaves its message/);
  });

  test('values nested without end are refused before the stack is exhausted', () => {
    let inner: Buffer = Buffer.alloc(0);
    for (let i = 0; i < 3_000; i += 1) inner = field(5, field(1, inner));
    const record = field(5, inner);
    const request = field(1, field(2, field(2, record)));
    expect(() => readLogsRequest(request)).toThrow(/nested deeper/);
  });

  test('a known field of the wrong wire type is refused', () => {
    expect(() => readTraceRequest(new Uint8Array([0x08, 0x01]))).toThrow(/wire type 0 where 2 belongs/);
  });

  test('unknown fields of any wire type are skipped', () => {
    const unknown = [
      0xf8, 0x07, 0x05, 0xf9, 0x07, 1, 2, 3, 4, 5, 6, 7, 8, 0xfa, 0x07, 1, 9, 0xfd, 0x07, 1, 2, 3, 4,
    ];
    expect(readTraceRequest(new Uint8Array(unknown))).toEqual([]);
    const logs = LogsRequest.encode(LogsRequest.fromObject({ resourceLogs: [] })).finish();
    expect(readLogsRequest(logs)).toEqual([]);
  });
});

/** `read`, or the code with which the bytes were refused; anything else thrown goes on. */
function outcomeOf(read: (bytes: Uint8Array) => unknown, bytes: Uint8Array): string {
  try {
    read(bytes);
    return 'read';
  } catch (error) {
    if (error instanceof MabeamError) return error.code;
    throw error;
  }
}

/** A length-delimited field. */
function field(number: number, content: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = content.length; ; rest = Math.floor(rest / 128)) {
    length.push(rest > 127 ? (rest % 128) + 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from([number * 8 + 2, ...length]), content]);
}
