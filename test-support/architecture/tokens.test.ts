// Tricky texts for the scanner: what looks like code but is not, and the other way round.
import { expect, test } from 'vitest';
import { scanSource } from './tokens.ts';

const texts = (text: string): string[] => scanSource(text).tokens.map((token) => token.text);
const kinds = (text: string): string[] => scanSource(text).tokens.map((token) => token.kind);

test('comment marks inside strings, templates and regular expressions open no comment', () => {
  const source = scanSource("const a = '// no'; const b = `/* no */`; const c = /\\/\\/ no/; // yes");
  expect(source.comments.map((comment) => comment.text)).toEqual(['// yes']);
});

test('quotes inside comments open no string', () => {
  expect(texts("/* it's */ let a // don't\nlet b")).toEqual(['let', 'a', 'let', 'b']);
});

test('a slash after an operand divides', () => {
  expect(texts('a / b / c')).toEqual(['a', '/', 'b', '/', 'c']);
  expect(kinds('f(x) / 2 / g')).not.toContain('regex');
  expect(kinds('a[0] / b / c')).not.toContain('regex');
  expect(kinds('n++ / 2 / g')).not.toContain('regex');
  expect(kinds('a! / 2 / g')).not.toContain('regex');
  expect(kinds('this.return / 2 / g')).not.toContain('regex');
});

test('a slash where an operand must begin opens a regular expression', () => {
  for (const text of [
    'x = /a"b/',
    "return /a'b/g",
    '!/`/.test(a)',
    'if (a) /[/]"/.test(b)',
    '(/"/)',
    '[/"/]',
  ]) {
    expect(kinds(text), text).toContain('regex');
  }
  expect(kinds('{ } /"/.test(a)')).toContain('regex');
});

test('a class in a regular expression may hold a bare slash, also a nested class', () => {
  expect(texts('x = /[^/]\\/[[a-z]--[b]]/v.test(y)')).toEqual([
    'x',
    '=',
    '/[^/]\\/[[a-z]--[b]]/v',
    '.',
    'test',
    '(',
    'y',
    ')',
  ]);
});

test('code in the hole of a template is code, its text is not', () => {
  const source = scanSource('`import "x" ${f(`in ${a} {`)} // no` + b // yes');
  expect(source.tokens.map((token) => token.text).filter((text) => /^\w+$/.test(text))).toEqual([
    'f',
    'a',
    'b',
  ]);
  expect(source.comments).toHaveLength(1);
});

test('braces in template text do not disturb the pairs around them', () => {
  const source = scanSource('function f() { return `}${{ a: 1 }.a}{`; }');
  const open = source.tokens.findIndex((token) => token.text === '{');
  expect(source.pairs.get(open)).toBe(source.tokens.length - 1);
});

test('escaped quotes, line continuations and dollar signs stay inside', () => {
  expect(kinds("'a\\'b'")).toEqual(['string']);
  expect(kinds('"a\\\nb"')).toEqual(['string']);
  expect(kinds('`$a $ \\` \\${b}`')).toEqual(['template']);
});

test('lines are counted through every kind of token', () => {
  const source = scanSource('#!/usr/bin/env node\n/* a\n*/ `b\n${c}\n` d\n');
  expect(source.tokens.at(-1)).toMatchObject({ text: 'd', line: 5 });
  expect(source.lines).toBe(5);
  expect(scanSource('').lines).toBe(0);
});

test('numbers, private names and optional chains are read whole', () => {
  expect(texts('a?.5:1_000n; b?.c; this.#d ??= .5e-3')).toEqual([
    'a',
    '?',
    '.5',
    ':',
    '1_000n',
    ';',
    'b',
    '?.',
    'c',
    ';',
    'this',
    '.',
    '#d',
    '??=',
    '.5e-3',
  ]);
});

test('a broken text is scanned to its end', () => {
  expect(texts("let a = 'open")).toContain('open');
  expect(texts('}} ) `never ${closed')).toContain('closed');
});
