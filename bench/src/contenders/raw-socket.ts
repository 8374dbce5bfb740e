/** Baseline: the NATS protocol by hand on a TCP socket, with nothing but a map; the responder is the bare client's. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { bareBody, bareSubject, type Asker, type Meeting } from './contender.ts';

export { openResponder } from './multiplexer.ts';

const newline = 0x0a;

export async function openAsker(meeting: Meeting): Promise<Asker> {
  const { hostname, port } = new URL(meeting.url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  const inbox = `_INBOX.raw${process.pid}.`;
  const waiting = new Map<string, () => void>();
  const write = batchedWriter(socket);
  readMessages(socket, write, (subject) => {
    const key = subject.slice(inbox.length);
    waiting.get(key)?.();
    waiting.delete(key);
  });
  write('CONNECT {"verbose":false,"pedantic":false,"lang":"raw","version":"0","protocol":1}\r\n');
  write(`SUB ${inbox}* 1\r\n`);
  const body = `${bareBody.length}\r\n${Buffer.from(bareBody).toString('latin1')}\r\n`;
  const subject = bareSubject(meeting);
  let next = 0;
  const ask = (): Promise<void> =>
    new Promise((resolve) => {
      const key = (next++).toString(36);
      waiting.set(key, resolve);
      write(`PUB ${subject} ${inbox}${key} ${body}`);
    });
  return { ask };
}

/** Gathers what is written in one turn of the event loop into one packet. */
function batchedWriter(socket: Socket): (text: string) => void {
  let pending = '';
  const send = (): void => {
    socket.write(pending, 'latin1');
    pending = '';
  };
  return (text) => {
    if (pending === '') queueMicrotask(send);
    pending += text;
  };
}

/** Calls `onMessage` with the subject of every `MSG`, answers `PING`, and passes over everything else. */
function readMessages(
  socket: Socket,
  write: (text: string) => void,
  onMessage: (subject: string) => void,
): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (;;) {
      const end = data.indexOf(newline, at);
      if (end < 0) break;
      const line = data.toString('latin1', at, end - 1);
      if (line.startsWith('MSG ')) {
        const parts = line.split(' ');
        const next = end + 1 + Number(parts.at(-1)) + 2;
        if (next > data.length) break;
        onMessage(parts[1] ?? '');
        at = next;
      } else {
        if (line.startsWith('PING')) write('PONG\r\n');
        at = end + 1;
      }
    }
    rest = data.subarray(at);
  });
}
