/** Baseline: the least one would write by hand on the client: one inbox, a map, no deadline, no errors; a callback that echoes. */
import { connect, createInbox } from '@nats-io/transport-node';
import { bareBody, bareSubject, type Asker, type Meeting } from './contender.ts';

export async function openAsker(meeting: Meeting): Promise<Asker> {
  const connection = await connect({ servers: meeting.url });
  const subject = bareSubject(meeting);
  const inbox = `${createInbox()}.`;
  const waiting = new Map<string, (data: Uint8Array) => void>();
  let next = 0;
  connection.subscribe(`${inbox}*`, {
    callback: (_, message) => {
      const key = message.subject.slice(inbox.length);
      waiting.get(key)?.(message.data);
      waiting.delete(key);
    },
  });
  const ask = (): Promise<Uint8Array> =>
    new Promise((resolve) => {
      const key = (next++).toString(36);
      waiting.set(key, resolve);
      connection.publish(subject, bareBody, { reply: inbox + key });
    });
  return { ask };
}

export async function openResponder(meeting: Meeting): Promise<void> {
  const connection = await connect({ servers: meeting.url });
  connection.subscribe(bareSubject(meeting), {
    callback: (_, message) => void message.respond(message.data),
  });
  await connection.flush();
}
