/** The flags that commands share: where the server is, which space is meant, in which form the result is wanted. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { commandError } from './errors.ts';
import type { OutputFormat } from './output.ts';

/** Flags of every command. */
export interface ServerFlags {
  readonly server?: string;
  readonly output: OutputFormat;
}

/** Flags of commands that concern one space. */
export interface SpaceFlags extends ServerFlags {
  readonly space?: string;
}

/** Adds `--server` and `-o`. */
export function withServer(command: Command): Command {
  return command
    .option('--server <url>', 'nats-server (default: $NATS_URL, else nats://127.0.0.1:4222)', serverUrl)
    .addOption(outputOption());
}

/** Adds `--space`, `--server` and `-o`. */
export function withSpace(command: Command): Command {
  return withServer(
    command.option('--space <id>', 'space (default: $MABEAM_SPACE, else the only one there is)'),
  );
}

/** Flags of commands whose result is a document that may be read again. */
export interface DocumentFlags extends Omit<SpaceFlags, 'output'> {
  readonly output: OutputFormat | 'yaml';
}

/** Adds `--space`, `--server`, and `-o` with YAML among its formats. */
export function withDocument(command: Command, usual: DocumentFlags['output']): Command {
  const formats = usual === 'table' ? ['table', 'yaml', 'json'] : ['yaml', 'json'];
  return command
    .option('--space <id>', 'space (default: $MABEAM_SPACE, else the only one there is)')
    .option('--server <url>', 'nats-server (default: $NATS_URL, else nats://127.0.0.1:4222)', serverUrl)
    .addOption(
      new Option('-o, --output <format>', 'yaml and json are the definition, to be read again')
        .choices(formats)
        .default(usual),
    );
}

/** `-o json|table`. */
function outputOption(): Option {
  return new Option('-o, --output <format>', 'table for people, json for programs')
    .choices(['table', 'json'])
    .default('table');
}

/**
 * Texts that may be empty: a value may be the empty text, of a body the reader of JSON says what is missing, and with the module
 * stand the words of a foreign command.
 */
export const mayBeEmpty: readonly string[] = ['value', 'json', 'module'];

/**
 * An empty argument or option is a variable of a script that was never set: refused before anything is done. Throws
 * `invalid-usage`, naming it.
 */
export function refuseEmpty(command: Command): void {
  const options = command.options.map((option) => {
    const value: unknown = command.getOptionValue(option.attributeName());
    return { field: option.long ?? option.flags, value };
  });
  const words = command.registeredArguments.map((argument, at) => ({
    field: mayBeEmpty.includes(argument.name()) ? '' : `<${argument.name()}>`,
    value: command.processedArgs[at] as unknown,
  }));
  for (const { field, value } of [...words, ...options]) {
    if (field === '' || ![value].flat().some((text) => typeof text === 'string' && text.trim() === ''))
      continue;
    const cure = field.startsWith('--') ? 'give it a value, or leave it out' : 'say which is meant';
    throw commandError('invalid-usage', `${field} is empty; ${cure}`, { details: { field } });
  }
}

/** The place of a nats-server, for commander; with or without a scheme. */
export function serverUrl(text: string): string {
  if (!/\s/.test(text.trim())) return text;
  throw new InvalidArgumentError('It is not the URL of a nats-server such as nats://127.0.0.1:4222.');
}

/** Did the caller ask for JSON? Looked up in the raw arguments, for an error may come before they are understood. */
export function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const own = end < 0 ? args : args.slice(0, end);
  return own.some(
    (arg, index) =>
      arg === '-ojson' ||
      arg === '--output=json' ||
      (arg === 'json' && ['-o', '--output'].includes(own[index - 1] ?? '')),
  );
}

/** A number, for commander. */
export function plainNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It is not a number.');
}

/** A whole number of at least `least`, for commander. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It is not a whole number of at least ${least}.`);
  };
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The longest a timer takes; with more it would go off at once. */
const longestMs = 2 ** 31 - 1;

/** A duration such as `250ms`, `10s`, `5m`, `2h`, `1d` in ms, for commander; a bare number is seconds. At most 24 days. */
export function durationMs(text: string): number {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  const ms = Number(amount) * (unitMs[unit] ?? Number.NaN);
  if (ms > longestMs) throw new InvalidArgumentError('It is longer than 24 days.');
  if (Number.isFinite(ms) && ms > 0) return ms;
  throw new InvalidArgumentError('It is not a duration such as 250ms, 10s, 5m or 2h.');
}

/** A place in a stream: a sequence, or `new` for what comes from now on; for commander. */
export function streamPlace(text: string): number | 'new' {
  if (text === 'new') return 'new';
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('It is neither "new" nor a sequence number of at least 1.');
}
