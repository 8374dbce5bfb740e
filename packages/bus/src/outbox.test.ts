import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Outbox } from './outbox.ts';

test('what is added in one turn of the event loop is sent at its end, once, in order', async () => {
  const outbox = new Outbox();
  const sent: number[] = [];
  outbox.add(() => sent.push(1));
  await Promise.resolve();
  outbox.add(() => sent.push(2));
  expect(sent).toEqual([]);
  await nextTurn();
  expect(sent).toEqual([1, 2]);
  await nextTurn();
  expect(sent).toEqual([1, 2]);
});

test('what is asked for is sent at once, and what comes after it still goes', async () => {
  const outbox = new Outbox();
  const sent: number[] = [];
  outbox.add(() => sent.push(1));
  outbox.send();
  expect(sent).toEqual([1]);
  outbox.add(() => sent.push(2));
  await nextTurn();
  expect(sent).toEqual([1, 2]);
});
