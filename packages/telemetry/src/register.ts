/**
 * `@mabeam/telemetry/register`: preloaded with `--import`, it starts the telemetry of a process from its environment
 * before the program's first line, and sends what is left when the program has nothing more to do.
 *
 * A program that ends itself (`process.exit`, a signal) calls `shutdownTelemetry` from `@mabeam/telemetry/api` first.
 */
import { startTelemetry } from './start.ts';

const telemetry = startTelemetry();
process.once('beforeExit', () => void telemetry.shutdown(2_000));
