/** The error codes of the command line; docs/errors.md has a paragraph for each. `exit` is the status of the process. */
import { errorsOf, type ErrorTable } from '@mabeam/bus';

export const commandErrors = {
  'invalid-usage': { retryable: false, exit: 2, status: 400 },
  'invalid-json': { retryable: false, exit: 2, status: 400 },
  'input-unreadable': { retryable: false, exit: 2, status: 400 },
  'unknown-space': { retryable: false, exit: 2, status: 404 },
  'space-not-chosen': { retryable: false, exit: 2, status: 400 },
  'unknown-round': { retryable: false, exit: 2, status: 404 },
  'no-certificate': { retryable: true, exit: 2, status: 404 },
  'invalid-certificate': { retryable: false, exit: 1, status: 422 },
  'other-keys': { retryable: false, exit: 4, status: 409 },
  'file-unwritable': { retryable: false, exit: 2, status: 400 },
  'unknown-trace': { retryable: false, exit: 1, status: 404 },
  'task-failed': { retryable: false, exit: 1, status: 500 },
  'task-pending': { retryable: true, exit: 4, status: 504 },
  'instance-taken': { retryable: true, exit: 3, status: 409 },
  'set-pending': { retryable: true, exit: 4, status: 504 },
  'no-topology': { retryable: false, exit: 2, status: 404 },
  'no-such-agent': { retryable: false, exit: 2, status: 404 },
  'not-stoppable': { retryable: false, exit: 3, status: 409 },
  'stop-refused': { retryable: true, exit: 3, status: 409 },
  'stop-pending': { retryable: true, exit: 4, status: 504 },
  'adaptation-pending': { retryable: true, exit: 4, status: 504 },
  'unknown-adaptation': { retryable: false, exit: 2, status: 404 },
  'no-leader': { retryable: true, exit: 5, status: 503 },
  'bench-stalled': { retryable: true, exit: 4, status: 504 },
  'dev-not-ready': { retryable: true, exit: 5, status: 503 },
  'dev-process-failed': { retryable: false, exit: 1, status: 500 },
  'agent-failed': { retryable: false, exit: 1, status: 500 },
} as const satisfies ErrorTable;

/** Makes an error of this package. */
export const commandError: ReturnType<typeof errorsOf<typeof commandErrors>> = errorsOf(commandErrors);
