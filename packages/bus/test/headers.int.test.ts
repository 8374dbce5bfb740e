/** The bytes of headers as the real client leaves them (header-map.ts). */
import { connect, headers } from '@nats-io/transport-node';
import { expect, inject, it } from 'vitest';
import { headersIn } from '../src/header-map.ts';

it.each([
  ['with a payload', '{"a":1}'],
  ['without one', ''],
  ['that came in several chunks', 'x'.repeat(300_000)],
])('the headers of a message %s are read without asking the client for them', async (_, payload) => {
  const connection = await connect({ servers: inject('natsUrl') });
  const subject = `test.headers.${crypto.randomUUID()}`;
  const arrived = new Promise<ReturnType<typeof headersIn>>((resolve, reject) => {
    connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return reject(error);
        const read = (): never => {
          throw new Error('the client was asked');
        };
        const closed: typeof message = Object.create(message, { headers: { get: read } });
        try {
          resolve(headersIn(closed));
        } catch (thrown) {
          reject(thrown as Error);
        }
      },
    });
  });
  const sent = headers();
  sent.set('Nats-Msg-Id', 'one');
  sent.append('Mabeam-Size', 'zwölf: 12');
  connection.publish(subject, payload, { headers: sent, reply: 'test.reply' });
  expect(await arrived).toEqual(
    new Map([
      ['nats-msg-id', 'one'],
      ['mabeam-size', 'zwölf: 12'],
    ]),
  );
  await connection.close();
});
