// Functions and their extents in tricky surroundings.
import { expect, test } from 'vitest';
import { functionsOf } from './functions.ts';
import { scanSource } from './tokens.ts';

const found = (text: string): string[] =>
  functionsOf(scanSource(text)).map((one) => `${one.name} ${one.line}+${one.lines}`);

test('a declaration runs from its signature to its closing brace', () => {
  expect(
    found('\nexport async function* a(\n  b: number,\n): AsyncIterable<{ c: 1 }> {\n  yield;\n}\n'),
  ).toEqual(['a 2+5']);
  expect(found('export default function () {}')).toEqual(['(function) 1+1']);
});

test('a return type with braces is not the body', () => {
  expect(found('function a(): { b: number } {\n return x;\n}')).toEqual(['a 1+3']);
  expect(found('function a(): Promise<{ b: 1 }> | { c: (d: 1) => { e: 2 } }[] {\n}')).toEqual(['a 1+2']);
  expect(found('function a(b: unknown): b is { c: 1 } {\n}')).toEqual(['a 1+2']);
  expect(found('function a(b: unknown): asserts b is C {\n}')).toEqual(['a 1+2']);
  expect(found('function a<T>(b: T): T extends { c: 1 } ? { d: 1 } : never {\n}')).toEqual(['a 1+2']);
  expect(found('function a(): `b${C}` {\n}')).toEqual(['a 1+2']);
});

test('arrow functions count with braces only', () => {
  expect(
    found('const a = async (b: B): Promise<C> => {\n};\nconst c = d => {};\nconst e = (f) => f + 1;'),
  ).toEqual(['a 1+2', 'c 3+1']);
  expect(found('const a = (): (B | C) => {\n};')).toEqual(['a 1+2']);
  expect(found('const a = (): ((b: B) => C) => {\n};')).toEqual(['a 1+2']);
  expect(found('const a = b ? (c) : d => {\n};')).toEqual(['(arrow function) 1+2']);
  expect(found('const a = b ? c(e) : (d) => {\n};')).toEqual(['(arrow function) 1+2']);
});

test('function types are not functions', () => {
  expect(
    found(
      'type A = (b: C) => { readonly d: 1 }; type B = () => { c: 1 }; type D = () => { [e: string]: 1 };',
    ),
  ).toEqual([]);
  expect(found('interface A { b(c: D): { e: 1 }; f(): void }')).toEqual([]);
  expect(found('declare function a(b: C): D;\nfunction a(b: C): void;\nfunction a(b: C) {\n}')).toEqual([
    'a 3+2',
  ]);
});

test('methods, accessors, constructors, private, computed and quoted names are found', () => {
  const text = `class A extends mixin(B) {
    constructor(private b) {}
    get c(): { d: 1 } { return x; }
    static async *#e<T extends { f: 1 }>(g: T) {}
    async [Symbol.asyncDispose](): Promise<void> {}
  }
  const h = { i() {}, 'j-k'() {}, get l() { return 1 } };`;
  expect(found(text).map((one) => one.split(' ')[0])).toEqual([
    'constructor',
    'c',
    '#e',
    '[Symbol.asyncDispose]',
    'i',
    "'j-k'",
    'l',
  ]);
});

test('statements with parentheses and braces are not functions', () => {
  const text = `if (a) { } else if (b) { } for (const c of d()) { } for await (const e of f) { } while (g()) { }
    switch (h(i)) { case j(k): { } } try { } catch (l) { } do { } while (m); const n = o(p) ? q(r) : { s: 1 };
    new T(u); class V extends w.X(y) { }`;
  expect(found(text)).toEqual([]);
});

test('braces in strings, templates, comments and regular expressions do not end a function', () => {
  const text =
    "function a() {\n  b('}'); // }\n  c(`}${d(() => {\n    e();\n  })}`);\n  return /}[}]/.test(f);\n}";
  expect(found(text)).toEqual(['a 1+7', '(arrow function) 3+3']);
});

test('a callback of describe groups tests, a callback of test does not', () => {
  const text =
    "describe('a', () => { test('b', () => { c(); }); });\ndescribe.each([1])('d', () => {});\ndescribe.skipIf(e)('f', function () {})";
  expect(functionsOf(scanSource(text)).map((one) => one.group)).toEqual([true, false, true, true]);
});
