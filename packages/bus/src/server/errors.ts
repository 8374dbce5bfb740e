/** The error codes of `@mabeam/bus/server`; docs/errors.md has a paragraph for each. */
import { errorsOf, type ErrorTable } from '../error.ts';
import { busErrors } from '../errors.ts';

export const serverErrors = {
  'server-not-found': { retryable: false, exit: 5, status: 503 },
  // Two codes mean the same here and on a connection: an old server is too old, a cancelled wait is cancelled.
  'server-too-old': busErrors['server-too-old'],
  cancelled: busErrors.cancelled,
  'store-in-use': { retryable: false, exit: 5, status: 409 },
  'port-taken': { retryable: false, exit: 5, status: 409 },
  'server-failed': { retryable: false, exit: 5, status: 500 },
} as const satisfies ErrorTable;

/** Makes an error of this folder. */
export const serverError: ReturnType<typeof errorsOf<typeof serverErrors>> = errorsOf(serverErrors);
