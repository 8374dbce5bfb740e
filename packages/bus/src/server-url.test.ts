import { expect, it } from 'vitest';
import { readServerUrl } from './server-url.ts';

it.each([
  ['nats://127.0.0.1:4222', { servers: 'nats://127.0.0.1:4222' }],
  ['127.0.0.1:4222', { servers: '127.0.0.1:4222' }],
  ['nats://[::1]:4222', { servers: 'nats://[::1]:4222' }],
  ['nats://desk:p%40ss%3A@host:4222', { servers: 'nats://host:4222', user: 'desk', pass: 'p@ss:' }],
  ['tls://s3cret@host', { servers: 'tls://host', token: 's3cret' }],
])('%s says where, and as whom', (url, expected) => {
  expect(readServerUrl(url)).toEqual({ ...expected, shown: expected.servers });
});

it('credentials that are malformed are named as such, and not shown', () => {
  expect(() => readServerUrl('nats://desk:100%@host')).toThrow(
    expect.objectContaining({ code: 'server-unavailable', message: expect.not.stringContaining('100') }),
  );
});
