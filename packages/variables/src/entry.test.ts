import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { decodeEntry, encodeEntry, triggerCause } from './entry.ts';
import { isJson } from './json.ts';
import { definitionKey, parseKey, valueKey } from './keys.ts';

const entry = {
  v: 1,
  value: 0.7,
  definitionRevision: 3,
  by: 'operator',
  at: '2026-01-31T12:00:00.000Z',
  cause: 'quieter',
} as const;

function bytes(body: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(body));
}

test.prop([fc.jsonValue({ maxDepth: 5 }), fc.string({ minLength: 1 }), fc.string()])(
  'an entry is read as it was written',
  (value, by, cause) => {
    const written = { ...entry, value: isJson(value) ? value : null, by, cause };
    const read = decodeEntry(encodeEntry(written));
    expect(read).toEqual({ kind: 'entry', entry: JSON.parse(JSON.stringify(written)) });
  },
);

test.prop([fc.uint8Array()])('no bytes make reading throw', (data) => {
  expect(decodeEntry(data).kind).toMatch(/entry|malformed/);
});

it('keeps fields it does not know out, and a candidate in', () => {
  const candidate = { value: 0.9, share: 0.1, salt: 's' };
  expect(decodeEntry(bytes({ ...entry, candidate, mood: 'sunny' }))).toEqual({
    kind: 'entry',
    entry: { ...entry, candidate },
  });
});

it.each([
  ['text that is no JSON', new TextEncoder().encode('{"v":1,'), ''],
  ['bytes that are no UTF-8', new Uint8Array([0x22, 0xff, 0x22]), ''],
  ['a bare value', bytes(0.7), ''],
  ['another version', bytes({ ...entry, v: 2 }), 'v'],
  ['no value', bytes({ ...entry, value: undefined }), 'value'],
  ['no author', bytes({ ...entry, by: undefined }), 'by'],
  ['a time that is none', bytes({ ...entry, at: 'yesterday' }), 'at'],
])('names what is wrong with %s', (_, data, field) => {
  expect(decodeEntry(data)).toMatchObject({ kind: 'malformed', problem: { code: 'invalid-entry', field } });
});

it('JSON that nests a hundred thousand levels is malformed, not fatal', () => {
  const deep = `{"v":1,"value":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  expect(decodeEntry(new TextEncoder().encode(deep)).kind).toBe('malformed');
});

it('a cause that is a trigger names its source and id', () => {
  expect(JSON.parse(triggerCause('auditor', '7'))).toEqual({ kind: 'trigger', source: 'auditor', id: '7' });
});

it('a global variable and a local one have their keys, and the keys lead back', () => {
  expect(valueKey('threshold')).toBe('space.threshold');
  expect(valueKey('words.smoothing')).toBe('agent.words.smoothing');
  expect(definitionKey('threshold')).toBe('definition.threshold');
  expect(definitionKey('words.smoothing')).toBe('definition.agent.words');
  expect(parseKey('space.threshold')).toEqual({ kind: 'value', id: 'threshold' });
  expect(parseKey('agent.words.smoothing')).toEqual({ kind: 'value', id: 'words.smoothing' });
  expect(parseKey('definition.threshold')).toEqual({ kind: 'definition', id: 'threshold' });
  expect(parseKey('definition.agent.words')).toEqual({ kind: 'agent-definition', agent: 'words' });
  expect(parseKey('graph')).toEqual({ kind: 'graph' });
});

it.each([
  'definition.rule.quality',
  'leader',
  'fence',
  'adaptation.abc',
  'space',
  'space.A',
  'space.a.b',
  'agent.words',
])('%s is no key of a variable', (key) => {
  expect(parseKey(key)).toEqual({ kind: 'other' });
});

it.each(['a.b.c', 'a.', '.b', 'A', 'space'])('"%s" is no id of a variable', (id) => {
  expect(() => valueKey(id)).toThrowError(expect.objectContaining({ code: 'invalid-id' }));
});
