import { expect, test } from 'vitest';
import { readForwardSettings } from './forward-settings.ts';

test('without an endpoint nothing is forwarded', () => {
  expect(readForwardSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }).targets).toEqual([]);
});

test('a base endpoint serves all kinds, and a kind of its own is taken as it is', () => {
  const { targets, timeoutMs } = readForwardSettings({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318/',
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'https://logs.example/ingest',
  });
  expect(targets.map(({ url }) => url)).toEqual([
    'http://127.0.0.1:4318/v1/traces',
    'http://127.0.0.1:4318/v1/metrics',
    'https://logs.example/ingest',
  ]);
  expect(timeoutMs).toBe(10_000);
});

test('headers are decoded, and those of a kind win over the general ones', () => {
  const { targets } = readForwardSettings({
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:1/t',
    OTEL_EXPORTER_OTLP_HEADERS: 'X-Key=a%20b, tenant=one',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'tenant=two',
  });
  expect(targets).toEqual([
    { kind: 'traces', url: 'http://127.0.0.1:1/t', headers: { 'x-key': 'a b', tenant: 'two' } },
  ]);
});

test.each([
  ['an endpoint that is no URL', { OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318' }],
  ['gRPC', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }],
  ['a timeout that is no number', { OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' }],
  [
    'headers that are no pairs',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h', OTEL_EXPORTER_OTLP_HEADERS: 'secret' },
  ],
])('%s is refused as otlp-settings-invalid', (_name, env) => {
  expect(() => readForwardSettings(env)).toThrow(expect.objectContaining({ code: 'otlp-settings-invalid' }));
});

test('a complaint about headers does not repeat them', () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h', OTEL_EXPORTER_OTLP_HEADERS: 'hunter2' };
  expect(() => readForwardSettings(env)).toThrow(/^(?!.*hunter2)/);
});
