// Prints how long files and functions are, by workspace: count, median, ninth decile and longest. `npm run sizes`.
// The aims of CONTRIBUTING.md stand in the last row; only the limits in rules/sizes.ts fail a build.
import { functionsOf } from './functions.ts';
import { surveyHouse, type SourceFile } from './house.ts';
import { readTree } from './tree.ts';

const columns = ['workspace', 'files', 'median', '90%', 'longest', 'functions', 'median', '90%', 'longest'];

/** The smallest value that at least `share` of the values do not exceed; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function rowOf(name: string, files: readonly SourceFile[]): readonly string[] {
  const lengths = files.map(({ source }) => source.lines);
  const functions = files.flatMap(({ source }) => functionsOf(source).filter(({ group }) => !group));
  const summary = (values: readonly number[]): number[] => [
    values.length,
    quantile(values, 0.5),
    quantile(values, 0.9),
    Math.max(0, ...values),
  ];
  return [name, ...[...summary(lengths), ...summary(functions.map(({ lines }) => lines))].map(String)];
}

/** The table as lines of text, columns aligned. */
export function sizesReport(files: readonly SourceFile[]): string {
  const folders = [...new Set(files.map(({ member }) => member.folder))].toSorted();
  const code = files.filter(({ path }) => !/\.test\.|\/test\//.test(path));
  const rows = [
    columns,
    ...folders.map((folder) =>
      rowOf(
        folder || '(root)',
        code.filter(({ member }) => member.folder === folder),
      ),
    ),
    rowOf('all code', code),
    rowOf(
      'all tests',
      files.filter((file) => !code.includes(file)),
    ),
    ['aim', '', '100', '300', '500', '', '9', '28', '80'],
  ];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const align = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(align).join('  ').trimEnd()).join('\n');
}

if (import.meta.main) console.log(sizesReport(surveyHouse(readTree(process.cwd())).files));
