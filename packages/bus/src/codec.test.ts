import { fc, it } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { decodeBody, encodeBody, jsonBytes, packBytes, parseJson, unpackBytes } from './codec.ts';

describe('bodies', () => {
  it.prop([fc.jsonValue()])('JSON and MessagePack both give back what they were given', (value) => {
    const plain: unknown = JSON.parse(JSON.stringify(value));
    expect(decodeBody(encodeBody(plain, 'application/json'), 'application/json')).toEqual(plain);
    expect(decodeBody(encodeBody(plain, 'application/msgpack'), 'application/msgpack')).toEqual(plain);
  });

  it('typed arrays survive MessagePack whole, with no byte beside them', () => {
    const numbers = new Float64Array([1.5, -2, Number.MAX_VALUE]);
    expect(unpackBytes(packBytes({ numbers }))).toEqual({ numbers });
  });

  it('integers that another encoder wrote in eight bytes are numbers, where a number holds them', () => {
    const eightBytes = (kind: number, value: bigint): Uint8Array => {
      const bytes = Buffer.alloc(9);
      bytes[0] = kind;
      bytes.writeBigInt64BE(value, 1);
      return bytes;
    };
    expect(unpackBytes(eightBytes(0xd3, -5n))).toBe(-5);
    expect(unpackBytes(eightBytes(0xcf, 5n))).toBe(5);
    expect(unpackBytes(eightBytes(0xcf, 2n ** 60n))).toBe(2n ** 60n);
  });

  it('a body without a content type is JSON when it begins like JSON', () => {
    expect(decodeBody(jsonBytes({ id: 'x' }), undefined)).toEqual({ id: 'x' });
    expect(decodeBody(new TextEncoder().encode('  [1]'), undefined)).toEqual([1]);
    expect(decodeBody(new Uint8Array([0xff, 0x00]), undefined)).toEqual(new Uint8Array([0xff, 0x00]));
  });

  it('structured CloudEvents are JSON', () => {
    expect(
      decodeBody(jsonBytes({ specversion: '1.0' }), 'application/cloudevents+json; charset=utf-8'),
    ).toEqual({ specversion: '1.0' });
  });

  it('broken JSON is refused with the place in it', () => {
    expect(() => parseJson(new TextEncoder().encode('{"a":'))).toThrow(
      expect.objectContaining({ code: 'malformed-message' }),
    );
  });

  it('bytes that are not UTF-8 are refused, not patched', () => {
    expect(() => parseJson(new Uint8Array([0x22, 0xff, 0x22]))).toThrow(
      expect.objectContaining({ code: 'malformed-message' }),
    );
  });
});
