import { expect, test } from 'vitest';
import { backoffAfter } from './forwarder.ts';
import { outcomeOf, retryAfterMs } from './otlp-post.ts';

const nothing = new Uint8Array();

test.each([429, 502, 503, 504])('%i means: later', (status) => {
  expect(outcomeOf(new Response(null, { status }), nothing).kind).toBe('unavailable');
});

test.each([400, 401, 404, 413, 500, 501])('%i means: never', (status) => {
  expect(outcomeOf(new Response(null, { status }), nothing).kind).toBe('refused');
});

test('a partial success is accepted with its number of refused items', () => {
  const response = new Response(null, { headers: { 'content-type': 'application/x-protobuf' } });
  const answer = new Uint8Array([0x0a, 0x02, 0x08, 0x03]);
  expect(outcomeOf(response, answer)).toEqual({ kind: 'accepted', rejected: 3, reason: '' });
});

test('an unreadable answer to an accepted request does not make it refused', () => {
  const response = new Response(null, { headers: { 'content-type': 'application/x-protobuf' } });
  expect(outcomeOf(response, new Uint8Array([0xff]))).toMatchObject({ kind: 'accepted', rejected: 0 });
});

test('Retry-After is read as seconds or as a date, bounded by 30 s', () => {
  const now = Date.parse('2030-01-01T00:00:00Z');
  expect(retryAfterMs('2', now)).toBe(2_000);
  expect(retryAfterMs('Tue, 01 Jan 2030 00:00:05 GMT', now)).toBe(5_000);
  expect(retryAfterMs('Mon, 31 Dec 2029 00:00:00 GMT', now)).toBe(0);
  expect(retryAfterMs('86400', now)).toBe(30_000);
  expect(retryAfterMs('soon', now)).toBeUndefined();
  expect(retryAfterMs(null, now)).toBeUndefined();
});

test('waits double and end at five seconds, however long the outage', () => {
  expect([0, 1, 2, 5, 10_000].map((failures) => backoffAfter(failures, 250))).toEqual([
    250, 500, 1_000, 5_000, 5_000,
  ]);
});
