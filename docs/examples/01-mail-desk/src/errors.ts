/** The error codes of the mail desk: everything that can be wrong with the mail it is asked to judge. docs/errors.md has a paragraph for each. */
import { errorsOf, type ErrorTable } from '@mabeam/bus';

export const mailDeskErrors = {
  'corpus-missing': { retryable: false, exit: 1 },
  'input-not-found': { retryable: false, exit: 2 },
  'mail-unreadable': { retryable: false, exit: 2 },
  'input-kind-unknown': { retryable: false, exit: 2 },
  'input-empty': { retryable: false, exit: 2 },
  'input-line-malformed': { retryable: false, exit: 2 },
  'input-field-invalid': { retryable: false, exit: 2 },
  'input-id-duplicate': { retryable: false, exit: 2 },
  'flag-invalid': { retryable: false, exit: 2 },
  'desk-stalled': { retryable: true, exit: 4 },
  'verdict-repeated': { retryable: false, exit: 1 },
  'output-unwritable': { retryable: false, exit: 2 },
  'limit-invalid': { retryable: false, exit: 2 },
} as const satisfies ErrorTable;

/** Makes an error of the mail desk. */
export const mailDeskError: ReturnType<typeof errorsOf<typeof mailDeskErrors>> = errorsOf(mailDeskErrors);
