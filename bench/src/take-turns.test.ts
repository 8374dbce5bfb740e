// The order in which contenders run.
import { expect, test } from 'vitest';
import { takeTurns } from './take-turns.ts';

const never = new AbortController().signal;

test('contenders alternate, and each keeps the figures of its own rounds', async () => {
  const order: string[] = [];
  let clock = 0;
  const runner = (name: string) => async (): Promise<number> => {
    order.push(name);
    return ++clock;
  };
  const figures = await takeTurns(3, { a: runner('a'), b: runner('b') }, never);
  expect(order.join(' ')).toBe('a b a b a b');
  expect(figures).toEqual({ a: [1, 3, 5], b: [2, 4, 6] });
});

test('where turns rotate nobody always comes after the same one, and the rounds of each stay in their order', async () => {
  const order: string[] = [];
  const runner = (name: string) => async (): Promise<number> => order.push(name);
  const figures = await takeTurns(3, { a: runner('a'), b: runner('b'), c: runner('c') }, never, {
    rotate: true,
  });
  expect(order.join(' ')).toBe('a b c b c a c a b');
  expect(figures).toEqual({ a: [1, 6, 8], b: [2, 4, 9], c: [3, 5, 7] });
});

test('a run that was given up stops before the next turn', async () => {
  const controller = new AbortController();
  let turns = 0;
  const turn = async (): Promise<number> => {
    turns++;
    controller.abort(new Error('given up'));
    return 1;
  };
  await expect(takeTurns(3, { a: turn, b: turn }, controller.signal)).rejects.toThrow('given up');
  expect(turns).toBe(1);
});
