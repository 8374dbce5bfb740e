// The figures of the size report.
import { expect, test } from 'vitest';
import { plant } from './planted.ts';
import { quantile, sizesReport } from './sizes-report.ts';

test('a quantile is one of the values, and 0 when there are none', () => {
  expect(quantile([], 0.5)).toBe(0);
  expect(quantile([5, 1, 3], 0.5)).toBe(3);
  expect(quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9)).toBe(9);
  expect(quantile([7], 0.9)).toBe(7);
});

test('code and tests are counted apart, groups of tests are not functions', () => {
  const house = plant({
    'cmd/node/src/a.ts': 'function a() {\n}\nfunction b() {\n\n\n}\n',
    'cmd/node/src/a.test.ts': "describe('a', () => {\n  test('b', () => {});\n});\n",
  });
  const rows = sizesReport(house.files)
    .split('\n')
    .map((row) => row.split(/\s{2,}/));
  expect(rows.find(([name]) => name === 'cmd/node')).toEqual([
    'cmd/node',
    '2',
    '1',
    '6',
    '6',
    '2',
    '2',
    '4',
    '4',
  ]);
  expect(rows.find(([name]) => name === 'all tests')?.slice(5)).toEqual(['1', '1', '1', '1']);
});
