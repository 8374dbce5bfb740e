/**
 * A problem: one thing that is wrong with an input, said so that its author can mend it.
 *
 * Pure code returns problems, the edges throw them. A problem names the field (`constraints.minActive`, `value.edges[2]`)
 * and its message ends in the cure.
 */
import type { MabeamError } from '@mabeam/bus';
import { variableError, type VariableErrorCode } from './errors.ts';

/** What is wrong, where, and what to do about it. */
export interface Problem {
  readonly code: VariableErrorCode;
  readonly field: string;
  readonly message: string;
}

/** The error for a problem; `subject` (a variable id, a key) goes before the message and into the details. */
export function problemError(problem: Problem, subject: string): MabeamError {
  return variableError(problem.code, `${subject}: ${problem.message}`, {
    details: { subject, field: problem.field },
  });
}

/** Names for a message: the first ten, and how many more there are. */
export function listNames(names: Iterable<string>): string {
  const all = [...names];
  if (all.length === 0) return 'none';
  const shown = all.slice(0, 10).join(', ');
  return all.length > 10 ? `${shown} and ${all.length - 10} more` : shown;
}
