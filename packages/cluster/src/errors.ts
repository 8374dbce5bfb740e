/** The error codes of @mabeam/cluster; docs/errors.md has a paragraph for each. */
import { errorsOf, type ErrorTable } from '@mabeam/bus';

export const clusterErrors = {
  'already-hosted': { retryable: true, exit: 3, status: 409 },
  'bundle-failed': { retryable: true, exit: 1, status: 500 },
  'invalid-command': { retryable: false, exit: 2, status: 400 },
  'node-exists': { retryable: false, exit: 3, status: 409 },
  'not-started': { retryable: false, exit: 1, status: 500 },
  'not-hostable': { retryable: false, exit: 2, status: 400 },
  'spawn-failed': { retryable: false, exit: 1, status: 500 },
} as const satisfies ErrorTable;

/** Makes an error of this package. */
export const clusterError: ReturnType<typeof errorsOf<typeof clusterErrors>> = errorsOf(clusterErrors);
