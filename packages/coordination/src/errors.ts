/** The error codes of @mabeam/coordination; docs/errors.md has a paragraph for each. Malformed ids are the bus's `invalid-id`. */
import { errorsOf, type ErrorTable } from '@mabeam/bus';

export const coordinationErrors = {
  'no-participants': { retryable: false, exit: 2, status: 400 },
  'duplicate-participants': { retryable: false, exit: 2, status: 400 },
  'invalid-negotiation': { retryable: false, exit: 2, status: 400 },
  'invalid-weights': { retryable: false, exit: 2, status: 400 },
  'invalid-preference': { retryable: false, exit: 2, status: 422 },
  'no-quorum': { retryable: true, exit: 4, status: 504 },
  deadlock: { retryable: false, exit: 3, status: 409 },
  'no-feasible-value': { retryable: false, exit: 3, status: 409 },
  'no-winner': { retryable: false, exit: 3, status: 409 },
  'coordinator-unavailable': { retryable: true, exit: 5, status: 503 },
  'no-trade': { retryable: false, exit: 3, status: 409 },
  'unknown-strategy': { retryable: false, exit: 2, status: 404 },
  'invalid-conflict': { retryable: false, exit: 2, status: 400 },
  'unknown-resource': { retryable: false, exit: 2, status: 404 },
  'invalid-amount': { retryable: false, exit: 2, status: 400 },
  'over-capacity': { retryable: true, exit: 3, status: 409 },
  'no-resources': { retryable: false, exit: 2, status: 400 },
  'desk-closed': { retryable: true, exit: 5, status: 503 },
  'grant-lost': { retryable: true, exit: 3, status: 409 },
  'invalid-plan': { retryable: false, exit: 2, status: 400 },
  unassignable: { retryable: false, exit: 3, status: 409 },
  'cyclic-plan': { retryable: false, exit: 2, status: 400 },
  'invalid-proposal': { retryable: false, exit: 2, status: 400 },
  'round-reused': { retryable: false, exit: 3, status: 409 },
  'insufficient-agents': { retryable: false, exit: 2, status: 400 },
  'no-majority': { retryable: true, exit: 3, status: 409 },
  'no-weighted-majority': { retryable: true, exit: 3, status: 409 },
  'no-unanimity': { retryable: true, exit: 3, status: 409 },
  rejected: { retryable: false, exit: 3, status: 409 },
  timeout: { retryable: true, exit: 4, status: 504 },
  'log-full': { retryable: false, exit: 5, status: 507 },
  'log-broken': { retryable: false, exit: 1, status: 500 },
  'stale-block': { retryable: true, exit: 3, status: 409 },
  'invalid-ledger': { retryable: false, exit: 1, status: 422 },
} as const satisfies ErrorTable;

/** A code of this package. */
export type CoordinationErrorCode = keyof typeof coordinationErrors;

/** Makes an error of this package. */
export const coordinationError: ReturnType<typeof errorsOf<typeof coordinationErrors>> =
  errorsOf(coordinationErrors);
