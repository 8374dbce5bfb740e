/** Waits that end. */
import { expect, test } from 'vitest';
import { waitFor } from './wait-for.ts';

test('the first truthy look is the result, and no look follows it', async () => {
  const looks = [undefined, '', 'here'];
  expect(await waitFor(() => looks.shift(), { what: 'it is here', everyMs: 1 })).toBe('here');
  expect(looks).toEqual([]);
});

test('a look that throws is a look that saw nothing', async () => {
  let count = 0;
  const look = (): number => {
    count++;
    if (count < 3) throw new Error('not connected');
    return count;
  };
  expect(await waitFor(look, { what: 'it counts', everyMs: 1 })).toBe(3);
});

test('the error says what was waited for, how long, and what was seen last', async () => {
  const wait = waitFor(() => 0, { what: 'the queue is filled', timeoutMs: 20, everyMs: 1 });
  await expect(wait).rejects.toThrow('not so after 20 ms: the queue is filled; the last look gave 0');
});

test('the reason of a look that kept throwing is the cause', async () => {
  const reason = new Error('no such key');
  const wait = waitFor(() => Promise.reject(reason), { what: 'the key is there', timeoutMs: 20, everyMs: 1 });
  await expect(wait).rejects.toMatchObject({ cause: reason });
});

test('a look that never comes back does not make the wait endless', async () => {
  const wait = waitFor(() => new Promise<boolean>(() => undefined), { what: 'it answers', timeoutMs: 20 });
  await expect(wait).rejects.toThrow('the last look did not come back');
});
