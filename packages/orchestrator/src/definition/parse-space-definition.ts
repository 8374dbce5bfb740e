/**
 * Reading the definition of a space from a YAML or JSON text.
 *
 * Promise: a definition that is returned is complete and consistent; a text that is not says where (line, column, field),
 * what is wrong and what to do. It is read in stages (syntax, fields, parts, what they say together), and all the mistakes
 * of the first stage that has any are named at once.
 */
import { dirname, isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  fieldText,
  readDefinitionDocument,
  type DefinitionProblem,
  type FieldPath,
} from './definition-document.ts';
import { readSpaceForm, type AgentForm, type SpaceForm } from './definition-form.ts';
import { agentSpecOf, variableDefinitionOf, type Converted } from './definition-parts.ts';
import { checkSpaceDefinition, invalidDefinition, type SpaceDefinition } from './space-definition.ts';

/** Where a definition's text comes from. */
export interface ParseOptions {
  /** The file the text comes from: named in messages, and what relative paths of modules and commands are relative to. */
  readonly path: string;
}

/**
 * Reads a definition from YAML or JSON. A module written `./words.ts` becomes an absolute file URL, a word of a command
 * written `./words.py` an absolute path.
 * Throws `space-definition-invalid`; its `details.problems` lists every `{field, line, column, message}`.
 */
export function parseSpaceDefinition(text: string, { path }: ParseOptions): SpaceDefinition {
  const document = readDefinitionDocument(text);
  if (document.problems.length > 0) throw invalidDefinition(path, document.problems);
  const located = (field: FieldPath, message: string): DefinitionProblem => ({
    field: fieldText(field),
    message,
    ...document.locate(field),
  });
  const read = readSpaceForm(document.value);
  if (read.kind === 'misfit') {
    throw invalidDefinition(
      path,
      read.problems.map((problem) => located(problem.path, problem.message)),
    );
  }
  const { definition, problems } = definitionOf(read.form, path);
  // A part that could not be made would be missed by others: what they say of it would only mislead.
  const misfits = problems.length > 0 ? problems : checkSpaceDefinition(definition);
  if (misfits.length === 0) return definition;
  throw invalidDefinition(
    path,
    misfits.map((problem) => located(problem.path, problem.message)),
  );
}

/** The form as a definition; parts that cannot be made are left out and reported. */
function definitionOf(
  form: SpaceForm,
  path: string,
): { readonly definition: SpaceDefinition; readonly problems: readonly ProblemAt[] } {
  const agents = convertEach('agents', form.agents, (id, agent) => agentSpecOf(id, locateFiles(agent, path)));
  const variables = convertEach('variables', form.variables, variableDefinitionOf);
  const rules = Object.entries(form.rules).map(([id, rule]) => ({ v: 1, id, ...rule }) as const);
  return {
    definition: {
      space: form.space,
      ...(form.name === undefined ? {} : { name: form.name }),
      agents: agents.made,
      variables: variables.made,
      rules,
    },
    problems: [...agents.problems, ...variables.problems],
  };
}

interface ProblemAt {
  readonly path: FieldPath;
  readonly message: string;
}

function convertEach<F, T>(
  section: string,
  forms: Readonly<Record<string, F>>,
  convert: (id: string, form: F) => Converted<T>,
): { readonly made: readonly T[]; readonly problems: readonly ProblemAt[] } {
  const made: T[] = [];
  const problems: ProblemAt[] = [];
  for (const [id, form] of Object.entries(forms)) {
    const converted = convert(id, form);
    if (converted.kind === 'made') made.push(converted.made);
    else
      problems.push(
        ...converted.problems.map(({ path, message }) => ({ path: [section, id, ...path], message })),
      );
  }
  return { made, problems };
}

/** Files are named from the definition's folder, for a relative path means nothing on a node: a module becomes a URL. */
function locateFiles(agent: AgentForm, path: string): AgentForm {
  const { module, command } = agent;
  const folder = dirname(path);
  const isFile = module !== undefined && (module.startsWith('.') || isAbsolute(module));
  return {
    ...agent,
    ...(isFile ? { module: pathToFileURL(resolve(folder, module)).href } : {}),
    ...(command === undefined ? {} : { command: command.map((word) => locateWord(word, folder)) }),
  };
}

/** A word of a command is a path when it begins like one; everything else is the command's own. */
function locateWord(word: string, folder: string): string {
  return /^\.\.?\//.test(word) ? resolve(folder, word) : word;
}
