import { expect, test } from 'vitest';
import { partyOf } from './party-word.ts';

test.each([
  ['coder', { party: 'coder' }],
  ['coder:0.4', { party: 'coder', weight: 0.4 }],
  ['coder=0.1', { party: 'coder', preferred: 0.1 }],
  ['coder:2=ring', { party: 'coder', weight: 2, preferred: 'ring' }],
  ['coder={"pattern":"star"}', { party: 'coder', preferred: { pattern: 'star' } }],
  ['coder=a:b=c', { party: 'coder', preferred: 'a:b=c' }],
  ['coder=', { party: 'coder', preferred: '' }],
] as const)('%s is a party', (word, party) => {
  expect(partyOf(word)).toEqual(party);
});

test.each(['', '=1', ':2', 'coder:heavy=1'])('"%s" is none', (word) => {
  expect(() => partyOf(word)).toThrow(expect.objectContaining({ code: 'invalid-usage' }));
});
