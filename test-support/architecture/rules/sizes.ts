// How long a file and a function may be.
import { functionsOf } from '../functions.ts';
import type { House } from '../house.ts';
import type { Violation } from '../tree.ts';

export const longestFile = 500;
export const longestFunction = 80;

/** Files and functions over the limit. A callback of `describe` is a group of tests, not a function. */
export function tooLong(house: House): readonly Violation[] {
  return house.files.flatMap(({ path, source }) => {
    const whole =
      source.lines > longestFile
        ? [{ rule: 'sizes', file: path, message: `${source.lines} lines, at most ${longestFile}` }]
        : [];
    const parts = functionsOf(source)
      .filter(({ lines, group }) => lines > longestFunction && !group)
      .map(({ name, line, lines }) => {
        return {
          rule: 'sizes',
          file: path,
          line,
          message: `${name}: ${lines} lines, at most ${longestFunction}`,
        };
      });
    return [...whole, ...parts];
  });
}
