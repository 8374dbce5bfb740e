/** Reading the values of a change set from a YAML or JSON text: an object of values by variable. Pure. */
import { validateValue, type Json, type VariableDefinition } from '@mabeam/variables';
import { cureFor } from './check-problem.ts';
import { fieldText, readDefinitionDocument } from './definition-document.ts';
import type { ParseOptions } from './parse-space-definition.ts';
import { problemLines } from './space-definition.ts';
import { orchestratorError } from '../errors.ts';

/** A value that a variable is to have. */
export interface WantedValue {
  readonly variable: string;
  readonly value: Json;
}

/**
 * The values in a text, in its order, each in the form its variable's definition gives it. Throws `values-invalid`, with every mistake and
 * its place; `details.problems` lists them as `{field, line, column, message}`. Constraints that need a predicate are not judged here.
 */
export function parseValues(
  text: string,
  { path }: ParseOptions,
  variables: ReadonlyMap<string, { readonly definition: VariableDefinition }>,
): readonly WantedValue[] {
  const document = readDefinitionDocument(text);
  const problems = [...document.problems];
  const wanted: WantedValue[] = [];
  const { value: read } = document;
  const isObject = typeof read === 'object' && read !== null && !Array.isArray(read);
  if (problems.length === 0 && !isObject) {
    const message = 'is not an object of values by variable, as pace: 3 or {"pace": 3}';
    problems.push({ field: '', message, line: 1, column: 1 });
  }
  for (const [variable, value] of isObject ? Object.entries(read) : []) {
    const refuse = (field: readonly string[], message: string): void => {
      const place = [variable, ...field];
      problems.push({ field: fieldText(place), message, ...document.locate(place) });
    };
    const definition = variables.get(variable)?.definition;
    if (definition === undefined) {
      refuse([], `there is no such variable${cureFor(variable, [...variables.keys()])}`);
      continue;
    }
    const verdict = validateValue(definition, value);
    if (verdict.kind === 'valid') wanted.push({ variable, value: verdict.value });
    else refuse([], `${verdict.field}: ${verdict.message}`);
  }
  if (problems.length === 0) return wanted;
  throw orchestratorError('values-invalid', problemLines(path, problems), { details: { path, problems } });
}
