/** The error codes of @mabeam/telemetry; docs/errors.md has a paragraph for each. */
import { errorsOf, type ErrorTable } from '@mabeam/bus';

/** The error codes of this package; docs/errors.md has a paragraph for each. */
export const telemetryErrors = {
  'malformed-otlp': { retryable: false, exit: 1, status: 400 },
  'telemetry-too-large': { retryable: false, exit: 1, status: 413 },
  'otlp-settings-invalid': { retryable: false, exit: 2, status: 400 },
} as const satisfies ErrorTable;

/** Makes an error of this package. */
export const telemetryError: ReturnType<typeof errorsOf<typeof telemetryErrors>> = errorsOf(telemetryErrors);
