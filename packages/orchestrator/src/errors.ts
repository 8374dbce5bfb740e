/** The error codes of @mabeam/orchestrator; docs/errors.md has a paragraph for each. */
import { errorsOf, type ErrorTable } from '@mabeam/bus';

export const orchestratorErrors = {
  'space-definition-invalid': { retryable: false, exit: 2, status: 400 },
  'value-outgrown': { retryable: false, exit: 3, status: 409 },
  'rule-invalid': { retryable: false, exit: 2, status: 400 },
  'scaling-policy-invalid': { retryable: false, exit: 2, status: 400 },
  'scale-invalid': { retryable: false, exit: 2, status: 400 },
  'resource-impossible': { retryable: false, exit: 2, status: 422 },
  'space-in-use': { retryable: false, exit: 3, status: 409 },
  'space-not-stopped': { retryable: true, exit: 4, status: 504 },
  'invalid-set': { retryable: false, exit: 2, status: 400 },
  'variable-in-use': { retryable: false, exit: 3, status: 409 },
  'unknown-id': { retryable: false, exit: 2, status: 404 },
  'ambiguous-id': { retryable: false, exit: 2, status: 409 },
  'leader-deposed': { retryable: true, exit: 5, status: 503 },
  'adaptation-contended': { retryable: true, exit: 3, status: 409 },
} as const satisfies ErrorTable;

/** Makes an error of this package. */
export const orchestratorError: ReturnType<typeof errorsOf<typeof orchestratorErrors>> =
  errorsOf(orchestratorErrors);
