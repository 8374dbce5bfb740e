import { canonicalBytes, digestOf } from '@mabeam/bus';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chainAfter, entryAfter, startOfLog, type LogEntry } from './entry.ts';

const at = new Date(0);

/** Reads these bodies as the server keeps them. */
function logOf(bodies: readonly Uint8Array[], log = 'l'): readonly LogEntry[] {
  const entries: LogEntry[] = [];
  for (const [i, data] of bodies.entries()) {
    entries.push(entryAfter(entries.at(-1) ?? startOfLog('mail', log), { sequence: 3 * i + 2, data, at }));
  }
  return entries;
}

describe('a log', () => {
  it('counts its entries from 1, whatever their sequence in the stream', () => {
    const log = logOf(['a', 'b'].map((body) => canonicalBytes(body)));
    expect(log.map(({ body, index, sequence }) => [index, sequence, body])).toEqual([
      [1, 2, 'a'],
      [2, 5, 'b'],
    ]);
  });

  it('has the digest of an entry from its canonical text, so that whoever has the value can check it', () => {
    const value = { b: 1, a: [null, 'ä'] };
    const [entry] = logOf([canonicalBytes(value)]);
    expect(entry).toMatchObject({ digest: digestOf(value), body: value });
    expect(entry?.chain).toBe(chainAfter(startOfLog('mail', 'l').chain, digestOf(value)));
  });

  it('has a place but no body for what is not the canonical text of a value', () => {
    const raw = ['{"a": 1}', '{"a":1,"a":1}', 'x', '"\\u0061"', ''].map((text) => Buffer.from(text));
    const log = logOf(raw);
    expect(log.map(({ body, index }) => [index, body])).toEqual(raw.map((_, i) => [i + 1, undefined]));
  });

  it('has another chain than a log of another name', () => {
    const bodies = [canonicalBytes('a')];
    expect(logOf(bodies, 'l')[0]?.chain).not.toBe(logOf(bodies, 'm')[0]?.chain);
  });

  it('ends in one chain exactly when all its bytes are the same', () => {
    const bytes = fc.array(fc.uint8Array({ maxLength: 3 }), { maxLength: 4 });
    fc.assert(
      fc.property(bytes, bytes, (left, right) => {
        const isSame =
          left.length === right.length &&
          left.every((one, i) => Buffer.compare(one, right[i] ?? new Uint8Array([0, 0, 0, 0])) === 0);
        const [a, b] = [left, right].map((bodies) => (logOf(bodies).at(-1) ?? startOfLog('mail', 'l')).chain);
        expect(a === b).toBe(isSame);
      }),
    );
  });
});
