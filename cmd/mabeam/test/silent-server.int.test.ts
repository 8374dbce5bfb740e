/** Servers that do not speak: whatever a command wanted of them, it ends, and says why. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { runCommand } from './command-line.ts';
import { openStage } from './stage.ts';

const info = {
  server_id: 'silent',
  version: '2.15.1',
  jetstream: true,
  headers: true,
  max_payload: 1_048_576,
  proto: 1,
};

/** Listens on a port of its own until it is disposed of. */
async function listen(
  onConnection: (socket: Socket) => void,
): Promise<{ readonly url: string } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on a port has an address with one.
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return { url: `nats://127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

// Side by side, for they only wait.
test.concurrent.each([
  ['trace', ['trace', traceId], 5],
  ['ps', ['ps'], 5],
  ['doctor', ['doctor'], 1],
])('%s ends when the server takes the connection and says nothing', async (_, args, exit) => {
  await using server = await listen(() => undefined);
  const ended = await runCommand([...args, '--server', server.url]);
  expect(ended.exit).toBe(exit);
  expect(ended.stdout + ended.stderr).toContain(`no nats-server answers at ${server.url}`);
});

test.concurrent.each([
  ['trace', ['trace', traceId]],
  ['ps', ['ps']],
])('%s of a server that greets and then answers nothing is over in time', async (_, args) => {
  await using server = await listen((socket) => {
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on('data', (chunk) => {
      for (const __ of chunk.toString('latin1').matchAll(/PING\r\n/g)) socket.write('PONG\r\n');
    });
  });
  const ended = await runCommand([...args, '--server', server.url, '-o', 'json']);
  expect(ended.exit).toBe(4);
  expect(JSON.parse(ended.stderr || ended.stdout)).toMatchObject({ error: { code: 'deadline-exceeded' } });
});

const { mabeam } = openStage(() => ({}));

test.each(['', '   ', 'xyz', traceId.slice(1), '0'.repeat(32)])(
  'what is no trace id ("%s") is refused by its name before any server is asked',
  async (id) => {
    const ended = await mabeam('trace', id, '--server', 'nats://127.0.0.1:1', '-o', 'json');
    expect(ended.exit).toBe(2);
    expect(JSON.parse(ended.stderr || ended.stdout)).toMatchObject({
      error: { code: 'invalid-usage', message: expect.stringContaining('<id>'), details: { field: '<id>' } },
    });
  },
);
