/** Measurements as a table. Pure. */
import type { BenchRow } from '../bench/measure.ts';
import { renderTable, type Paint } from './table.ts';

/** A line for each row; times in ms. */
export function renderBench(rows: readonly BenchRow[], paint: Paint): string {
  const headings = ['journey', 'at once', 'count', 'per second', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'];
  const cells = rows.map(({ atOnce, count, maxMs, name, p50Ms, p95Ms, p99Ms, perSecond }) => [
    name,
    String(atOnce),
    String(count),
    String(Math.round(perSecond)),
    ...[p50Ms, p95Ms, p99Ms, maxMs].map((ms) => (Number.isNaN(ms) ? undefined : ms.toFixed(2))),
  ]);
  return renderTable(headings, cells, paint);
}
