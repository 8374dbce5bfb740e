import { fc, test } from '@fast-check/vitest';
import type { Msg, MsgHdrs } from '@nats-io/transport-node';
import { expect, it } from 'vitest';
import { headerMapOf, headersIn } from './header-map.ts';
import { headersOf } from './message.ts';

/** A message as the client makes one: header bytes and payload are parts of one chunk. */
function received(block: string, payload: string, shown?: MsgHdrs): Msg {
  const [before, behind] = ['MSG', 'NEXT'];
  const chunk = Buffer.from(before + block + payload + behind);
  const start = before.length + Buffer.byteLength(block);
  const data = new Uint8Array(chunk.buffer, chunk.byteOffset + start, Buffer.byteLength(payload));
  const subject = 'mabeam.desk.variable.space.größe';
  const reply = '_INBOX.7';
  const size = (): number =>
    Buffer.byteLength(subject) + reply.length + Buffer.byteLength(block) + data.length;
  // Of a message no more is looked at.
  return { subject, reply, data, size, headers: shown } as unknown as Msg;
}

/** The block as the client writes it. */
function blockOf(pairs: Iterable<readonly [string, string]>): string {
  return `NATS/1.0\r\n${[...pairs].map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

const names = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/);
const values = fc.stringMatching(/^[ -~äß]{0,20}$/).map((text) => text.trim());

test.prop([fc.array(fc.tuple(names, values), { minLength: 1, maxLength: 9 }), fc.string()])(
  'headers read from the bytes are those that the client reads',
  (pairs, payload) => {
    const unique = Object.fromEntries(pairs.map(([name, value]) => [name, value]));
    const block = blockOf(Object.entries(unique));
    expect(headersIn(received(block, payload))).toEqual(headerMapOf(headersOf(unique)));
  },
);

it('of a repeated header the first counts, whatever its case', () => {
  const block = blockOf([
    ['Nats-Sequence', '7'],
    ['nats-sequence', '8'],
  ]);
  expect(headersIn(received(block, '{}'))).toEqual(new Map([['nats-sequence', '7']]));
});

it('a message without headers has none, also when its payload looks like some', () => {
  expect(headersIn(received('', blockOf([['A', '1']])))).toEqual(new Map());
});

it('a deletion, which has headers and no payload, is read', () => {
  expect(headersIn(received(blockOf([['KV-Operation', 'DEL']]), ''))).toEqual(
    new Map([['kv-operation', 'DEL']]),
  );
});

it('a status line is no header', () => {
  expect(headersIn(received('NATS/1.0 404 Message: Not Found\r\nA: 1\r\n\r\n', ''))).toEqual(
    new Map([['a', '1']]),
  );
});

it.each(['GARBAGE1\r\nA: 1\r\n\r\n', 'NATS/1.0\r\nA: 1\r\n', 'x'])(
  'where no whole block of headers is in front of the payload (%j), the client is asked',
  (block) => {
    const shown = headersOf({ 'Nats-Sequence': '9' });
    expect(headersIn(received(block, '{}', shown))).toEqual(new Map([['nats-sequence', '9']]));
  },
);

it('where the payload is a chunk of its own the client is asked', () => {
  const message = received(blockOf([['A', '1']]), '{}', headersOf({ B: '2' }));
  const apart = { ...message, data: new Uint8Array([0x7b, 0x7d]) } as Msg;
  expect(headersIn(apart)).toEqual(new Map([['b', '2']]));
});
