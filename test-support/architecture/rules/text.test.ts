// Each rule about the text of files passes the sound house and catches what is planted in it.
import { expect, test } from 'vitest';
import { plant, shown } from '../planted.ts';
import { errorCodes } from './error-codes.ts';
import { longestFile, longestFunction, tooLong } from './sizes.ts';
import { emptyFileNames, silencingComments, untypedValues } from './words.ts';

const path = 'packages/bus/src/x.ts';
const lines = (count: number, text = '  a();\n'): string => text.repeat(count);

test('the sound house breaks no rule of text', () => {
  const rules = [tooLong, untypedValues, silencingComments, emptyFileNames, errorCodes];
  expect(rules.flatMap((rule) => shown(rule(plant())))).toEqual([]);
});

test('a file may have exactly the limit of lines', () => {
  expect(tooLong(plant({ [path]: lines(longestFile) }))).toEqual([]);
  expect(shown(tooLong(plant({ [path]: lines(longestFile + 1) })))).toEqual([
    `${path} 501 lines, at most 500`,
  ]);
});

test('a function may have exactly the limit of lines, a group of tests more', () => {
  const inside = longestFunction - 2;
  expect(tooLong(plant({ [path]: `function f() {\n${lines(inside)}}\n` }))).toEqual([]);
  expect(shown(tooLong(plant({ [path]: `\nconst f = async () => {\n${lines(inside + 1)}};\n` })))).toEqual([
    `${path}:2 f: 81 lines, at most 80`,
  ]);
  expect(shown(tooLong(plant({ [path]: `class A {\n  b() {\n${lines(inside + 1)}}\n}\n` })))).toEqual([
    `${path}:2 b: 81 lines, at most 80`,
  ]);
  expect(tooLong(plant({ [path]: `describe('a', () => {\n${lines(200)}});\n` }))).toEqual([]);
});

test('the type any is caught wherever a type stands', () => {
  const texts = [
    'let a: any',
    'b as any',
    '<any>c',
    'd: any[]',
    'Map<string, any>',
    'type E = any;',
    'f: A | any',
    '() => any',
  ];
  for (const text of texts) expect(shown(untypedValues(plant({ [path]: text }))), text).toHaveLength(1);
});

test('the word any elsewhere is left alone', () => {
  const text =
    "AbortSignal.any([a]); Promise.any(b); const c = { any: 1 }; any(d); // any: any\nconst e = 'x: any';";
  expect(untypedValues(plant({ [path]: text }))).toEqual([]);
});

test('silencing comments are caught, the same words in a string are not', () => {
  const text = [
    '// @ts-',
    'ignore\n/* oxlint-',
    'disable no-x */\nconst a = "@ts-',
    'ignore";\n// @ts-',
    'nocheck',
  ];
  expect(silencingComments(plant({ [path]: text.join('') })).map(({ line }) => line)).toEqual([1, 2, 4]);
});

test('names that say nothing are caught in files and folders, not inside other words', () => {
  const files = [
    'src/utils.ts',
    'src/mail-helpers.ts',
    'src/common/a.ts',
    'src/types.test.ts',
    'src/commonly.ts',
  ];
  const house = plant(Object.fromEntries(files.map((file) => [`packages/bus/${file}`, ''])));
  expect(shown(emptyFileNames(house))).toEqual([
    'packages/bus/src/utils.ts "utils" names nothing',
    'packages/bus/src/mail-helpers.ts "helpers" names nothing',
    'packages/bus/src/common/a.ts "common" names nothing',
    'packages/bus/src/types.test.ts "types" names nothing',
  ]);
});

const table = (codes: string): string => `export const busErrors = {${codes}} as const satisfies ErrorTable;`;

test('codes and headings are compared both ways', () => {
  const house = plant({
    'packages/bus/src/errors.ts': table(
      "\n'a-b': { retryable: false, exit: 1 },\nconflict: { retryable: true },\n",
    ),
    'docs/errors.md': '# Errors\n\n### `a-b`\n\nWhen it happens.\n\n### `gone`\n\nText.\n',
  });
  expect(shown(errorCodes(house))).toEqual([
    'packages/bus/src/errors.ts:3 conflict has no heading in docs/errors.md',
    'docs/errors.md:7 gone is in no error table',
  ]);
});

test('an empty paragraph, a code defined twice and a code not in kebab-case are caught', () => {
  const house = plant({
    'packages/bus/src/errors.ts': table("'a-b': {}, camelCase: {}"),
    'docs/examples/01-a/package.json': '{"name":"a"}',
    'docs/examples/01-a/src/errors.ts': table("'a-b': {}"),
    'docs/errors.md': '### `a-b`\n\n### `camelCase`\nText.\n',
  });
  expect(shown(errorCodes(house))).toEqual([
    'docs/errors.md:1 a-b has no paragraph',
    'packages/bus/src/errors.ts:1 camelCase is not kebab-case',
    'docs/examples/01-a/src/errors.ts:1 a-b is defined twice',
  ]);
});

test('a table counts wherever it stands, but not in a test', () => {
  const house = plant({
    'packages/bus/src/spec.ts': table("'a-b': {}"),
    'packages/bus/src/spec.test.ts': table("'c-d': {}"),
  });
  expect(shown(errorCodes(house))).toEqual([
    'packages/bus/src/spec.ts:1 a-b has no heading in docs/errors.md',
  ]);
});

test('keys inside an entry of the table are not codes', () => {
  const house = plant({
    'packages/bus/src/errors.ts': table("'a-b': { retryable: true, details: { c: 1 } }"),
    'docs/errors.md': '### `a-b`\nText.',
  });
  expect(errorCodes(house)).toEqual([]);
});
