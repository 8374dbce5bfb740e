// Who has seen what, and when the last one had.
import { expect, test } from 'vitest';
import { Roll } from './roll.ts';

test('a value is complete when the last listener has seen it, at that instant', async () => {
  let now = 0;
  const roll = new Roll(3, () => now);
  const complete = roll.complete(7);
  for (const at of [10, 20, 30]) {
    now = at;
    roll.note(7);
  }
  now = 99;
  expect(await complete).toBe(30);
  expect(await roll.complete(7)).toBe(30);
});

test('values are counted apart, and one that misses a listener is not complete', async () => {
  const roll = new Roll(2, () => 1);
  roll.note(1);
  roll.note(2);
  roll.note(2);
  const first = roll.complete(1).then(() => 'complete');
  expect(await Promise.race([first, roll.complete(2).then(() => 'other')])).toBe('other');
});
