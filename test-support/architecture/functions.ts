// The functions of a scanned text and how many lines each takes: declarations, expressions, arrow functions with a
// braced body, methods, accessors and constructors. An arrow function without braces is an expression, and not listed.
import type { Source } from './tokens.ts';
import { skipType } from './type-span.ts';

export interface FunctionFound {
  readonly name: string;
  /** 1-based, the line where the signature begins. */
  readonly line: number;
  /** From the signature's first line to the closing brace, both counted. */
  readonly lines: number;
  /** A callback of `describe`: it groups tests and holds no logic, so its length says nothing. */
  readonly group: boolean;
}

const control = new Set('if for while switch catch with await return typeof'.split(' '));
const beforeArrow = new Set('async return default yield await case of in'.split(' '));
const modifiers = new Set(
  '* async get set static public private protected override function export default declare'.split(' '),
);

interface Found {
  readonly start: number;
  readonly name: string;
}

/** Lists the functions in the order of their bodies; nested ones count in their outer ones too. */
export function functionsOf(source: Source): readonly FunctionFound[] {
  const bodies = new Map<number, Found>();
  for (let index = 0; index < source.tokens.length; index++) {
    const body = bodyOf(source, index);
    const found = body === undefined ? undefined : signatureAt(source, index, body);
    // A body has one signature, the first: in `(): (A | B) => {` the return type must not pass for parameters.
    if (body !== undefined && found !== undefined && !bodies.has(body)) bodies.set(body, found);
  }
  return [...bodies].toSorted(([a], [b]) => a - b).map(([body, found]) => measure(source, body, found));
}

function measure(source: Source, body: number, { start, name }: Found): FunctionFound {
  const line = source.tokens[start]?.line ?? 1;
  const last = source.tokens[source.pairs.get(body) ?? body]?.line ?? line;
  return { name, line, lines: last - line + 1, group: isGroup(source, start) };
}

/** Index of the `{` of the body, when the token at `index` is a parameter list or the one bare parameter of an arrow. */
function bodyOf(source: Source, index: number): number | undefined {
  const token = source.tokens[index];
  if (token === undefined || (token.text !== '(' && token.kind !== 'word')) return undefined;
  const arrow = token.kind === 'word';
  let next = arrow ? index + 1 : (source.pairs.get(index) ?? index) + 1;
  const typed = !arrow && source.tokens[next]?.text === ':';
  if (typed) next = skipType(source, next + 1);
  const isArrow = source.tokens[next]?.text === '=>';
  if (typed && isArrow && isChoice(source, index)) return undefined;
  if (arrow && !isArrow) return undefined;
  const body = isArrow ? next + 1 : next;
  if (source.tokens[body]?.text !== '{' || (isArrow && isTypeLiteral(source, body))) return undefined;
  return body;
}

/** Whether the colon after these parentheses is that of `a ? (b) : c => {}` or `a ? f(b) : c => {}`. */
function isChoice(source: Source, open: number): boolean {
  const before = source.tokens[open - 1];
  if (before === undefined) return false;
  return before.text === '?' || (before.kind === 'word' && !beforeArrow.has(before.text));
}

/** `() => { a: number }` in a type looks like an arrow function; a body does not begin with `name:` or `readonly`. */
function isTypeLiteral(source: Source, open: number): boolean {
  const [first, second, third] = source.tokens.slice(open + 1, open + 4);
  if (first === undefined || second === undefined) return false;
  if (first.text === 'readonly') return true;
  if (first.text === '[') return third?.text === ':' || third?.text === 'in';
  if (first.kind !== 'word' && first.kind !== 'string') return false;
  return second.text === ':' || (second.text === '?' && third?.text === ':');
}

function signatureAt(source: Source, index: number, body: number): Found | undefined {
  const arrow = source.tokens[body - 1]?.text === '=>';
  if (arrow) {
    const start = source.tokens[index - 1]?.text === 'async' ? index - 1 : index;
    return { start, name: arrowName(source, start) };
  }
  return methodAt(source, index);
}

function arrowName(source: Source, start: number): string {
  const [name, joint] = source.tokens.slice(Math.max(0, start - 2), start);
  const named = name?.kind === 'word' && (joint?.text === '=' || joint?.text === ':');
  return named ? name.text : '(arrow function)';
}

/** The name before a parameter list, or undefined when the parentheses belong to a statement, a call or `extends`. */
function methodAt(source: Source, index: number): Found | undefined {
  let at = index - 1;
  if (source.tokens[at]?.text === '>') at = backOverAngles(source, at);
  const token = source.tokens[at];
  if (token === undefined) return undefined;
  if (token.text === ']') {
    const open = source.pairs.get(at) ?? at;
    const name = source.text.slice(source.tokens[open]?.start, token.start + 1);
    return { start: backOverModifiers(source, open), name };
  }
  if (token.text === 'function') return { start: backOverModifiers(source, at), name: '(function)' };
  const nameLike = token.kind === 'word' || token.kind === 'string' || token.kind === 'number';
  if (!nameLike || control.has(token.text) || isCallee(source, at)) return undefined;
  return { start: backOverModifiers(source, at), name: token.text };
}

function isCallee(source: Source, at: number): boolean {
  return ['.', '?.', 'new', 'extends'].includes(source.tokens[at - 1]?.text ?? '');
}

function backOverModifiers(source: Source, from: number): number {
  let at = from;
  while (modifiers.has(source.tokens[at - 1]?.text ?? '')) at--;
  return at;
}

function backOverAngles(source: Source, from: number): number {
  let depth = 0;
  for (let index = from; index >= 0; index--) {
    const text = source.tokens[index]?.text;
    if (text === '>') depth++;
    else if (text === '<' && --depth === 0) return index - 1;
    else if (text === ')' || text === ']' || text === '}') index = source.pairs.get(index) ?? index;
    else if (text === ';') return from;
  }
  return from;
}

/** Whether the function is an argument of `describe(…)`, also as `describe.each(…)(…)`. */
function isGroup(source: Source, start: number): boolean {
  const open = source.tokens[start]?.within ?? -1;
  if (source.tokens[open]?.text !== '(') return false;
  let at = open - 1;
  while (at >= 0) {
    const text = source.tokens[at]?.text;
    if (text === ')') at = (source.pairs.get(at) ?? at) - 1;
    else if (source.tokens[at - 1]?.text === '.') at -= 2;
    else return text === 'describe' || text === 'suite';
  }
  return false;
}
