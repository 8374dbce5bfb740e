// Words the house does without: the type that checks nothing, comments that silence the tools, names that say nothing.
import type { House } from '../house.ts';
import type { Source } from '../tokens.ts';
import type { Violation } from '../tree.ts';

const silencers = /@ts-(?:ignore|nocheck)|(?:oxlint|eslint)-disable/;
const emptyNames = new Set([
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'manager',
  'managers',
  'types',
  'misc',
]);
const typeContexts = new Set([
  ':',
  'as',
  '<',
  '|',
  '&',
  '=>',
  '=',
  'satisfies',
  'keyof',
  'readonly',
  'extends',
  'is',
]);

/** The type `any`, wherever a type can stand. */
export function untypedValues(house: House): readonly Violation[] {
  return house.files.flatMap(({ path, source }) =>
    linesOfAny(source).map((line) => ({
      rule: 'any',
      file: path,
      line,
      message: 'any switches the checks off',
    })),
  );
}

function linesOfAny({ tokens }: Source): readonly number[] {
  return tokens.flatMap((token, index) => {
    if (token.kind !== 'word' || token.text !== 'any') return [];
    const before = tokens[index - 1]?.text ?? '';
    const after = tokens[index + 1]?.text ?? '';
    const array = after === '[' && tokens[index + 2]?.text === ']';
    const argument = before === ',' && after === '>';
    const typed = typeContexts.has(before) && after !== '.' && after !== '(';
    return array || argument || typed ? [token.line] : [];
  });
}

/** Comments that tell the compiler or the linter to look away. */
export function silencingComments(house: House): readonly Violation[] {
  return house.files.flatMap(({ path, source }) =>
    source.comments
      .filter(({ text }) => silencers.test(text))
      .map(({ line }) => ({
        rule: 'silence',
        file: path,
        line,
        message: 'mend the code, do not silence the tool',
      })),
  );
}

/** Files and folders whose name says nothing about what they hold. */
export function emptyFileNames(house: House): readonly Violation[] {
  return house.files.flatMap(({ path }) => {
    const word = path.split(/[/.-]/).find((part) => emptyNames.has(part));
    return word === undefined ? [] : [{ rule: 'names', file: path, message: `"${word}" names nothing` }];
  });
}
