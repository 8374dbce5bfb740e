/**
 * The error codes of `@mabeam/bus/server` that the rest of the package does not have; docs/errors.md has a paragraph for each.
 * An old server is `server-too-old` and a wait given up is `cancelled` here as everywhere in the package.
 */
import { errorsOf, type ErrorTable } from '../error.ts';

/** Every error code of finding and running a server; docs/errors.md has a paragraph for each. */
export const serverErrors = {
  'server-not-found': { retryable: false, exit: 5, status: 503 },
  'store-in-use': { retryable: false, exit: 5, status: 409 },
  'port-taken': { retryable: false, exit: 5, status: 409 },
  'server-failed': { retryable: false, exit: 5, status: 500 },
} as const satisfies ErrorTable;

/** Makes an error of this folder. */
export const serverError: ReturnType<typeof errorsOf<typeof serverErrors>> = errorsOf(serverErrors);
