import { createIdentity } from '@mabeam/bus';
import { expect, test } from 'vitest';
import { partiesIn, proposalIn, readKeys, weightsIn } from './proposal-word.ts';

const misuse = expect.objectContaining({ code: 'invalid-usage' });

test.each([
  ['0.7', 0.7],
  ['{"a":[1]}\n', { a: [1] }],
  ['letter', 'letter'],
  ['two words\r\n', 'two words'],
  ['NaN', 'NaN'],
  ['', ''],
])('%j is proposed as what it says', (text, value) => {
  expect(proposalIn(text)).toEqual(value);
});

test('parties are named with commas, and at least one is', () => {
  expect(partiesIn('ada, bob,')).toEqual(['ada', 'bob']);
  for (const list of [' ,', undefined]) expect(() => partiesIn(list)).toThrow(misuse);
});

test('weights are those of parties that are asked, and numbers', () => {
  expect(weightsIn('ada=2, bob=0.5', ['ada', 'bob', 'cyd'])).toEqual(
    new Map([
      ['ada', 2],
      ['bob', 0.5],
    ]),
  );
  for (const list of ['cyd=1', 'ada', 'ada=', 'ada=heavy', 'ada=1=2'])
    expect(() => weightsIn(list, ['ada'])).toThrow(misuse);
});

test('keys are public keys by party', async () => {
  const { publicKey } = createIdentity();
  expect(await readKeys(undefined)).toEqual({});
  expect(await readKeys(JSON.stringify({ ada: publicKey }))).toEqual({ ada: publicKey });
  await expect(readKeys('{"ada":"mine"}')).rejects.toThrow(misuse);
  await expect(readKeys('[]')).rejects.toThrow(misuse);
});
