/**
 * ProtobufCursor: reads the protobuf wire format, field by field.
 *
 * P1 Every read stays inside the message it belongs to; whatever would leave it is `malformed-otlp`.
 * P2 Every step consumes at least one byte, so reading ends after at most as many steps as there are bytes.
 * P3 Messages nest at most MAX_DEPTH deep: hostile input cannot exhaust the stack.
 */
import { telemetryError } from './errors.ts';

const MAX_DEPTH = 48;
const utf8 = new TextDecoder();

/** How the value behind a tag is laid out: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes. */
export type WireType = 0 | 1 | 2 | 5;

/** Called for each field of a message; it reads the value or leaves it, and the cursor skips what was left. */
export type FieldReader = (field: number, wire: WireType, cursor: ProtobufCursor) => void;

export class ProtobufCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #end: number;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.byteLength;
  }

  /** Reads the fields up to the end of the present message. A field the reader leaves alone is skipped. */
  fields(read: FieldReader): void {
    while (this.#at < this.#end) {
      const tag = this.varint();
      const field = Math.floor(tag / 8);
      const wire = wireType(tag % 8, this.#at);
      if (field === 0) throw malformed('field number 0', this.#at);
      const before = this.#at;
      read(field, wire, this);
      if (this.#at === before) this.#skip(wire);
    }
  }

  /** Reads the fields of a nested message. */
  message(read: FieldReader): void {
    const outerEnd = this.#end;
    const end = this.#lengthDelimitedEnd();
    if (this.#depth >= MAX_DEPTH) throw malformed(`messages nested deeper than ${MAX_DEPTH}`, this.#at);
    this.#depth += 1;
    this.#end = end;
    this.fields(read);
    this.#end = outerEnd;
    this.#depth -= 1;
  }

  /** An unsigned varint as a number; past 2^53 it loses precision, past ten bytes it is malformed. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let length = 0; length < 10; length += 1) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw malformed('a varint longer than ten bytes', this.#at);
  }

  /** A signed 64-bit varint: a number where it is exact, else a bigint. */
  int64(): number | bigint {
    let value = 0n;
    for (let length = 0; length < 10; length += 1) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << BigInt(7 * length);
      if (byte < 0x80) return exact(BigInt.asIntN(64, value));
    }
    throw malformed('a varint longer than ten bytes', this.#at);
  }

  fixed32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  fixed64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true);
  }

  double(): number {
    return this.#view.getFloat64(this.#advance(8), true);
  }

  bytes(): Uint8Array {
    const end = this.#lengthDelimitedEnd();
    const value = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return value;
  }

  string(): string {
    return utf8.decode(this.bytes());
  }

  /** Bytes as lower-case hexadecimal: the written form of trace and span ids. */
  hex(): string {
    const value = this.bytes();
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex');
  }

  #byte(): number {
    const at = this.#advance(1);
    return this.#view.getUint8(at);
  }

  #advance(count: number): number {
    const at = this.#at;
    if (at + count > this.#end) throw malformed('the message ends inside a value', at);
    this.#at = at + count;
    return at;
  }

  #lengthDelimitedEnd(): number {
    const end = this.varint() + this.#at;
    if (end > this.#end) throw malformed('a length that leaves its message', this.#at);
    return end;
  }

  #skip(wire: WireType): void {
    if (wire === 0) this.varint();
    else if (wire === 1) this.#advance(8);
    else if (wire === 5) this.#advance(4);
    else this.bytes();
  }
}

function wireType(value: number, at: number): WireType {
  if (value === 0 || value === 1 || value === 2 || value === 5) return value;
  throw malformed(`wire type ${value}`, at);
}

function exact(value: bigint): number | bigint {
  const small = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
  return small ? Number(value) : value;
}

function malformed(what: string, at: number): Error {
  return telemetryError('malformed-otlp', `not readable as OTLP protobuf: ${what} at byte ${at}`, {
    details: { at },
  });
}
