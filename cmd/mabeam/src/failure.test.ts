import { CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { commandError } from './errors.ts';
import { failureOf } from './failure.ts';

test('an error of ours keeps its code, its details and its exit status', () => {
  const failure = failureOf(commandError('task-pending', 'not yet', { details: { task: 't' } }));
  expect(failure).toEqual({
    exit: 4,
    body: { code: 'task-pending', message: 'not yet', retryable: true, details: { task: 't' } },
  });
});

test('of what failed and the clearing up that failed after it, the former is told', async () => {
  const failing = async (): Promise<void> => {
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Promise.reject(new TypeError('cannot be cleared up')));
    throw commandError('task-pending', 'not yet');
  };
  const thrown = await failing().catch((error: unknown) => error);
  expect(failureOf(thrown)).toMatchObject({ exit: 4, body: { code: 'task-pending', message: 'not yet' } });
});

test('a complaint of commander becomes one line of usage with exit 2', () => {
  const thrown = new CommanderError(
    1,
    'commander.unknownOption',
    "error: unknown option '-x'\n(Did you mean -y?)",
  );
  expect(failureOf(thrown)).toMatchObject({
    exit: 2,
    body: { code: 'invalid-usage', message: "unknown option '-x' (Did you mean -y?); see --help" },
  });
});

test('help that was asked for is no failure, help for want of a command is wrong usage', () => {
  expect(failureOf(new CommanderError(0, 'commander.helpDisplayed', ''))).toEqual({ exit: 0 });
  expect(failureOf(new CommanderError(1, 'commander.help', ''))).toEqual({ exit: 2 });
});

test('what nobody expected is a failure with its message and without its stack', () => {
  expect(failureOf(new TypeError('x is not a function'))).toEqual({
    exit: 1,
    body: { code: 'unexpected', message: 'x is not a function', retryable: false },
  });
});
