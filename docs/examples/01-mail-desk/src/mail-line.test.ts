import { fc, test } from '@fast-check/vitest';
import { MabeamError } from '@mabeam/bus';
import { describe, expect, it } from 'vitest';
import { parseMailLine } from './mail-line.ts';

const PLACE = { file: 'my.jsonl', line: 7 };

function refusal(text: string): MabeamError {
  try {
    parseMailLine(text, PLACE);
  } catch (error) {
    if (error instanceof MabeamError) return error;
    throw error;
  }
  throw new Error('the line was accepted');
}

describe('parseMailLine', () => {
  it('reads a line with and without label, and ignores other fields', () => {
    expect(parseMailLine('{"id":"a","raw":"X: y","label":"spam","more":1}', PLACE)).toEqual({
      id: 'a',
      raw: 'X: y',
      label: 'spam',
    });
    expect(parseMailLine('{"id":"a","raw":""}', PLACE)).toEqual({ id: 'a', raw: '' });
  });

  it.each(['{"id": "a"', '[1]', 'null', '"text"'])('refuses %j because it is no JSON object', (text) => {
    const error = refusal(text);
    expect(error.code).toBe('input-line-malformed');
    expect(error.message).toMatch(/^my\.jsonl line 7: not a JSON object/);
    expect(error.exit).toBe(2);
  });

  it.each([
    ['{"raw":"x"}', 'id', 'is missing'],
    ['{"id":5,"raw":"x"}', 'id', 'is 5'],
    ['{"id":"a"}', 'raw', 'is missing'],
    ['{"id":"a","raw":null}', 'raw', 'is null'],
    ['{"id":"a","raw":"x","label":"junk"}', 'label', 'is "junk"'],
  ])('refuses %s and names the field', (text, field, problem) => {
    const error = refusal(text);
    expect(error.code).toBe('input-field-invalid');
    expect(error.details).toEqual({ ...PLACE, field });
    expect(error.message).toContain(`my.jsonl line 7: "${field}" ${problem}; `);
  });

  test.prop([fc.json()])('either reads a line or refuses it with one of two codes', (text) => {
    try {
      parseMailLine(text, PLACE);
    } catch (error) {
      expect(error).toBeInstanceOf(MabeamError);
    }
  });
});
