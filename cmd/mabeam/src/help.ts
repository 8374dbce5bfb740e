/**
 * Commands that teach: every one says what it does, shows examples, and names its exit codes. A command that is defined here
 * ends the process through its caller, never by itself, so that its errors are told in one place (failure.ts).
 */
import { Command } from 'commander';

/** What a command tells about itself. */
export interface Lesson {
  readonly name: string;
  readonly description: string;
  /** At least two lines a person can type as they are. */
  readonly examples: readonly [string, string, ...string[]];
  /** What 0 and 1 mean here, when the usual words do not say it. */
  readonly exits?: Partial<Record<number, string>>;
}

/** The exit codes and their usual meaning. */
export const exitMeanings: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'failed',
  2: 'wrong usage: flag, argument, name or value',
  3: 'conflict: somebody else wrote first',
  4: 'partial, or out of time',
  5: 'unavailable: no server, stream or responder',
};

/** A command with its lesson; options and action are the caller's. */
export function teachCommand(lesson: Lesson): Command {
  return new Command(lesson.name)
    .description(lesson.description)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .addHelpText('after', footerOf(lesson));
}

function footerOf({ examples, exits = {} }: Lesson): string {
  const meanings = Object.entries({ ...exitMeanings, ...exits });
  const lines = meanings.map(([code, meaning]) => `  ${code}  ${meaning}`);
  const shown = examples.map((example) => `  $ ${example}`);
  return ['', 'Examples:', ...shown, '', 'Exit codes:', ...lines].join('\n');
}
