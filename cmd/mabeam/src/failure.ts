/**
 * Telling failures: one line on standard error that says what, where and the cure, or one JSON object with `-o json`; and
 * the exit status. Never a stack, unless MABEAM_DEBUG is 1.
 */
import { MabeamError, type ErrorBody } from '@mabeam/bus';
import { CommanderError } from 'commander';

/** A failure as it is told. */
export interface Failure {
  readonly exit: number;
  /** Absent when there is nothing to tell: help was asked for. */
  readonly body?: Pick<ErrorBody, 'code' | 'message' | 'retryable' | 'details'>;
}

/** What is to be told of whatever was thrown. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof MabeamError) {
    const { code, message, retryable, details, exit } = thrown;
    return { exit, body: { code, message, retryable, details } };
  }
  if (thrown instanceof CommanderError) return usageFailure(thrown);
  // What went wrong first is the failure; that clearing up after it failed as well is its consequence.
  if (thrown instanceof SuppressedError) return failureOf(thrown.suppressed);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { exit: 1, body: { code: 'unexpected', message, retryable: false } };
}

/** Tells it on standard error; returns the exit status. */
export function tellFailure(thrown: unknown, format: { readonly json: boolean }): number {
  const { exit, body } = failureOf(thrown);
  if (body === undefined) return exit;
  const told = format.json ? JSON.stringify({ error: body }) : `mabeam: ${body.message}`;
  process.stderr.write(`${told}\n`);
  if (process.env['MABEAM_DEBUG'] === '1') console.error(thrown);
  return exit;
}

/** Commander throws for help and version as well; a bare `mabeam` prints its help as an error. */
function usageFailure(thrown: CommanderError): Failure {
  if (thrown.exitCode === 0) return { exit: 0 };
  if (thrown.code === 'commander.help') return { exit: 2 };
  const message = thrown.message
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');
  const body = { code: 'invalid-usage', message: `${message}; see --help`, retryable: false };
  return { exit: 2, body: { ...body, details: { reason: thrown.code } } };
}
