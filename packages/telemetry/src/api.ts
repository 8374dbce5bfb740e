/**
 * `@mabeam/telemetry/api`: the half of telemetry that everybody may import. It loads no SDK: loggers, the one list of
 * attribute names, and the way to flush whatever telemetry the process was started with.
 */
export { createLogger } from './logging.ts';
export type { Logger, LoggerOptions } from './logging.ts';
export { flushTelemetry, shutdownTelemetry } from './registration.ts';
export { attributes } from './semconv.ts';
