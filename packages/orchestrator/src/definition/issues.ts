/**
 * What a schema found wrong, told plainly: of alternatives the one that was most likely meant, and a path from the top. Pure.
 */
import type { z } from 'zod';
import type { FieldPath } from './definition-document.ts';

/** One thing that is wrong, at the end of a path from the top of the value. */
export interface PlainIssue {
  readonly path: FieldPath;
  readonly issue: z.core.$ZodIssue;
}

/** The issues without alternatives: those of the alternative that comes nearest stand for all of them. */
export function plainIssues(
  issues: readonly z.core.$ZodIssue[],
  above: FieldPath = [],
): readonly PlainIssue[] {
  return issues.flatMap((issue) => {
    const path = [...above, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
    const nearest = issue.code === 'invalid_union' ? nearestBranch(issue.errors) : undefined;
    return nearest === undefined ? [{ path, issue }] : plainIssues(nearest, path);
  });
}

/** One text for all issues: `field: message; …`. */
export function issueText(error: z.ZodError): string {
  return plainIssues(error.issues)
    .map(({ path, issue }) => `${path.join('.')}: ${issue.message}`)
    .join('; ');
}

/** The alternative of the right type with the fewest faults; undefined when the value is of no alternative's type. */
function nearestBranch(
  branches: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | undefined {
  const fitting = branches.filter((issues) =>
    issues.every(({ path, code }) => path.length > 0 || code !== 'invalid_type'),
  );
  return fitting.toSorted((a, b) => faults(a) - faults(b))[0];
}

function faults(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce((sum, issue) => sum + ('keys' in issue ? issue.keys.length : 1), 0);
}
