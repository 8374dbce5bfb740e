/** The error codes of @mabeam/bus; docs/errors.md has a paragraph for each. */
import { errorsOf, type ErrorTable } from './error.ts';

/** Every error code of this package, with its kind; docs/errors.md has a paragraph for each. */
export const busErrors = {
  'server-unavailable': { retryable: true, exit: 5, status: 503 },
  'server-too-old': { retryable: false, exit: 5, status: 503 },
  'jetstream-missing': { retryable: false, exit: 5, status: 503 },
  disconnected: { retryable: true, exit: 5, status: 503 },
  closed: { retryable: false, exit: 5, status: 503 },
  'no-responders': { retryable: true, exit: 5, status: 503 },
  'deadline-exceeded': { retryable: true, exit: 4, status: 504 },
  cancelled: { retryable: false, exit: 4, status: 499 },
  'streamed-answer': { retryable: false, exit: 2, status: 406 },
  'stream-broken': { retryable: true, exit: 5, status: 502 },
  overloaded: { retryable: true, exit: 5, status: 429 },
  conflict: { retryable: true, exit: 3, status: 409 },
  'stream-missing': { retryable: false, exit: 5, status: 404 },
  'bucket-replaced': { retryable: false, exit: 5, status: 410 },
  'store-failed': { retryable: false, exit: 1, status: 500 },
  'payload-too-large': { retryable: false, exit: 2, status: 413 },
  'malformed-message': { retryable: false, exit: 2, status: 400 },
  'protocol-version': { retryable: false, exit: 1, status: 505 },
  'invalid-id': { retryable: false, exit: 2, status: 400 },
  'invalid-identity': { retryable: false, exit: 2, status: 400 },
  'lease-lost': { retryable: true, exit: 3, status: 409 },
  'handler-failed': { retryable: false, exit: 1, status: 500 },
  'remote-failure': { retryable: false, exit: 1, status: 500 },
  'deliveries-exhausted': { retryable: false, exit: 1, status: 500 },
} as const satisfies ErrorTable;

/** Makes an error of this package. */
export const busError: ReturnType<typeof errorsOf<typeof busErrors>> = errorsOf(busErrors);
