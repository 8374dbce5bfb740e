/** The error codes of @mabeam/agents (those of a definition stand in agent-spec.ts); docs/errors.md explains each. */
import { errorsOf, type ErrorTable } from '@mabeam/bus';

/** Every error code of this package, with its kind; docs/errors.md has a paragraph for each. */
export const agentErrors = {
  'not-an-agent': { retryable: false, exit: 2, status: 400 },
  'not-hosted': { retryable: false, exit: 2, status: 400 },
  'invalid-hosting': { retryable: false, exit: 2, status: 400 },
  'invalid-input': { retryable: false, exit: 2, status: 400 },
  'invalid-output': { retryable: false, exit: 1, status: 500 },
  'edge-not-permitted': { retryable: false, exit: 1, status: 403 },
  'not-permitted': { retryable: false, exit: 1, status: 403 },
  'nothing-to-ask': { retryable: false, exit: 2, status: 405 },
  'unknown-agent': { retryable: false, exit: 2, status: 404 },
  'agent-exists': { retryable: false, exit: 3, status: 409 },
  'agent-ended': { retryable: true, exit: 1, status: 503 },
  'unknown-verb': { retryable: false, exit: 2, status: 404 },
  'invalid-directive': { retryable: false, exit: 2, status: 400 },
  'invalid-score': { retryable: false, exit: 2, status: 400 },
  'invalid-local-proposal': { retryable: false, exit: 2, status: 400 },
  'illegal-transition': { retryable: false, exit: 1, status: 409 },
  undeliverable: { retryable: false, exit: 1, status: 410 },
  'hop-limit': { retryable: false, exit: 1, status: 508 },
} as const satisfies ErrorTable;

/** Makes an error of this package. */
export const agentError: ReturnType<typeof errorsOf<typeof agentErrors>> = errorsOf(agentErrors);
