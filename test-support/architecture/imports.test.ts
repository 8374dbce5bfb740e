// Every form of import is found, and nothing else is.
import { expect, test } from 'vitest';
import { importsOf } from './imports.ts';
import { scanSource } from './tokens.ts';

const found = (text: string): string[] =>
  importsOf(scanSource(text)).map((one) => `${one.kind} ${one.specifier}`);

test('each static form is found', () => {
  expect(
    found("import a, { b as c, type D } from './a.ts'; import * as e from \"b\"\nimport './c.ts'"),
  ).toEqual(['static ./a.ts', 'static b', 'static ./c.ts']);
});

test('an import of types only is told from a value that is called type', () => {
  expect(found("import type { A } from 'a'; import type B from 'b'; import type * as C from 'c'")).toEqual([
    'type a',
    'type b',
    'type c',
  ]);
  expect(found("import type from 'a'; import type, { b } from 'b'")).toEqual(['static a', 'static b']);
  expect(found("import type from from 'c'; import from from 'd'")).toEqual(['type c', 'static d']);
});

test('re-exports are found, plain exports are not', () => {
  const text = `export { a, type B } from 'a'; export * from 'b'; export * as c from 'c';
    export type { D } from 'd'; export type * from 'e'; export type F = { from: 'f' }; export { g }; from('h')`;
  expect(found(text)).toEqual(['export a', 'export b', 'export c', 'export d', 'export e']);
});

test('dynamic imports, imports in types, require and resolve are found when the name is written out', () => {
  const text =
    "await import('a'); type T = import('b').T; require('c'); import.meta.resolve('d'); import(`e`); import(f)";
  expect(found(text)).toEqual(['dynamic a', 'dynamic b', 'dynamic c', 'resolve d', 'dynamic e']);
});

test('what only looks like an import is not one', () => {
  const text = `// import 'a'
    /* export * from 'b' */
    const c = "import 'c'"; const d = \`import 'd' \${e.import('e')}\`; const f = { import: 'f', export: 'g' };
    const url = import.meta.url; Array.from('h'); const i = { from: 'i' };`;
  expect(found(text)).toEqual([]);
});

test('an import spread over lines with comments in it is one import', () => {
  expect(importsOf(scanSource("\nimport {\n  a, // from 'x'\n  b,\n} /* ; */ from 'y';"))).toEqual([
    { specifier: 'y', kind: 'static', line: 5 },
  ]);
});
