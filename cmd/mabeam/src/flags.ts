/** The flags that commands share: where the server is, which space is meant, in which form the result is wanted. */
import { InvalidArgumentError, Option, type Command } from 'commander';
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
    .option('--server <url>', 'nats-server (default: $NATS_URL, else nats://127.0.0.1:4222)')
    .addOption(outputOption());
}

/** Adds `--space`, `--server` and `-o`. */
export function withSpace(command: Command): Command {
  return withServer(
    command.option('--space <id>', 'space (default: $MABEAM_SPACE, else the only one there is)'),
  );
}

/** `-o json|table`. */
function outputOption(): Option {
  return new Option('-o, --output <format>', 'table for people, json for programs')
    .choices(['table', 'json'])
    .default('table');
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

/** A whole number of at least `least`, for commander. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It is not a whole number of at least ${least}.`);
  };
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration such as `250ms`, `10s`, `5m`, `2h`, `1d` in ms, for commander; a bare number is seconds. */
export function durationMs(text: string): number {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  const ms = Number(amount) * (unitMs[unit] ?? Number.NaN);
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
