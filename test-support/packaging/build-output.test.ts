// The comparison of what was built with what it was built from.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { compareOutput } from './build-output.ts';

function plant(...paths: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'mabeam-build-output-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), '');
  }
  return folder;
}

const outputsOf = (name: string): string[] =>
  ['js', 'js.map', 'd.ts', 'd.ts.map'].map((ending) => `dist/${name}.${ending}`);

test('a dist that holds four files a source, and nothing of the tests, is as it should be', () => {
  const folder = plant(
    'src/a.ts',
    'src/a.test.ts',
    'src/deep/b.ts',
    'dist/.tsbuildinfo',
    ...outputsOf('a'),
    ...outputsOf('deep/b'),
  );
  expect(compareOutput(folder)).toEqual({ orphans: [], missing: [] });
});

test('what was built from a source that is gone, or from a test, is an orphan', () => {
  const folder = plant('src/a.ts', 'dist/gone.js', 'dist/deep/a.test.js', ...outputsOf('a'));
  expect(compareOutput(folder).orphans).toEqual(['deep/a.test.js', 'gone.js']);
});

test('a declaration that was deleted is missing, and so is all of a package that was never built', () => {
  const [, , declaration, ...rest] = outputsOf('a');
  expect(declaration).toBe('dist/a.d.ts');
  expect(compareOutput(plant('src/a.ts', 'dist/a.js', 'dist/a.js.map', ...rest)).missing).toEqual(['a.d.ts']);
  expect(compareOutput(plant('src/a.ts')).missing).toHaveLength(4);
});
