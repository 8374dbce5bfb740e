// The imports of a scanned text: static, type-only, for effect, re-exported, dynamic, in types (`import('x').T`),
// `require` and `import.meta.resolve`. A computed specifier is not listed: nobody can say where it points.
import type { Source, Token } from './tokens.ts';

export type ImportKind = 'static' | 'type' | 'export' | 'dynamic' | 'resolve';

export interface ImportFound {
  readonly specifier: string;
  readonly kind: ImportKind;
  readonly line: number;
}

/** Lists every import whose specifier is written out, in the order of the text. */
export function importsOf(source: Source): readonly ImportFound[] {
  const found: ImportFound[] = [];
  for (let index = 0; index < source.tokens.length; index++) {
    const one = importAt(source, index);
    if (one !== undefined) found.push(one);
  }
  return found;
}

function importAt(source: Source, index: number): ImportFound | undefined {
  const token = source.tokens[index];
  if (token === undefined || token.kind !== 'word') return undefined;
  const before = source.tokens[index - 1]?.text;
  if (before === '.' || before === '?.') return undefined;
  if (token.text === 'import') return importFrom(source, index);
  if (token.text === 'export') return exportFrom(source, index);
  if (token.text === 'require') return called(source, index, 'dynamic');
  return undefined;
}

function importFrom(source: Source, index: number): ImportFound | undefined {
  const next = source.tokens[index + 1];
  if (next === undefined) return undefined;
  if (next.text === '(') return called(source, index, 'dynamic');
  if (next.text === '.') {
    return source.tokens[index + 3]?.text === '.' && source.tokens[index + 4]?.text === 'resolve'
      ? called(source, index + 4, 'resolve')
      : undefined;
  }
  if (next.kind === 'string') return found(next, 'static');
  if (next.kind !== 'word' && next.text !== '{' && next.text !== '*') return undefined;
  return clause(source, index + 1, isTypeOnly(source, index + 1) ? 'type' : 'static');
}

/** `import type from 'x'` imports a value called type; `import type X from 'x'` does not. */
function isTypeOnly(source: Source, index: number): boolean {
  const [first, second, third] = source.tokens.slice(index, index + 3);
  if (first?.text !== 'type' || second === undefined || second.text === ',') return false;
  return second.text !== 'from' || third?.text === 'from';
}

function clause(source: Source, from: number, kind: ImportKind): ImportFound | undefined {
  for (let index = from; index < source.tokens.length; index++) {
    const token = source.tokens[index];
    if (token === undefined || token.text === ';' || token.text === '=' || token.text === ':')
      return undefined;
    const next = source.tokens[index + 1];
    if (token.text === 'from' && next?.kind === 'string') return found(next, kind);
    if (token.text === '{') index = source.pairs.get(index) ?? index;
  }
  return undefined;
}

function exportFrom(source: Source, index: number): ImportFound | undefined {
  const typed = source.tokens[index + 1]?.text === 'type';
  const first = typed ? index + 2 : index + 1;
  const token = source.tokens[first];
  if (token?.text === '*') return clause(source, first, 'export');
  if (token?.text !== '{') return undefined;
  const end = source.pairs.get(first) ?? first;
  const target = source.tokens[end + 2];
  return source.tokens[end + 1]?.text === 'from' && target?.kind === 'string'
    ? found(target, 'export')
    : undefined;
}

function called(source: Source, index: number, kind: ImportKind): ImportFound | undefined {
  const argument = source.tokens[index + 2];
  const opens = source.tokens[index + 1]?.text === '(';
  if (!opens || argument === undefined) return undefined;
  const whole = argument.kind === 'template' && argument.text.endsWith('`');
  return argument.kind === 'string' || whole ? found(argument, kind) : undefined;
}

function found(token: Token, kind: ImportKind): ImportFound {
  return { specifier: token.text.slice(1, -1), kind, line: token.line };
}
