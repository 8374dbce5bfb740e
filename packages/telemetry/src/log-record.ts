/**
 * A line that a process wrote, as an OTLP log record: pino's JSON (ours, or anybody's with `msg` or `message`), or plain
 * text. Pure; every line becomes a record, however it looks.
 */
import type { AnyValue, HrTime } from '@opentelemetry/api';
import { contentKeys, withheld } from './content.ts';
import { attributes } from './semconv.ts';

/** Where a process wrote a line. */
export type OutputStream = 'stdout' | 'stderr';

/** What a line says, in OTLP's terms. */
export interface ParsedLine {
  readonly timeMs: number;
  /** OTLP severity: 1 trace, 5 debug, 9 info, 13 warn, 17 error, 21 fatal. */
  readonly severity: number;
  readonly severityText: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, AnyValue>>;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly traceFlags: number;
}

const MAX_BODY = 16_384;
const severities: Readonly<Record<string, number>> = {
  trace: 1,
  debug: 5,
  info: 9,
  warn: 13,
  error: 17,
  fatal: 21,
};
const pinoLevels: Readonly<Record<string, string>> = {
  '10': 'trace',
  '20': 'debug',
  '30': 'info',
  '40': 'warn',
  '50': 'error',
  '60': 'fatal',
  warning: 'warn',
  critical: 'fatal',
};
/** Fields that became something else, or that the record's resource says already. */
const consumed = new Set([
  'level',
  'time',
  'msg',
  'message',
  'trace_id',
  'span_id',
  'trace_flags',
  'pid',
  'hostname',
  'space',
  'agent',
  'instance',
]);

/** Reads a line. `nowMs` is its time when it names none. */
export function parseLogLine(line: string, stream: OutputStream, nowMs: number): ParsedLine {
  const fields = jsonFields(line);
  return fields === undefined ? plainLine(line, stream, nowMs) : jsonLine(fields, stream, nowMs);
}

/** Milliseconds since 1970 as OpenTelemetry's [seconds, nanoseconds]. */
export function hrTimeOf(timeMs: number): HrTime {
  const seconds = Math.floor(timeMs / 1_000);
  return [seconds, Math.round((timeMs - seconds * 1_000) * 1e6)];
}

function jsonFields(line: string): Readonly<Record<string, AnyValue>> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    // JSON.parse of a text that begins with a brace yields an object of JSON values, each of which is an AnyValue.
    const fields = JSON.parse(line) as Readonly<Record<string, AnyValue>>;
    return typeof (fields['msg'] ?? fields['message']) === 'string' || 'level' in fields ? fields : undefined;
  } catch {
    return undefined;
  }
}

function plainLine(line: string, stream: OutputStream, nowMs: number): ParsedLine {
  const severityText = stream === 'stderr' ? 'warn' : 'info';
  return {
    timeMs: nowMs,
    severity: severities[severityText] ?? 0,
    severityText,
    body: shortened(line),
    attributes: { [attributes.logStream]: stream },
    traceFlags: 0,
  };
}

function jsonLine(
  fields: Readonly<Record<string, AnyValue>>,
  stream: OutputStream,
  nowMs: number,
): ParsedLine {
  const level = textOf(fields['level'], stream === 'stderr' ? 'warn' : 'info').toLowerCase();
  const severityText = pinoLevels[level] ?? level;
  const traceId = hexField(fields['trace_id'], 32);
  const spanId = hexField(fields['span_id'], 16);
  return {
    timeMs: timeOf(fields['time']) ?? nowMs,
    severity: severities[severityText] ?? 0,
    severityText,
    body: shortened(textOf(fields['msg'] ?? fields['message'], '')),
    attributes: { [attributes.logStream]: stream, ...remaining(fields) },
    ...(traceId === undefined || spanId === undefined ? {} : { traceId, spanId }),
    traceFlags: Number.parseInt(hexField(fields['trace_flags'], 2) ?? '00', 16),
  };
}

/** The other fields as they are, except content, which is withheld, and pino's `err`, which has conventional names. */
function remaining(fields: Readonly<Record<string, AnyValue>>): Record<string, AnyValue> {
  const rest: Record<string, AnyValue> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (consumed.has(key) || value === null || value === undefined) continue;
    if (key === 'err' && isRecord(value)) Object.assign(rest, exceptionOf(value));
    else if (contentKeys.has(key)) rest[key] = withheld;
    else rest[key] = typeof value === 'string' ? shortened(value) : value;
  }
  return rest;
}

function exceptionOf(error: Readonly<Record<string, AnyValue>>): Record<string, AnyValue> {
  return {
    [attributes.exceptionType]: error['code'] ?? error['type'] ?? 'Error',
    [attributes.exceptionMessage]: shortened(textOf(error['message'], '')),
    ...(typeof error['stack'] === 'string'
      ? { [attributes.exceptionStacktrace]: shortened(error['stack']) }
      : {}),
  };
}

function timeOf(time: AnyValue): number | undefined {
  const ms = typeof time === 'string' ? Date.parse(time) : time;
  return typeof ms === 'number' && Number.isFinite(ms) && ms >= 0 && ms < 1e15 ? ms : undefined;
}

function textOf(value: AnyValue, fallback: string): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : fallback;
}

function hexField(value: AnyValue, length: number): string | undefined {
  if (typeof value !== 'string' || value.length !== length || !/^[0-9a-f]+$/.test(value)) return undefined;
  return value;
}

function isRecord(value: AnyValue): value is Readonly<Record<string, AnyValue>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

function shortened(text: string): string {
  return text.length <= MAX_BODY ? text : `${text.slice(0, MAX_BODY)}…`;
}
