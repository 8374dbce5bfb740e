/** The error codes of @mabeam/orchestrator; docs/errors.md has a paragraph for each. */
import { errorsOf, type ErrorTable } from '@mabeam/bus';

export const orchestratorErrors = {
  'space-definition-invalid': { retryable: false, exit: 2, status: 400 },
  'value-outgrown': { retryable: false, exit: 3, status: 409 },
  'last-coordinator': { retryable: false, exit: 3, status: 409 },
  'values-invalid': { retryable: false, exit: 2, status: 400 },
  'rule-invalid': { retryable: false, exit: 2, status: 400 },
  'scaling-policy-invalid': { retryable: false, exit: 2, status: 400 },
  'invalid-report': { retryable: false, exit: 2, status: 400 },
  'recovery-invalid': { retryable: false, exit: 2, status: 400 },
  'scale-invalid': { retryable: false, exit: 2, status: 400 },
  'not-scalable': { retryable: false, exit: 2, status: 409 },
  'beyond-bounds': { retryable: false, exit: 2, status: 422 },
  'invalid-space-command': { retryable: false, exit: 2, status: 400 },
  'conflicting-topology': { retryable: false, exit: 3, status: 409 },
  'resource-impossible': { retryable: false, exit: 2, status: 422 },
  'space-in-use': { retryable: false, exit: 3, status: 409 },
  'agents-not-stopped': { retryable: true, exit: 4, status: 504 },
  'space-not-stopped': { retryable: true, exit: 4, status: 504 },
  'change-not-permitted': { retryable: false, exit: 1, status: 403 },
  'invalid-adaptation': { retryable: false, exit: 2, status: 400 },
  'change-in-flight': { retryable: true, exit: 3, status: 409 },
  'not-undoable': { retryable: false, exit: 3, status: 409 },
  'written-since': { retryable: false, exit: 3, status: 409 },
  'invalid-set': { retryable: false, exit: 2, status: 400 },
  'variable-in-use': { retryable: false, exit: 3, status: 409 },
  'unknown-id': { retryable: false, exit: 2, status: 404 },
  'ambiguous-id': { retryable: false, exit: 2, status: 409 },
  'leader-deposed': { retryable: true, exit: 5, status: 503 },
  'adaptation-contended': { retryable: true, exit: 3, status: 409 },
  'invalid-configuration': { retryable: false, exit: 2, status: 422 },
  'agent-unavailable': { retryable: true, exit: 5, status: 503 },
  'resource-exhausted': { retryable: true, exit: 5, status: 503 },
  'invalid-metrics': { retryable: false, exit: 2, status: 422 },
  'adaptation-failed': { retryable: false, exit: 1, status: 500 },
  'invalid-question': { retryable: false, exit: 2, status: 400 },
  'scope-not-distributable': { retryable: false, exit: 2, status: 422 },
  'no-reachable-nodes': { retryable: true, exit: 5, status: 503 },
} as const satisfies ErrorTable;

/** Makes an error of this package. */
export const orchestratorError: ReturnType<typeof errorsOf<typeof orchestratorErrors>> =
  errorsOf(orchestratorErrors);
