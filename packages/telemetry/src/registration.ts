/**
 * The slot through which a process reaches its telemetry without loading the SDK: whoever starts telemetry puts itself
 * here, whoever is about to end calls `flushTelemetry` or `shutdownTelemetry`. With nothing registered both do nothing.
 *
 * The slot is global to the process, so it is found again when the package is loaded twice.
 */

export interface TelemetryRegistration {
  /** True when, within `timeoutMs`, everything recorded so far was stored, or given up and counted. */
  readonly flush: (timeoutMs: number) => Promise<boolean>;
  /** Ends telemetry; true when all of it was stored within `timeoutMs`. Twice gives the first answer. */
  readonly shutdown: (timeoutMs: number) => Promise<boolean>;
}

const slot = Symbol.for('mabeam.telemetry.registration');
// The cast names the one global this package owns; its key is a symbol, so nobody else writes there.
const holder = globalThis as typeof globalThis & { [slot]?: TelemetryRegistration | undefined };

/** The telemetry of this process, if it has been started. */
export function telemetryRegistration(): TelemetryRegistration | undefined {
  return holder[slot];
}

/** Puts the telemetry of this process into its slot, or empties it. */
export function registerTelemetry(registration: TelemetryRegistration | undefined): void {
  holder[slot] = registration;
}

/** Sends everything recorded so far. True when none of it waits any more after `timeoutMs`; never throws. */
export async function flushTelemetry(timeoutMs = 2_000): Promise<boolean> {
  return (await telemetryRegistration()?.flush(timeoutMs)) ?? true;
}

/**
 * Flushes and ends telemetry: the last thing a process does. False when spans were
 * still waiting after `timeoutMs`: they are dropped, counted and said in a log line. Never throws.
 */
export async function shutdownTelemetry(timeoutMs = 2_000): Promise<boolean> {
  return (await telemetryRegistration()?.shutdown(timeoutMs)) ?? true;
}
