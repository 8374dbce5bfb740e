/**
 * Lines: splits the bytes of a stream into lines of text, however the bytes are cut into chunks.
 *
 * L1  A character whose bytes are spread over chunks arrives whole; `\n` and `\r\n` both end a line and are removed.
 * L2  A line longer than the limit is delivered once, cut, with the number of characters left out; memory stays
 *     bounded by the limit and the largest chunk.
 * L3  `end` delivers a last line that has no line break.
 */
import { StringDecoder } from 'node:string_decoder';

/** Takes the chunks of one stream. */
export interface LineSplitter {
  readonly push: (chunk: Uint8Array) => void;
  readonly end: () => void;
}

/** The longest line passed on whole, in UTF-16 code units. */
const defaultMaxLineLength = 65_536;

/** Creates a splitter that hands each line to `onLine` (L1–L3). */
export function createLineSplitter(
  onLine: (line: string) => void,
  maxLength: number = defaultMaxLineLength,
): LineSplitter {
  const decoder = new StringDecoder('utf8');
  let kept = '';
  let cut = 0;
  const keep = (text: string): void => {
    const taken = text.slice(0, maxLength - kept.length);
    kept += taken;
    cut += text.length - taken.length;
  };
  const finish = (): void => {
    const line = kept.endsWith('\r') && cut === 0 ? kept.slice(0, -1) : kept;
    const cutNow = cut;
    kept = '';
    cut = 0;
    onLine(cutNow === 0 ? line : `${line}… [${cutNow} more characters]`);
  };
  const add = (text: string): void => {
    const pieces = text.split('\n');
    for (const [index, piece] of pieces.entries()) {
      keep(piece);
      if (index < pieces.length - 1) finish();
    }
  };
  return {
    push: (chunk) => add(decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))),
    end: () => {
      add(decoder.end());
      if (kept.length > 0 || cut > 0) finish();
    },
  };
}
