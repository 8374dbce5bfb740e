import { expect, test } from 'vitest';
import { readNamedText } from './commands/space/definition-file.ts';
import { decodeText, parseJsonText, readInput, readJsonInput, readSetting, withIdentity } from './input.ts';

const selection = { kind: 'agent-selection', id: 'chosen' } as const;
const custom = { kind: 'custom', id: 'mode' } as const;

test.each([
  ['words,links', ['words', 'links']],
  [' words , links ', ['words', 'links']],
  ['words', ['words']],
  ['["words"]', ['words']],
  ['[]', []],
  ['', []],
  ['true', ['true']],
])('the selection %j is read as %j', (text, value) => {
  expect(readSetting(selection, text)).toEqual(value);
});

test.each([
  ['0.7', 0.7],
  ['-1', -1],
  ['fast', 'fast'],
  ['"0.7"', '0.7'],
  ['{"pattern":"ring"}', { pattern: 'ring' }],
  ['a,b', 'a,b'],
])('the value %j of another kind is read as %j', (text, value) => {
  expect(readSetting(custom, text)).toEqual(value);
});

test('with --json nothing is guessed', () => {
  expect(readSetting(selection, '["a"]', { mustBeJson: true })).toEqual(['a']);
  expect(() => readSetting(selection, 'a,b', { mustBeJson: true })).toThrow(
    expect.objectContaining({ code: 'invalid-json' }),
  );
});

test('bad JSON is named with its place and the cure', () => {
  expect(() => parseJsonText('the body', '{"a":')).toThrow(/^the body is not JSON \(.+\); write JSON/);
});

test('an input that is not UTF-8 is no JSON', () => {
  expect(decodeText(Uint8Array.of(0xff))).toBeUndefined();
});

test('a file that is not there is named', async () => {
  await expect(readInput('@nowhere.json')).rejects.toMatchObject({
    code: 'input-unreadable',
    details: { file: 'nowhere.json' },
    message: expect.stringContaining('after "@"'),
  });
  const named = readNamedText('nowhere.yaml');
  await expect(named).rejects.toMatchObject({ message: expect.not.stringContaining('"@"') });
});

test('an argument is its own text', async () => {
  await expect(readJsonInput('the body', '{"a":[1]}')).resolves.toEqual({ a: [1] });
});

test('an identity goes into the body of a trigger', () => {
  expect(withIdentity({ score: 1 }, { id: 'a', source: 's' })).toEqual({ score: 1, id: 'a', source: 's' });
  expect(withIdentity(undefined, { id: 'a' })).toEqual({ id: 'a' });
  expect(withIdentity([1], {})).toEqual([1]);
  expect(withIdentity({ id: 'a' }, { id: 'a' })).toEqual({ id: 'a' });
});

test.each([
  { body: [1], identity: { id: 'a' } },
  { body: { id: 'b' }, identity: { id: 'a' } },
  { body: {}, identity: { source: 's' } },
])('the identity $identity is refused for the body $body', ({ body, identity }) => {
  expect(() => withIdentity(body, identity)).toThrow(expect.objectContaining({ code: 'invalid-usage' }));
});
