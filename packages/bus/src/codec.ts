/**
 * Bodies: how a value becomes bytes and back. MessagePack between our processes, JSON wherever a shell, a person or
 * another language reads along. A body's `Content-Type` says which; without one a body that begins like JSON is JSON.
 */
import { Packr } from 'msgpackr';
import { busError } from './errors.ts';

/** How a body is encoded on the wire. */
export type ContentType = 'application/json' | 'application/msgpack';

/**
 * Plain maps, not records: shared structures are per encoder and do not travel between processes; `moreTypes`
 * keeps typed arrays whole. Other encoders write small integers in eight bytes too: what a number holds exactly becomes one
 * (`auto`, which the encoder knows and its types do not).
 */
const packing: object = { useRecords: false, moreTypes: true, int64AsType: 'auto' };
const packr = new Packr(packing);
/** It packs into slabs and takes the next one of the same size when one is full; its own 8 kB are full every 70 messages. */
packr.useBuffer(Buffer.allocUnsafeSlow(65_536));
const text = new TextEncoder();
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The value as MessagePack. */
export function packBytes(value: unknown): Uint8Array {
  return packr.pack(value);
}

/** The value in MessagePack bytes; throws `malformed-message`. */
export function unpackBytes(bytes: Uint8Array): unknown {
  try {
    return packr.unpack(bytes);
  } catch (cause) {
    throw busError(
      'malformed-message',
      'the body is not valid MessagePack; send application/json or fix it',
      { cause },
    );
  }
}

/** The value as JSON text in bytes; `undefined` is an empty body. */
export function jsonBytes(value: unknown): Uint8Array {
  return value === undefined ? new Uint8Array(0) : text.encode(JSON.stringify(value));
}

/** The value in JSON bytes; an empty body is `undefined`. Throws `malformed-message` with the parser's complaint. */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(utf8.decode(bytes)) as unknown;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw busError('malformed-message', `the body is not valid JSON: ${why}`, { cause });
  }
}

/** Encodes a body in the given content type. */
export function encodeBody(value: unknown, contentType: ContentType): Uint8Array {
  return contentType === 'application/json' ? jsonBytes(value) : packBytes(value);
}

/** Decodes a body by its content type; without one, JSON when it begins like JSON, the bytes themselves otherwise. */
export function decodeBody(bytes: Uint8Array, contentType: string | undefined): unknown {
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  if (type === 'application/msgpack') return unpackBytes(bytes);
  if (type === 'application/json' || type?.endsWith('+json') === true) return parseJson(bytes);
  if (type !== undefined) return bytes;
  return bytes.length === 0 || beginsLikeJson(bytes) ? parseJson(bytes) : bytes;
}

function beginsLikeJson(bytes: Uint8Array): boolean {
  const first = bytes.find((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d);
  return first !== undefined && '{["-0123456789tfn'.includes(String.fromCharCode(first));
}
