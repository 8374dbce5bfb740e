// Error codes and their paragraphs: every code of an error table has a heading in docs/errors.md with text under it, and
// every heading there has its code. A code is defined once in the whole house, for it is what callers match on.
import type { House } from '../house.ts';
import type { Source } from '../tokens.ts';
import type { Violation } from '../tree.ts';

const rule = 'errors';
const page = 'docs/errors.md';
const heading = /^#{2,6} `([^`]+)`/;

interface Code {
  readonly code: string;
  readonly file: string;
  readonly line: number;
}

/** Compares the tables with the page, both ways. */
export function errorCodes(house: House): readonly Violation[] {
  const codes = house.files.filter(({ test }) => !test).flatMap(codesOf);
  const described = headingsOf(house.tree.get(page) ?? '');
  const names = new Set(codes.map(({ code }) => code));
  const headings = new Set(described.map(({ code }) => code));
  return [
    ...codes
      .filter(({ code }) => !headings.has(code))
      .map((one) => violation(one, `has no heading in ${page}`)),
    ...described.filter(({ code }) => !names.has(code)).map((one) => violation(one, 'is in no error table')),
    ...described.filter(({ empty }) => empty).map((one) => violation(one, 'has no paragraph')),
    ...codes
      .filter(({ code }) => !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(code))
      .map((one) => violation(one, 'is not kebab-case')),
    ...[...twice(codes), ...twice(described)].map((one) => violation(one, 'is defined twice')),
  ];
}

/** The codes of a file's tables: the keys of objects that satisfy ErrorTable. */
function codesOf({ path, source }: { readonly path: string; readonly source: Source }): readonly Code[] {
  const { tokens, pairs } = source;
  return tokens.flatMap((token, index) => {
    if (token.text !== 'ErrorTable' || tokens[index - 1]?.text !== 'satisfies') return [];
    const close = tokens.findLastIndex((one, at) => at < index && one.text === '}');
    const open = pairs.get(close);
    return tokens.flatMap((key, at) => {
      const isKey = key.within === open && tokens[at + 1]?.text === ':' && key.kind !== 'mark';
      return isKey ? [{ code: key.text.replaceAll(/^['"]|['"]$/g, ''), file: path, line: key.line }] : [];
    });
  });
}

function headingsOf(text: string): readonly (Code & { readonly empty: boolean })[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const code = heading.exec(line)?.[1];
    if (code === undefined) return [];
    const next = lines.slice(index + 1).find((one) => one.trim() !== '') ?? '#';
    return [{ code, file: page, line: index + 1, empty: next.startsWith('#') }];
  });
}

function twice(codes: readonly Code[]): readonly Code[] {
  return codes.filter(({ code }, index) => codes.findIndex((one) => one.code === code) !== index);
}

function violation({ code, file, line }: Code, message: string): Violation {
  return { rule, file, line, message: `${code} ${message}` };
}
