/** A client that speaks NATS by hand, over a bare socket: what anybody can do in any language. */
import { connect } from 'node:net';
import { once } from 'node:events';

/** Publishes a plain text on a subject and resolves when the server has taken it. */
export async function publishRaw(url: string, subject: string, body: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  const pong = new Promise<void>((resolve) => {
    socket.on('data', (data) => {
      if (data.toString().includes('PONG')) resolve();
    });
  });
  socket.write('CONNECT {"verbose":false}\r\n');
  socket.write(`PUB ${subject} ${Buffer.byteLength(body)}\r\n${body}\r\nPING\r\n`);
  await pong;
  socket.destroy();
}
