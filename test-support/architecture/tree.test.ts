// What readTree takes for the repository, with git and without.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readTree } from './tree.ts';

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mabeam-tree-'));
  const files = ['.ci/run', 'src/a.ts', 'node_modules/x/index.js', 'packages/a/dist/a.js', 'notes/own.txt'];
  for (const path of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `text of ${path}`);
  }
  writeFileSync(join(root, 'picture.png'), Buffer.from([137, 0, 1]));
  writeFileSync(join(root, '.gitignore'), 'node_modules/\ndist/\nnotes/\n');
});

afterEach(() => rmSync(root, { recursive: true }));

test('without git the folders are walked, leaving out what is installed, built or not text', () => {
  const tree = readTree(root);
  expect([...tree.keys()].toSorted()).toEqual(['.ci/run', '.gitignore', 'notes/own.txt', 'src/a.ts']);
  expect(tree.get('src/a.ts')).toBe('text of src/a.ts');
});

test('with git the ignored files are left out, new ones are in before they are added', () => {
  execFileSync('git', ['init', '--quiet'], { cwd: root });
  expect([...readTree(root).keys()].toSorted()).toEqual(['.ci/run', '.gitignore', 'src/a.ts']);
});
