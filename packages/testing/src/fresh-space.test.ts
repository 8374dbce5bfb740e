/** Space ids for tests. */
import { expect, test } from 'vitest';
import { freshSpace } from './fresh-space.ts';

test('two spaces with one prefix are different, and both are valid ids', () => {
  const [one, other] = [freshSpace('mail'), freshSpace('mail')];
  expect(one).not.toBe(other);
  for (const id of [one, other]) expect(id).toMatch(/^mail-[a-z0-9_-]{1,58}$/);
});
