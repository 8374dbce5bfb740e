/** Servers that do not speak: whatever a command wanted of them, it ends, and says why. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCommand } from './command-line.ts';

const info = {
  server_id: 'silent',
  version: '2.15.1',
  jetstream: true,
  headers: true,
  max_payload: 1_048_576,
  proto: 1,
};

let server: Server;
const sockets = new Set<Socket>();
beforeEach(() => {
  server = createServer();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

async function listen(onConnection: (socket: Socket) => void): Promise<string> {
  server.on('connection', onConnection);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on a port has an address with one.
  return `nats://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

test.each([
  ['trace', ['trace', traceId], 5],
  ['ps', ['ps'], 5],
  ['doctor', ['doctor'], 1],
])('%s ends when the server takes the connection and says nothing', async (_, args, exit) => {
  const url = await listen(() => undefined);
  const ended = await runCommand([...args, '--server', url]);
  expect(ended.exit).toBe(exit);
  expect(ended.stdout + ended.stderr).toContain(`no nats-server answers at ${url}`);
});

test.each([
  ['trace', ['trace', traceId]],
  ['ps', ['ps']],
])('%s of a server that greets and then answers nothing is over in time', async (_, args) => {
  const url = await listen((socket) => {
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on('data', (chunk) => {
      for (const __ of chunk.toString('latin1').matchAll(/PING\r\n/g)) socket.write('PONG\r\n');
    });
  });
  const ended = await runCommand([...args, '--server', url, '-o', 'json']);
  expect(ended.exit).toBe(4);
  expect(JSON.parse(ended.stderr || ended.stdout)).toMatchObject({ error: { code: 'deadline-exceeded' } });
});

test.each(['', '   ', 'xyz', traceId.slice(1), '0'.repeat(32)])(
  'what is no trace id ("%s") is refused by its name before any server is asked',
  async (id) => {
    const ended = await runCommand(['trace', id, '--server', 'nats://127.0.0.1:1', '-o', 'json']);
    expect(ended.exit).toBe(2);
    expect(JSON.parse(ended.stderr || ended.stdout)).toMatchObject({
      error: { code: 'invalid-usage', message: expect.stringContaining('<id>'), details: { field: '<id>' } },
    });
  },
);
