import { expect, test } from 'vitest';
import { author, chooseSpace } from './session.ts';

test('the only space is meant when nobody says, the named one otherwise', () => {
  expect(chooseSpace(undefined, ['desk'])).toBe('desk');
  expect(chooseSpace('shop', ['desk', 'shop'])).toBe('shop');
});

test('several spaces are told by name', () => {
  expect(() => chooseSpace(undefined, ['desk', 'shop'])).toThrow(/several spaces \(desk, shop\)/);
  expect(() => chooseSpace(undefined, [])).toThrow(/no space yet/);
});

test('a space that is not there is told with the nearest', () => {
  expect(() => chooseSpace('desc', ['desk', 'shop'])).toThrow(/did you mean desk\?/);
  expect(() => chooseSpace('library', ['desk', 'shop'])).toThrow(/there are: desk, shop/);
  expect(() => chooseSpace('No Space', ['desk'])).toThrow(expect.objectContaining({ code: 'invalid-id' }));
});

test('an author has a name, and not too long a one', () => {
  expect(author({ USER: 'ada' })).toBe('cli:ada');
  expect(author({})).toBe('cli:operator');
  expect(author({ USER: 'x'.repeat(500) })).toHaveLength(128);
});
