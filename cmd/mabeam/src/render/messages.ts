/** Events and log lines as text. Pure. */
import type { StoredMessage } from '@mabeam/bus';
import type { LogEntry } from '@mabeam/telemetry';
import { oneLine, shownTime, shownValue, type Paint, type Style } from './table.ts';

/** What is said of an event in JSON; a body that is not JSON is given as base64. */
export function eventDocument({
  sequence,
  at,
  subject,
  headers,
  data,
}: StoredMessage): Readonly<Record<string, unknown>> {
  const kept = [...headers].filter(([name]) => name.startsWith('ce-') || name === 'traceparent');
  return {
    sequence,
    at: at.toISOString(),
    subject,
    ...(kept.length === 0 ? {} : { headers: Object.fromEntries(kept) }),
    ...bodyOf(data),
  };
}

/** An event on one line, its subject without the space. */
export function renderEvent(message: StoredMessage, paint: Paint): string {
  const { sequence, at, subject, data } = message;
  const relative = subject.split('.').slice(2).join('.');
  const body = bodyOf(data);
  const shown = 'body' in body ? shownValue(body.body, 2_000) : `${data.length} bytes`;
  return `${paint(['dim'], `${sequence}  ${shownTime(at)}`)}  ${paint(['bold'], relative)}  ${oneLine(shown)}`;
}

const levelStyle: Readonly<Record<string, Style>> = {
  fatal: 'red',
  error: 'red',
  warn: 'yellow',
  debug: 'dim',
  trace: 'dim',
};

/** A log line: time, level, instance, message. */
export function renderLog({ at, level, instance, message }: LogEntry, paint: Paint): string {
  const name = level.toLowerCase();
  const shownLevel = paint([levelStyle[name] ?? 'cyan'], name.padEnd(5));
  return `${paint(['dim'], shownTime(at))}  ${shownLevel}  ${paint(['bold'], oneLine(instance))}  ${oneLine(message)}`;
}

function bodyOf(data: Uint8Array): { readonly body: unknown } | { readonly base64: string } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(data);
    return { body: text === '' ? null : (JSON.parse(text) as unknown) };
  } catch {
    return { base64: Buffer.from(data).toString('base64') };
  }
}
