/**
 * Where the lines of a bundle come from: a source map in a form of which one line can be read without decoding all of it.
 *
 * The text has a line for each line of the script, with its segments in order: `COLUMN,SOURCE,LINE,COLUMN`, separated by
 * blanks; all count from 0. `sources` names the files. The format of what is read here is that of source maps, revision 3.
 */

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Writes the places of a script from the `mappings` of its source map; segments without a source are left out. */
export function placesOf(mappings: string): string {
  let [source, line, column] = [0, 0, 0];
  return mappings
    .split(';')
    .map((encoded) => {
      let generated = 0;
      const segments: string[] = [];
      for (const segment of encoded.split(',')) {
        const [along = 0, ofSource, ofLine = 0, ofColumn = 0] = decodeNumbers(segment);
        generated += along;
        if (ofSource === undefined) continue;
        [source, line, column] = [source + ofSource, line + ofLine, column + ofColumn];
        segments.push(`${generated},${source},${line},${column}`);
      }
      return segments.join(' ');
    })
    .join('\n');
}

/** Base 64 digits of six bits, the lowest first: the top bit says that more follow, the lowest of a number is its sign. */
function decodeNumbers(text: string): readonly number[] {
  const numbers: number[] = [];
  let [value, shift] = [0, 0];
  for (const digit of text) {
    const bits = digits.indexOf(digit);
    value += (bits & 31) << shift;
    shift += 5;
    if (bits >= 32) continue;
    numbers.push((value & 1) === 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}
