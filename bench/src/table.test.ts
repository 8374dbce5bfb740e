// What a reader sees of a run.
import { expect, test } from 'vitest';
import { describeVerdict, renderTable, shortNumber } from './table.ts';

const row = {
  comparisons: [
    {
      measure: '256 in flight',
      unit: '/s',
      ours: [90_000, 110_000, 100_000],
      baseline: { name: 'by hand', figures: [100_000, 100_000, 100_000] },
      goal: { of: 'ratio', is: 'at-least', limit: 0.85 },
    },
    {
      measure: 'last of them',
      unit: 'ms',
      ours: [],
      baseline: { name: 'watch each', figures: [11] },
      goal: { of: 'figure', is: 'at-most', limit: 5 },
      notMeasured: 'not there yet',
    },
  ],
  notes: ['rough'],
} as const;

test('a line shows ours, the baseline, the ratio with its spread, the goal and the verdict', () => {
  const [, , line, unmeasured] = renderTable([{ name: 'requests', row }]).split('\n');
  const cells = (text: string | undefined): string[] => (text ?? '').split('|').map((cell) => cell.trim());
  expect(cells(line)).toEqual([
    '',
    'requests',
    '256 in flight',
    '100,000/s (90,000 – 110,000)',
    'by hand',
    '100,000/s',
    '1 (0.9 – 1.1)',
    '≥ 0.85',
    'meets',
    '',
  ]);
  expect(cells(unmeasured)).toEqual([
    '',
    '',
    'last of them',
    '',
    'watch each',
    '11 ms',
    '',
    '≤ 5 ms',
    'not measured: not there yet',
    '',
  ]);
});

test('every line is as wide as the head, and notes follow the table', () => {
  const lines = renderTable([{ name: 'requests', row }]).split('\n');
  expect(new Set(lines.slice(0, 4).map((line) => line.length)).size).toBe(1);
  expect(lines.at(-1)).toBe('- requests: rough');
});

test('a miss says by how much', () => {
  expect(describeVerdict({ kind: 'misses', by: 0.1234 })).toBe('misses by 12.3 %');
  expect(describeVerdict({ kind: 'no-goal' })).toBe('');
});

test('numbers keep three digits', () => {
  expect([0.012345, 1.2345, 123.45, 98_765, 0].map(shortNumber)).toEqual([
    '0.0123',
    '1.23',
    '123',
    '98,800',
    '0',
  ]);
});
