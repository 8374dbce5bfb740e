/**
 * What a command says: its result on standard output, as text for people or as JSON for programs; everything else on
 * standard error.
 *
 * O1  With `-o json` standard output holds JSON only: one document, or one a line for what has no end.
 * O2  A reader that goes away (`| head`) ends the program quietly.
 */
import { styleText } from 'node:util';
import type { Paint } from './render/table.ts';

/** The form of a result. */
export type OutputFormat = 'table' | 'json';

/** A command's mouth. */
export interface Output {
  readonly format: OutputFormat;
  readonly paint: Paint;
  /** Says a result: the document as one line of JSON, or its text. The text is made only when it is needed. */
  readonly result: (document: unknown, text: () => string) => void;
  /** Says something beside the result, to people only. */
  readonly note: (text: string) => void;
}

/** The output of a command in the given form. */
export function openOutput(format: OutputFormat): Output {
  return {
    format,
    paint: (style, text) => styleText([...style], text, { stream: process.stdout }),
    result: (document, text) => {
      const said = format === 'json' ? JSON.stringify(document) : text();
      process.stdout.write(said.endsWith('\n') ? said : `${said}\n`);
    },
    note: (text) => {
      if (format === 'table') process.stderr.write(`${text}\n`);
    },
  };
}

/** Ends the program when nobody reads its output any more (O2); any other trouble with it is thrown. */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit();
    });
  }
}
