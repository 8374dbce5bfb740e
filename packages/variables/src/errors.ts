/** The error codes of @mabeam/variables; docs/errors.md has a paragraph for each. Malformed ids are the bus's `invalid-id`. */
import { errorsOf, type ErrorTable } from '@mabeam/bus';

export const variableErrors = {
  'invalid-definition': { retryable: false, exit: 2, status: 400 },
  'unknown-option': { retryable: false, exit: 2, status: 400 },
  'unsupported-scope': { retryable: false, exit: 2, status: 400 },
  'duplicate-agents': { retryable: false, exit: 2, status: 400 },
  'empty-agents': { retryable: false, exit: 2, status: 400 },
  'invalid-domain': { retryable: false, exit: 2, status: 400 },
  'invalid-constraint': { retryable: false, exit: 2, status: 400 },
  'invalid-initial': { retryable: false, exit: 2, status: 400 },
  'invalid-graph': { retryable: false, exit: 2, status: 400 },
  'invalid-entry': { retryable: false, exit: 1, status: 422 },
  'out-of-domain': { retryable: false, exit: 2, status: 422 },
  'constraint-violation': { retryable: false, exit: 2, status: 422 },
  'handler-not-registered': { retryable: false, exit: 2, status: 422 },
  'duplicate-change': { retryable: false, exit: 2, status: 400 },
  'invalid-author': { retryable: false, exit: 2, status: 400 },
  'unknown-variable': { retryable: false, exit: 2, status: 404 },
  'unknown-revision': { retryable: false, exit: 2, status: 404 },
  'history-gap': { retryable: false, exit: 2, status: 410 },
  'variable-exists': { retryable: false, exit: 3, status: 409 },
  'declared-by-agent': { retryable: false, exit: 2, status: 409 },
  'stale-revision': { retryable: false, exit: 3, status: 409 },
  'variable-contended': { retryable: true, exit: 3, status: 409 },
  'not-applied': { retryable: true, exit: 4, status: 504 },
  'secret-missing': { retryable: false, exit: 1, status: 500 },
  'store-closed': { retryable: false, exit: 1, status: 503 },
} as const satisfies ErrorTable;

/** A code of this package. */
export type VariableErrorCode = keyof typeof variableErrors;

/** Makes an error of this package. */
export const variableError: ReturnType<typeof errorsOf<typeof variableErrors>> = errorsOf(variableErrors);
