/** The table of a run: Markdown that reads as well in a terminal. Pure. */
import type { Comparison, Goal, Row } from './benchmark.ts';
import type { Summary } from './statistics.ts';
import { judge, type Judged, type Verdict } from './verdict.ts';

/** A benchmark's row under its name. */
export interface NamedRow {
  readonly name: string;
  readonly row: Row;
}

const head = ['benchmark', 'measure', 'ours', 'baseline', 'its figure', 'ratio', 'goal', 'verdict'];

/** One line a comparison; figures are medians with (least – greatest) of the rounds, notes stand below. */
export function renderTable(rows: readonly NamedRow[]): string {
  const lines = rows.flatMap(({ name, row }) =>
    row.comparisons.map((comparison, index) => [index === 0 ? name : '', ...cellsOf(comparison)]),
  );
  const widths = head.map((title, column) =>
    Math.max(...[head, ...lines].map((cells) => cells[column]?.length ?? 0), title.length),
  );
  const rule = widths.map((width) => '-'.repeat(width));
  const padded = [head, rule, ...lines].map(
    (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`,
  );
  const notes = rows.flatMap(({ name, row }) => (row.notes ?? []).map((note) => `- ${name}: ${note}`));
  return [...padded, ...(notes.length === 0 ? [] : ['', ...notes])].join('\n');
}

/** `meets`, `misses by 12 %`, `not measured: <why>`; nothing where there is no goal. */
export function describeVerdict(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'meets':
      return 'meets';
    case 'misses':
      return `misses by ${shortNumber(verdict.by * 100)} %`;
    case 'not-measured':
      return `not measured: ${verdict.why}`;
    case 'no-goal':
      return '';
  }
}

/** Three digits, and thousands apart: `0.0123`, `1.23`, `98,700`. */
export function shortNumber(figure: number): string {
  const rounded = Number(figure.toPrecision(3));
  return rounded.toLocaleString('en-US', { maximumFractionDigits: 6, maximumSignificantDigits: 3 });
}

function cellsOf(comparison: Comparison): string[] {
  const { measure, unit, baseline, goal } = comparison;
  const judged = judge(comparison);
  return [
    measure,
    spread(judged.ours, unit),
    baseline?.name ?? '',
    spread(judged.baseline, unit),
    ratioText(judged),
    goal === undefined ? '' : goalText(goal, unit),
    describeVerdict(judged.verdict),
  ];
}

function spread(summary: Summary | undefined, unit: string): string {
  if (summary === undefined) return '';
  const { median, min, max } = summary;
  const text = unit.startsWith('/') ? `${shortNumber(median)}${unit}` : `${shortNumber(median)} ${unit}`;
  return min === max ? text : `${text} (${shortNumber(min)} – ${shortNumber(max)})`;
}

function ratioText({ ratio, bound }: Judged): string {
  if (ratio === undefined) return '';
  const { median, min, max } = ratio;
  const text = `${shortNumber(median)} (${shortNumber(min)} – ${shortNumber(max)})`;
  return bound === undefined ? text : `${text}, 95 % bound ${bound.toFixed(3)}`;
}

function goalText({ of, is, limit }: Goal, unit: string): string {
  const sign = is === 'at-least' ? '≥' : '≤';
  if (of !== 'figure') return `${sign} ${shortNumber(limit)}${of === 'bound' ? ' (bound)' : ''}`;
  return `${sign} ${shortNumber(limit)}${unit.startsWith('/') ? '' : ' '}${unit}`;
}
