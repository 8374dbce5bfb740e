/**
 * Takes an mbox file apart. A mail begins at a line `From <sender> <date>` that opens the file or follows an empty line; that line
 * belongs to the mailbox, not to the mail. Inside a mail `>From ` was written for `From ` (and `>>From ` for `>From `): one `>` is taken
 * away again. Bytes are kept as they are, whatever their character set.
 */

/** `From sender Thu Aug 22 12:36:23 2002`, with or without a sender, seconds, zone or year. */
const SEPARATOR = /^From (?:.*\s)?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\s+\S+\s+\S+\s+.*\d{1,2}:\d{2}/;

const QUOTED = /^>+From /;

/** One byte, one character: the split works on text without touching the bytes. */
const BYTES = 'latin1';

/** Whether the line starts a mail in an mbox file, given that it opens the file or follows an empty line. */
export function isMboxSeparator(line: string): boolean {
  return SEPARATOR.test(line);
}

/**
 * Returns the raw mails of an mbox file in their order, each ending with a line end; an empty list when the file does not begin with a
 * separator line.
 */
export function splitMbox(bytes: Uint8Array): Uint8Array[] {
  const mails: string[][] = [];
  let afterBlank = true;
  for (const line of linesOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(BYTES))) {
    if (afterBlank && isMboxSeparator(line)) mails.push([]);
    else mails.at(-1)?.push(QUOTED.test(line) ? line.slice(1) : line);
    afterBlank = isBlank(line);
  }
  return mails.map((lines) =>
    Buffer.from(
      withoutGap(lines)
        .map((line) => `${line}\n`)
        .join(''),
      BYTES,
    ),
  );
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

/** The lines of a mail without the empty one that the mailbox puts behind it. */
function withoutGap(lines: readonly string[]): readonly string[] {
  const last = lines.at(-1);
  return last !== undefined && isBlank(last) ? lines.slice(0, -1) : lines;
}

function isBlank(line: string): boolean {
  return line === '' || line === '\r';
}
