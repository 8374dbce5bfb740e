import { expect, test } from 'vitest';
import { exitWithParent, takeControlFd } from './exit-with-parent.ts';

test('the control descriptor is taken out of the environment, so that children do not mistake it for theirs', () => {
  const env = { MABEAM_CONTROL_FD: '3', PATH: '/bin' };
  expect(takeControlFd(env)).toBe(3);
  expect(env).toEqual({ PATH: '/bin' });
});

test.each([[undefined], [''], ['1'], ['x'], ['3.5']])('%j is no control descriptor', (text) => {
  expect(takeControlFd({ MABEAM_CONTROL_FD: text })).toBeUndefined();
});

test('without a parent nobody is told anything', () => {
  const link = exitWithParent(() => expect.unreachable('there is no parent to be gone'));
  expect(() => link.tell({ kind: 'ready' })).not.toThrow();
});
