/** The proxy's faults, seen from a client of a real echo server. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openFaultProxy, type FaultProxy } from './fault-proxy.ts';
import { waitFor } from './wait-for.ts';

const echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
let proxy: FaultProxy;

beforeEach(async () => {
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  // A listening TCP server has a port, which is all that is read here.
  proxy = await openFaultProxy(`tcp://127.0.0.1:${(echo.address() as AddressInfo).port}`);
});

afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  const closed = once(echo, 'close');
  echo.close();
  await closed;
});

interface Client {
  readonly socket: Socket;
  received: string;
  errorCode: string;
}

async function openClient(): Promise<Client> {
  const client: Client = { socket: connect(proxy.port, '127.0.0.1'), received: '', errorCode: '' };
  client.socket.on('data', (bytes: Buffer) => (client.received += bytes.toString()));
  client.socket.on(
    'error',
    (error: NodeJS.ErrnoException) => (client.errorCode = error.code ?? error.message),
  );
  await waitFor(() => !client.socket.connecting, { what: 'the client is connected or turned away' });
  return client;
}

/** Sends a text and waits until everything received in all is `total`. */
async function send(client: Client, text: string, total: string): Promise<string> {
  client.socket.write(text);
  await waitFor(() => client.received.length >= total.length, {
    what: `${text} comes back`,
    timeoutMs: 2000,
  });
  return client.received;
}

test('without a fault, bytes pass unchanged and the end of the stream arrives', async () => {
  const client = await openClient();
  expect(await send(client, 'hello', 'hello')).toBe('hello');
  client.socket.end();
  await expect(once(client.socket, 'close')).resolves.toEqual([false]);
});

test('latency delays both directions', async () => {
  const client = await openClient();
  await send(client, 'a', 'a');
  proxy.setLatency(60);
  const startedAt = performance.now();
  expect(await send(client, 'b', 'ab')).toBe('ab');
  // Timers may fire a millisecond early.
  expect(performance.now() - startedAt).toBeGreaterThan(115);
});

test('bytes sent after the latency was taken away do not overtake those before', async () => {
  const client = await openClient();
  await send(client, 'a', 'a');
  proxy.setLatency(60);
  client.socket.write('b');
  await waitFor(() => proxy.heldBytes > 0, { what: 'the proxy holds the delayed byte' });
  proxy.setLatency(0);
  expect(await send(client, 'c', 'abc')).toBe('abc');
});

test('a frozen proxy keeps what is sent and delivers it when thawed', async () => {
  const client = await openClient();
  await send(client, 'before', 'before');
  proxy.freeze();
  client.socket.write(' during');
  const silent = waitFor(() => client.received !== 'before', { what: 'a byte arrives', timeoutMs: 60 });
  await expect(silent).rejects.toThrow('not so after 60 ms');
  proxy.thaw();
  expect(await send(client, ' after', 'before during after')).toBe('before during after');
});

test('a cut is a reset, and the next connection works', async () => {
  const client = await openClient();
  await send(client, 'x', 'x');
  expect(proxy.connections).toBe(1);
  proxy.cut();
  await waitFor(() => client.errorCode, { what: 'the client sees the cut' });
  expect(client.errorCode).toBe('ECONNRESET');
  expect(proxy.connections).toBe(0);
  expect(await send(await openClient(), 'y', 'y')).toBe('y');
});

test('refusing turns new connections away and keeps the old', async () => {
  const old = await openClient();
  await send(old, 'x', 'x');
  proxy.refuse();
  const refused = await openClient();
  expect(await waitFor(() => refused.errorCode, { what: 'the new client is turned away' })).toBe(
    'ECONNRESET',
  );
  expect(await send(old, 'y', 'xy')).toBe('xy');
  proxy.accept();
  expect(await send(await openClient(), 'z', 'z')).toBe('z');
});

test('closing twice is nothing', async () => {
  await proxy[Symbol.asyncDispose]();
  await expect(proxy[Symbol.asyncDispose]()).resolves.toBeUndefined();
});
