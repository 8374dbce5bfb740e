/** Reading definitions of variables alone from a YAML or JSON text, in the form they have in the definition of a space. */
import type { VariableDefinition } from '@mabeam/variables';
import {
  fieldText,
  readDefinitionDocument,
  type DefinitionDocument,
  type DefinitionProblem,
} from './definition-document.ts';
import { readSpaceForm } from './definition-form.ts';
import { variableDefinitionOf } from './definition-parts.ts';
import type { ParseOptions } from './parse-space-definition.ts';
import { invalidDefinition } from './space-definition.ts';
import type { CheckProblem } from './check-problem.ts';

/**
 * The definitions in a text: one with its `id`, or several under theirs, as below `variables:` of a space.
 * Throws `space-definition-invalid`; `details.problems` lists every `{field, line, column, message}`.
 */
export function parseVariableDefinitions(
  text: string,
  { path }: ParseOptions,
): readonly VariableDefinition[] {
  const document = readDefinitionDocument(text);
  if (document.problems.length > 0) throw invalidDefinition(path, document.problems);
  const { value } = document;
  const single = singleId(value);
  // The form knows a variable by its id alone, so one that brings its own is put under it.
  const variables = single === undefined ? value : { [single]: withoutId(value) };
  const read = readSpaceForm({ space: 'x', variables });
  const depth = single === undefined ? 1 : 2;
  if (read.kind === 'misfit') throw invalidDefinition(path, located(document, read.problems, depth));
  const made: VariableDefinition[] = [];
  const problems: CheckProblem[] = [];
  for (const [id, form] of Object.entries(read.form.variables)) {
    const converted = variableDefinitionOf(id, form);
    if (converted.kind === 'made') made.push(converted.made);
    else
      problems.push(
        ...converted.problems.map((problem) => ({ ...problem, path: ['', id, ...problem.path] })),
      );
  }
  if (problems.length > 0) throw invalidDefinition(path, located(document, problems, depth));
  return made;
}

function singleId(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('id' in value)) return undefined;
  return typeof value.id === 'string' ? value.id : undefined;
}

function withoutId(value: unknown): unknown {
  return Object.fromEntries(Object.entries(Object(value)).filter(([key]) => key !== 'id'));
}

/** The mistakes with their places; `depth` steps of each path are ours and not the text's. */
function located(
  document: DefinitionDocument,
  problems: readonly CheckProblem[],
  depth: number,
): readonly DefinitionProblem[] {
  return problems.map(({ path, message }) => {
    const own = path.slice(depth);
    return { field: fieldText(own), message, ...document.locate(own) };
  });
}
