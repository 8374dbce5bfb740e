/**
 * What the environment says about a process's telemetry. A number that makes no sense is replaced by its default and
 * named in `complaints`: telemetry never keeps an agent from starting.
 */
import type { ProcessIdentity } from './process-identity.ts';

export interface TelemetrySettings {
  readonly enabled: boolean;
  readonly identity: ProcessIdentity;
  readonly url: string | undefined;
  /** Ordinary roots kept a second. */
  readonly rootsPerSecond: number;
  readonly batch: { readonly delayMs: number; readonly maxWaiting: number; readonly maxBatch: number };
  readonly exportTimeoutMs: number;
  readonly complaints: readonly string[];
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the settings; `pid` tells processes apart that were given no name. */
export function readSettings(env: Environment, pid: number): TelemetrySettings {
  const complaints: string[] = [];
  const number = (name: string, fallback: number, least: number): number => {
    const text = env[name];
    if (text === undefined || text === '') return fallback;
    const value = Number(text);
    if (Number.isFinite(value) && value >= least) return value;
    complaints.push(`${name}=${text} is not a number of at least ${least}; using ${fallback}`);
    return fallback;
  };
  const maxWaiting = number('OTEL_BSP_MAX_QUEUE_SIZE', 2_048, 1);
  return {
    enabled: env['OTEL_SDK_DISABLED']?.toLowerCase() !== 'true',
    identity: readIdentity(env, pid),
    url: env['NATS_URL'],
    rootsPerSecond: number('MABEAM_TRACE_ROOTS_PER_SECOND', 5, 0),
    batch: {
      delayMs: number('OTEL_BSP_SCHEDULE_DELAY', 500, 0),
      maxWaiting,
      maxBatch: Math.min(maxWaiting, number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512, 1)),
    },
    exportTimeoutMs: number('OTEL_BSP_EXPORT_TIMEOUT', 30_000, 1),
    complaints,
  };
}

function readIdentity(env: Environment, pid: number): ProcessIdentity {
  const agent = env['MABEAM_AGENT'];
  return {
    service: env['OTEL_SERVICE_NAME'] ?? agent ?? env['MABEAM_PROCESS'] ?? 'mabeam',
    space: env['MABEAM_SPACE'],
    agent,
    ordinal: env['MABEAM_ORDINAL'],
    incarnation: env['MABEAM_INCARNATION'],
    process: env['MABEAM_PROCESS'] ?? String(pid),
  };
}
