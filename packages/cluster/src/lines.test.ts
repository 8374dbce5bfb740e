import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLineSplitter } from './lines.ts';

function split(chunks: readonly Uint8Array[], maxLength?: number): string[] {
  const lines: string[] = [];
  const splitter = createLineSplitter((line) => lines.push(line), maxLength);
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('createLineSplitter', () => {
  test('a last line without a line break is delivered at the end, an empty rest is not', () => {
    expect(split([bytes('a\nb')])).toEqual(['a', 'b']);
    expect(split([bytes('a\n')])).toEqual(['a']);
    expect(split([])).toEqual([]);
  });

  test('a carriage return before the line break belongs to the break, even across chunks', () => {
    expect(split([bytes('a\r'), bytes('\nb\rc\n')])).toEqual(['a', 'b\rc']);
  });

  test('a line over the limit is cut once and says how much is missing', () => {
    expect(split([bytes('abc'), bytes('defgh\nij\n')], 4)).toEqual(['abcd… [4 more characters]', 'ij']);
  });

  test('lines survive any cutting of their bytes', () => {
    const given = fc.record({
      lines: fc.array(
        fc.string({ unit: 'grapheme' }).filter((line) => !/[\r\n]/u.test(line)),
        { minLength: 1 },
      ),
      cuts: fc.array(fc.nat()),
    });
    fc.assert(
      fc.property(given, ({ lines, cuts }) => {
        const whole = bytes(lines.map((line) => `${line}\n`).join(''));
        const ends = [...new Set([...cuts.map((cut) => cut % (whole.length + 1)), whole.length])].toSorted(
          (a, b) => a - b,
        );
        const chunks = ends.map((end, index) => whole.subarray(ends[index - 1] ?? 0, end));
        expect(split(chunks)).toEqual(lines);
      }),
    );
  });
});
