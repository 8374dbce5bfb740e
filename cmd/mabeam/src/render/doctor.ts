/** The doctor's findings as text. Pure. */
import type { Check } from '../doctor/check.ts';
import { oneLine, type Paint, type Style } from './table.ts';

const marks: Readonly<Record<Check['status'], Style>> = { ok: 'green', warn: 'yellow', fail: 'red' };

/** A line for each finding, and its cure below it; the count of each kind last. */
export function renderChecks(checks: readonly Check[], paint: Paint): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, status, message, cure }) => [
    `${paint([marks[status]], status.padEnd(4))}  ${name.padEnd(width)}  ${oneLine(message)}`,
    ...(cure === undefined ? [] : [`${' '.repeat(width + 8)}cure: ${cure}`]),
  ]);
  const count = (status: Check['status']): number => checks.filter((check) => check.status === status).length;
  return [...lines, '', `${count('ok')} ok, ${count('warn')} doubtful, ${count('fail')} broken`].join('\n');
}
