/** The edge of an agent: what comes in and goes out is checked by the author's schema, of any Standard Schema library. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { agentError } from './errors.ts';

/** The value as the schema returns it; throws `invalid-input` or `invalid-output`, naming each offending field. */
export async function checked<T>(
  schema: StandardSchemaV1<unknown, T>,
  value: unknown,
  side: 'input' | 'output',
  agent: string,
): Promise<T> {
  const result = await schema['~standard'].validate(value);
  if (result.issues === undefined) return result.value;
  const problems = result.issues.map((issue) => `${pathOf(issue) || side}: ${issue.message}`);
  throw agentError(
    `invalid-${side}`,
    `${agent}: the ${side} does not fit its schema; ${problems.join('; ')}`,
    {
      details: { agent, problems },
    },
  );
}

function pathOf(issue: StandardSchemaV1.Issue): string {
  return (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
}
