/** The words and flags of `npm run bench`: what they ask for, and what is said to those that ask for nothing there is. Pure. */
import { parseArgs } from 'node:util';

/** What a command line asks for. */
export type CommandLine =
  | {
      readonly kind: 'bench';
      /** Parts of names; none: every benchmark. */
      readonly words: readonly string[];
      readonly isQuick: boolean;
      readonly isJson: boolean;
    }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly why: string };

/** What is said to `--help`, and after a flag that is none. */
export const usage = `npm run bench                        every benchmark, some minutes
npm run bench -- requests tasks      those whose names contain a word

  --quick   fewer rounds: whether it runs, not how fast it is
  --json    rows as JSON, not as a table
  --help    this text

Exit codes: 0 everything was measured, 1 something was not, 2 wrong usage.`;

/** Reads the arguments that follow the program's name. Never throws. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const flag = { type: 'boolean', default: false } as const;
  const options = { quick: flag, json: flag, help: { ...flag, short: 'h' } } as const;
  try {
    const { values, positionals: words } = parseArgs({ args: [...args], allowPositionals: true, options });
    if (values.help) return { kind: 'help' };
    return { kind: 'bench', words, isQuick: values.quick, isJson: values.json };
  } catch (error) {
    return { kind: 'wrong', why: error instanceof Error ? error.message : String(error) };
  }
}
