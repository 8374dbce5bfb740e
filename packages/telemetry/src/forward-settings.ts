/**
 * Where telemetry is forwarded, from OpenTelemetry's own environment variables. `OTEL_EXPORTER_OTLP_ENDPOINT` is a base, to
 * which `/v1/<kind>` is added; `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` and its siblings are taken as they are.
 */
import { telemetryError } from './errors.ts';
import type { TelemetryKind } from './payload.ts';
import type { Environment } from './settings.ts';

/** Where one kind of telemetry is posted: the full URL, with the headers that every POST has. */
export interface ForwardTarget {
  readonly kind: TelemetryKind;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What is forwarded where, read from OpenTelemetry's own variables by `readForwardSettings`. */
export interface ForwardSettings {
  /** Empty when no endpoint is set: nothing is forwarded. */
  readonly targets: readonly ForwardTarget[];
  /** How long one POST may take. */
  readonly timeoutMs: number;
}

const kinds: readonly TelemetryKind[] = ['traces', 'metrics', 'logs'];
const prefix = 'OTEL_EXPORTER_OTLP';

/** Reads the settings; throws `otlp-settings-invalid`. */
export function readForwardSettings(env: Environment): ForwardSettings {
  const protocol = present(env[`${prefix}_PROTOCOL`]) ?? 'http/protobuf';
  if (protocol !== 'http/protobuf') {
    const cure = `unset ${prefix}_PROTOCOL or set it to http/protobuf, and use the receiver's HTTP port (usually 4318)`;
    throw invalid(`${prefix}_PROTOCOL=${protocol} is not supported; ${cure}`);
  }
  return {
    targets: kinds.flatMap((kind) => targetOf(kind, env)),
    timeoutMs: timeoutOf(present(env[`${prefix}_TIMEOUT`])),
  };
}

function targetOf(kind: TelemetryKind, env: Environment): ForwardTarget[] {
  const upper = kind.toUpperCase();
  const base = present(env[`${prefix}_ENDPOINT`]);
  const own = present(env[`${prefix}_${upper}_ENDPOINT`]);
  const url = own ?? (base === undefined ? undefined : `${base.replace(/\/+$/, '')}/v1/${kind}`);
  if (url === undefined) return [];
  const name = own === undefined ? `${prefix}_ENDPOINT` : `${prefix}_${upper}_ENDPOINT`;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw invalid(`${name}=${own ?? base} is not an http(s) URL`);
  const headers = {
    ...headersOf(`${prefix}_HEADERS`, env),
    ...headersOf(`${prefix}_${upper}_HEADERS`, env),
  };
  return [{ kind, url, headers }];
}

/** `key=value,key=value` with percent-encoded values. */
function headersOf(name: string, env: Environment): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const pair of (present(env[name]) ?? '').split(',')) {
    if (pair.trim() === '') continue;
    const at = pair.indexOf('=');
    const key = pair.slice(0, at).trim();
    // The value may be a secret: the complaint does not repeat it.
    if (at < 1 || !/^[\w!#$%&'*+.^`|~-]+$/.test(key))
      throw invalid(`${name} is not a list of key=value pairs`);
    headers[key.toLowerCase()] = decoded(pair.slice(at + 1).trim());
  }
  return headers;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function timeoutOf(text: string | undefined): number {
  if (text === undefined) return 10_000;
  const value = Number(text);
  if (Number.isFinite(value) && value >= 1) return Math.min(value, 30_000);
  throw invalid(`${prefix}_TIMEOUT=${text} is not a number of milliseconds`);
}

function present(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value.trim();
}

function invalid(message: string): Error {
  return telemetryError('otlp-settings-invalid', message);
}
