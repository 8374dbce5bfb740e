import { expect, test } from 'vitest';
import { author, chooseSpace, wantedSpace } from './session.ts';

test('the only space is meant when nobody says, the named one otherwise', async () => {
  expect(await chooseSpace(undefined, ['desk'])).toBe('desk');
  expect(await chooseSpace('shop', ['desk', 'shop'])).toBe('shop');
});

test('a space is asked for by its flag, else by the environment, where an empty text says nothing', () => {
  const flags = { output: 'table' } as const;
  expect(wantedSpace({ ...flags, space: 'shop' }, { MABEAM_SPACE: 'desk' })).toBe('shop');
  expect(wantedSpace(flags, { MABEAM_SPACE: 'desk' })).toBe('desk');
  expect(wantedSpace(flags, { MABEAM_SPACE: '' })).toBeUndefined();
});

test('several spaces are told by name', async () => {
  await expect(chooseSpace(undefined, ['desk', 'shop'])).rejects.toThrow(/several spaces \(desk, shop\)/);
  await expect(chooseSpace(undefined, [])).rejects.toThrow(/no space yet/);
});

test('a space that is not there is told with the nearest', async () => {
  await expect(chooseSpace('desc', ['desk', 'shop'])).rejects.toThrow(/did you mean desk\?/);
  await expect(chooseSpace('library', ['desk', 'shop'])).rejects.toThrow(/there are: desk, shop/);
  await expect(chooseSpace('No Space', ['desk'])).rejects.toMatchObject({ code: 'invalid-id' });
});

test('an author has a name, and not too long a one', () => {
  expect(author({ USER: 'ada' })).toBe('cli:ada');
  expect(author({})).toBe('cli:operator');
  expect(author({ USER: 'x'.repeat(500) })).toHaveLength(128);
});
