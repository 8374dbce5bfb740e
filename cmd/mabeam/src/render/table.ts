/** Text for people: tables whose columns line up, times and values in few characters. Pure; colour comes in as `paint`. */
import { stripVTControlCharacters } from 'node:util';

/** The styles used; each has a meaning: headings and names bold, the unimportant dim, good, doubtful and bad. */
export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';

/** Puts text into styles, or leaves it as it is where colour is not wanted. */
export type Paint = (style: readonly Style[], text: string) => string;

/** No colour. */
export function plain(_style: readonly Style[], text: string): string {
  return text;
}

/** Columns two spaces apart, as wide as their widest cell; an absent cell is a dash. */
export function renderTable(
  headings: readonly string[],
  rows: readonly (readonly (string | undefined)[])[],
  paint: Paint,
): string {
  const head = headings.map((heading) => paint(['bold'], heading.toUpperCase()));
  const body = rows.map((row) => headings.map((_, column) => cellText(row[column])));
  const widths = headings.map((_, column) =>
    Math.max(...[head, ...body].map((row) => widthOf(row[column] ?? ''))),
  );
  return [head, ...body].map((row) => lineOf(row, widths)).join('\n');
}

/** Names and values below each other, the names padded to one width. */
export function renderFields(fields: readonly (readonly [string, string])[], paint: Paint): string {
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields.map(([name, value]) => `${paint(['dim'], name.padEnd(width))}  ${value}`).join('\n');
}

/** A value as JSON on one line, cut to `limit` characters. */
export function shownValue(value: unknown, limit: number = 60): string {
  const text = JSON.stringify(value) ?? '';
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}

/** How long ago: `3s`, `12m`, `5h`, `2d`; never negative. */
export function shownAge(fromMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - fromMs) / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** A moment as `2026-01-31 12:00:00.000` in UTC. */
export function shownTime(at: Date): string {
  return Number.isNaN(at.getTime()) ? '-' : at.toISOString().replace('T', ' ').replace('Z', '');
}

/** Text from outside on one line: control characters cannot move the cursor or hide what follows. */
export function oneLine(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\p{Cc}/gu, ' ');
}

function cellText(cell: string | undefined): string {
  return cell === undefined || cell === '' ? '-' : cell;
}

function lineOf(row: readonly string[], widths: readonly number[]): string {
  const padded = row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)));
  return padded.join('  ').trimEnd();
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
