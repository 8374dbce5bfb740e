/**
 * Loggers: pino, JSON lines on stdout, each line carrying the ids of the active span, so that logs and traces meet.
 *
 * Content (what people wrote, what models answered, what agents return) stays out: known content keys are replaced by
 * `[withheld]`. Children carry what the line is about: `log.child({ space, agent })`.
 */
import { context, isSpanContextValid, trace } from '@opentelemetry/api';
import { pino, type DestinationStream, type Logger } from 'pino';
import { contentKeys, withheld } from './content.ts';

export type { Logger } from 'pino';

/** What a logger is called, and what it writes where. */
export interface LoggerOptions {
  readonly name: string;
  /** `trace` … `fatal` or `silent`; default `$MABEAM_LOG_LEVEL`, else `info`. A level that does not exist counts as `info`. */
  readonly level?: string;
  /** Default: stdout. */
  readonly destination?: DestinationStream;
}

const levels = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

/** A logger of this process; in a hosted agent its lines name the space, the agent and the instance. */
export function createLogger(options: LoggerOptions): Logger {
  const settings = {
    name: options.name,
    level: knownLevel(options.level ?? process.env['MABEAM_LOG_LEVEL']),
    base: processBindings(),
    mixin: activeSpanIds,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: [...contentKeys].flatMap((key) => [key, `*.${key}`]), censor: withheld },
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}

/** The ids of the active span as log fields; none outside a span. */
function activeSpanIds(): { trace_id?: string; span_id?: string; trace_flags?: string } {
  const span = trace.getSpanContext(context.active());
  if (span === undefined || !isSpanContextValid(span)) return {};
  return {
    trace_id: span.traceId,
    span_id: span.spanId,
    trace_flags: span.traceFlags.toString(16).padStart(2, '0'),
  };
}

function processBindings(): Record<string, unknown> {
  const { MABEAM_SPACE: space, MABEAM_AGENT: agent, MABEAM_ORDINAL: ordinal } = process.env;
  return {
    pid: process.pid,
    ...(space === undefined ? {} : { space }),
    ...(agent === undefined ? {} : { agent, instance: `${agent}.${ordinal ?? '0'}` }),
  };
}

function knownLevel(level: string | undefined): string {
  return level !== undefined && levels.has(level) ? level : 'info';
}
