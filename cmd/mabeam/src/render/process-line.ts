/**
 * A line that a process of ours wrote, for a terminal where several write: pino's JSON as `time level name message`, anything
 * else as it is, behind the name of its process. Pure.
 */
import { oneLine, type Paint, type Style } from './table.ts';

const styles: Readonly<Record<string, Style>> = { warn: 'yellow', error: 'red', fatal: 'red' };

/** A line of output as it is shown. */
export interface ShownLine {
  readonly level: string;
  readonly text: string;
}

/** Reads a line: its level (`info` for text that names none) and its text. */
export function readProcessLine(line: string): ShownLine {
  const fields = fieldsOf(line);
  const message = fields?.get('msg');
  if (fields === undefined || typeof message !== 'string') return { level: 'info', text: oneLine(line) };
  const level = fields.get('level');
  const cause = causeOf(fields.get('err'));
  return {
    level: typeof level === 'string' ? level : 'info',
    text: oneLine(cause === undefined ? message : `${message}: ${cause}`),
  };
}

/** The line behind the name of its process. */
export function renderProcessLine(name: string, line: string, paint: Paint): string {
  const { level, text } = readProcessLine(line);
  const style = styles[level];
  const shown = style === undefined ? text : `${paint([style], level)} ${text}`;
  return `${paint(['dim'], name.padEnd(12))}  ${shown}`;
}

function fieldsOf(line: string): ReadonlyMap<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}

function causeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('message' in error)) return undefined;
  return typeof error.message === 'string' ? error.message : undefined;
}
