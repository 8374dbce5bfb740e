// Where a type annotation ends: what lies between a parameter list and the body of a function, so that the braces of
// `(): { a: number } {` are told apart. Pure.
import type { Source } from './tokens.ts';

const prefixes = new Set([
  'keyof',
  'typeof',
  'readonly',
  'unique',
  'infer',
  'asserts',
  'abstract',
  'new',
  '|',
  '&',
  '-',
]);
const joints = new Set(['|', '&', 'is', 'extends', '?', ':']);

/** Index of the first token after the type that begins at `from`; `from` itself when no type begins there. */
export function skipType(source: Source, from: number): number {
  let index = skipOperand(source, from);
  let conditional = false;
  while (index > from) {
    const text = source.tokens[index]?.text;
    if (text === undefined || !joints.has(text)) return index;
    if ((text === '?' || text === ':') && !conditional) return index;
    if (text === 'extends') conditional = true;
    const next = skipOperand(source, index + 1);
    if (next === index + 1) return index;
    index = next;
  }
  return index;
}

/** Skips one operand with what clings to it: `readonly a.b<C>[]`. Returns `from` when there is none. */
function skipOperand(source: Source, from: number): number {
  let index = from;
  while (isPrefix(source, index)) index++;
  if (source.tokens[index]?.text === '<') index = skipAngles(source, index);
  const token = source.tokens[index];
  if (token === undefined) return from;
  if (token.kind === 'template') return skipSuffixes(source, skipTemplate(source, index));
  if (token.text === '{' || token.text === '[' || token.text === '(') {
    const after = (source.pairs.get(index) ?? index) + 1;
    return isParameterList(source, index, after) ? skipType(source, after + 1) : skipSuffixes(source, after);
  }
  if (token.kind === 'mark' || token.kind === 'regex') return from;
  const call = token.text === 'import' && source.tokens[index + 1]?.text === '(';
  return skipSuffixes(source, call ? (source.pairs.get(index + 1) ?? index) + 1 : index + 1);
}

/** `(a: A) => B` is a type of its own; in `(): (A | B) => {` the arrow belongs to the function around it. */
function isParameterList(source: Source, open: number, after: number): boolean {
  if (source.tokens[open]?.text !== '(' || source.tokens[after]?.text !== '=>') return false;
  const first = source.tokens[open + 1]?.text ?? '';
  if (first === ')' || first === '...') return true;
  const next = '{['.includes(first) ? (source.pairs.get(open + 1) ?? open) + 1 : open + 2;
  return [':', ',', '?', '=', ')'].includes(source.tokens[next]?.text ?? '');
}

/** A prefix word is only one when something follows that it can stand before: `asserts` may also be a name. */
function isPrefix(source: Source, index: number): boolean {
  const token = source.tokens[index];
  const next = source.tokens[index + 1];
  if (token === undefined || next === undefined || !prefixes.has(token.text)) return false;
  return token.kind === 'mark' || next.kind !== 'mark' || '{[(<'.includes(next.text);
}

function skipSuffixes(source: Source, from: number): number {
  let index = from;
  for (;;) {
    const token = source.tokens[index];
    if (token?.text === '.') index += 2;
    else if (token?.text === '<') index = skipAngles(source, index);
    else if (token?.text === '[' && token.line === source.tokens[index - 1]?.line) {
      index = (source.pairs.get(index) ?? index) + 1;
    } else return index;
  }
}

function skipTemplate(source: Source, from: number): number {
  let index = from;
  while (source.tokens[index]?.text.endsWith('${') === true) {
    const next = source.holes.get(index);
    if (next === undefined) break;
    index = next;
  }
  return index + 1;
}

/** Index after the `>` that closes the `<` at `from`. */
function skipAngles(source: Source, from: number): number {
  let depth = 0;
  for (let index = from; index < source.tokens.length; index++) {
    const text = source.tokens[index]?.text;
    if (text === '<') depth++;
    else if (text === '>' && --depth === 0) return index + 1;
    else if (text === '(' || text === '[' || text === '{') index = source.pairs.get(index) ?? index;
    else if (text === ';') return from + 1;
  }
  return from + 1;
}
