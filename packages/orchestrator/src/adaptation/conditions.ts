/**
 * Conditions: does a rule's `where` hold for the body of a trigger or event? Pure.
 *
 * C1 A path (`mail.size`, `tags.0`) names a field of the body. In a CloudEvent `ce.<name>` names one of its attributes instead.
 * C2 A field that is not there satisfies `exists: false` and `not`, and nothing else. A test of size holds for numbers only.
 * C3 Of several tests all must hold. Nothing is thrown, whatever the body is.
 */
import { sameJson } from '@mabeam/variables';
import type { AdaptationRule, RuleCondition } from './adaptation-rule.ts';

/** What conditions are tested on. */
export interface ConditionSubject {
  readonly body: unknown;
  /** The attributes of a CloudEvent (`type`, `source`, `subject`, …); absent for what is none. */
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
}

/** The first condition that does not hold, by its path; undefined when all hold (C3). */
export function failedCondition(
  where: NonNullable<AdaptationRule['where']>,
  subject: ConditionSubject,
): string | undefined {
  return Object.entries(where).find(([path, test]) => !holds(test, fieldAt(subject, path)))?.[0];
}

/** A field that is there has a value, be it null. */
export type Field = { readonly value: unknown } | undefined;

/** A field of a body or an attribute by its path; undefined when it is not there (C1). */
export function fieldAt({ attributes, body }: ConditionSubject, path: string): Field {
  if (attributes !== undefined && path.startsWith('ce.')) return ownField(attributes, path.slice(3));
  let field: Field = body === undefined ? undefined : { value: body };
  for (const step of path.split('.')) field = field === undefined ? undefined : ownField(field.value, step);
  return field;
}

function ownField(holder: unknown, name: string): Field {
  if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, name)) return undefined;
  // An object has its own fields by their names; an array by its indices, and nobody asks for more.
  const value = (holder as Readonly<Record<string, unknown>>)[name];
  return value === undefined ? undefined : { value };
}

/** C2. */
function holds(test: RuleCondition, field: Field): boolean {
  if (typeof test !== 'object' || test === null) return field !== undefined && field.value === test;
  const { above, atLeast, atMost, below, exists } = test;
  const size = typeof field?.value === 'number' ? field.value : Number.NaN;
  const isOneOf = (values: readonly unknown[]): boolean =>
    field !== undefined && values.some((value) => sameJson(value, field.value));
  return (
    (exists === undefined || exists === (field !== undefined)) &&
    (!('equals' in test) || isOneOf([test.equals])) &&
    (!('not' in test) || !isOneOf([test.not])) &&
    (test.in === undefined || isOneOf(test.in)) &&
    (above === undefined || size > above) &&
    (below === undefined || size < below) &&
    (atLeast === undefined || size >= atLeast) &&
    (atMost === undefined || size <= atMost)
  );
}
