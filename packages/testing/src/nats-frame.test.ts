import { fc, it } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { FrameReader, frameHeaders, type Frame } from './nats-frame.ts';

const subject = fc.stringMatching(/^[a-z0-9$_>*éà-]{1,12}(\.[a-z0-9_>*-]{1,8}){0,3}$/);
const payload = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
const headers = fc
  .dictionary(fc.stringMatching(/^[A-Za-z-]{1,12}$/), fc.stringMatching(/^[a-z0-9 :\\>.]{0,12}$/), {
    noNullPrototype: true,
  })
  .map((pairs) => Object.entries(pairs).map(([name, value]) => `${name}: ${value}\r\n`))
  .map((lines) => Buffer.from(`NATS/1.0\r\n${lines.join('')}\r\n`));
const line = fc.constantFrom(
  'PING\r\n',
  'PONG\r\n',
  '+OK\r\n',
  'INFO {"max_payload":1048576}\r\n',
  'SUB a.> q 7\r\n',
);

const message = fc
  .record({
    verb: fc.constantFrom('PUB', 'MSG'),
    subject,
    reply: fc.option(subject, { nil: undefined }),
    payload,
    headers: fc.option(headers, { nil: undefined }),
  })
  .map(({ verb, headers: block, payload: body, reply, subject: on }) => {
    const words = [
      block === undefined ? verb : `H${verb}`,
      on,
      ...(verb === 'MSG' ? ['12'] : []),
      ...(reply === undefined ? [] : [reply]),
      ...(block === undefined ? [] : [block.length]),
      body.length + (block?.length ?? 0),
    ];
    const head = Buffer.from(`${words.join(' ')}\r\n`);
    const bytes = Buffer.concat([head, block ?? Buffer.alloc(0), body, Buffer.from('\r\n')]);
    return { bytes, subject: on, reply, payload: body, hasHeaders: block !== undefined };
  });

const stream = fc.array(fc.oneof(message, line), { maxLength: 12 });
const bytesOf = (part: string | { bytes: Buffer }): Buffer =>
  typeof part === 'string' ? Buffer.from(part) : part.bytes;

/** Reads a stream cut at these places. */
function readCut(all: Buffer, cuts: readonly number[]): { frames: Frame[]; unfinished: number } {
  const reader = new FrameReader();
  const places = [...new Set([0, ...cuts.map((cut) => cut % (all.length + 1)), all.length])].toSorted(
    (a, b) => a - b,
  );
  const frames = places.flatMap((place, index) => [
    ...reader.read(all.subarray(places[index - 1] ?? 0, place)),
  ]);
  return { frames, unfinished: reader.unfinishedBytes };
}

describe('the frame reader', () => {
  it.prop([stream, fc.array(fc.nat(), { maxLength: 20 })])(
    'gives the same frames however the bytes are cut, and they are all of the bytes',
    (parts, cuts) => {
      const all = Buffer.concat(parts.map(bytesOf));
      const { frames, unfinished } = readCut(all, cuts);
      expect(frames.map(({ bytes }) => bytes)).toEqual(parts.map(bytesOf));
      expect(unfinished).toBe(0);
    },
  );

  it.prop([message])('knows the subject, the reply and the payload of a message', (sent) => {
    const [frame] = new FrameReader().read(sent.bytes);
    expect(frame).toMatchObject({ kind: 'message', subject: sent.subject, reply: sent.reply });
    expect(frame?.kind === 'message' && frame.payload.equals(sent.payload)).toBe(true);
    expect(frame?.kind === 'message' && frame.headerBytes.length > 0).toBe(sent.hasHeaders);
  });

  it.prop([message, fc.nat()])('keeps a message whose end is missing', ({ bytes }, cut) => {
    const reader = new FrameReader();
    const begun = bytes.subarray(0, cut % bytes.length);
    expect(reader.read(begun)).toEqual([]);
    expect(reader.unfinishedBytes).toBe(begun.length);
  });

  it.prop([fc.uint8Array({ maxLength: 300 })])('passes nonsense on unchanged, as far as it goes', (bytes) => {
    const reader = new FrameReader();
    const passed = Buffer.concat(reader.read(Buffer.from(bytes)).map((frame) => frame.bytes));
    expect(passed.equals(Buffer.from(bytes.subarray(0, passed.length)))).toBe(true);
    expect(passed.length + reader.unfinishedBytes).toBe(bytes.length);
  });

  test('a payload that looks like a frame is a payload', () => {
    const [frame, ...more] = new FrameReader().read(Buffer.from('MSG a 1 12\r\nMSG b 1 0\r\n\r\r\n'));
    expect(frame).toMatchObject({ subject: 'a' });
    expect(more).toEqual([]);
  });

  test('headers are found by their names in lower case', () => {
    const block = 'NATS/1.0 503\r\nNats-Sequence: 7\r\nX:a:b\r\n\r\n';
    const [frame] = new FrameReader().read(
      Buffer.from(`HMSG a 1 ${block.length} ${block.length}\r\n${block}\r\n`),
    );
    expect(frame?.kind === 'message' ? [...frameHeaders(frame)] : frame).toEqual([
      ['nats-sequence', '7'],
      ['x', 'a:b'],
    ]);
  });
});
