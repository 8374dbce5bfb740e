/**
 * Reading the definition of a space from a YAML or JSON text.
 *
 * Promise: a definition that is returned is complete and consistent; a text that is not says where (line, column, field),
 * what is wrong and what to do. All mistakes are named at once: an entry that cannot be read is reported and set aside, the rest is
 * judged without it, and what refers to it is not blamed for that. Only broken syntax hides what comes after it.
 */
import { dirname, isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  fieldText,
  readDefinitionDocument,
  type DefinitionDocument,
  type DefinitionProblem,
} from './definition-document.ts';
import type { CheckProblem, UnmadeParts } from './check-problem.ts';
import { readSpaceForm, type AgentForm, type FormReading, type SpaceForm } from './definition-form.ts';
import { agentSpecOf, variableDefinitionOf, type Converted } from './definition-parts.ts';
import { checkSpaceDefinition, invalidDefinition, type SpaceDefinition } from './space-definition.ts';
import { withoutMisfits } from './without-misfits.ts';

/** Where a definition's text comes from. */
export interface ParseOptions {
  /** The file the text comes from: named in messages, and what relative paths of modules and commands are relative to. */
  readonly path: string;
}

/**
 * Reads a definition from YAML or JSON. A module written `./words.ts` becomes an absolute file URL, a word of a command
 * written `./words.py` an absolute path.
 * Throws `space-definition-invalid`, or `resource-impossible` when nothing else is wrong; `details.problems` lists every
 * `{field, line, column, message}`.
 */
export function parseSpaceDefinition(text: string, { path }: ParseOptions): SpaceDefinition {
  const document = readDefinitionDocument(text);
  if (document.problems.length > 0) throw invalidDefinition(path, document.problems);
  const { form, problems, unmade } = readAsFarAsPossible(document.value);
  if (form === undefined) throw invalidDefinition(path, located(document, problems));
  const parts = definitionOf(form, path);
  const all = {
    agents: [...unmade.agents, ...parts.unmade.agents],
    variables: [...unmade.variables, ...parts.unmade.variables],
  };
  const misfits = [...problems, ...parts.problems, ...checkSpaceDefinition(parts.definition, all)];
  if (misfits.length === 0) return parts.definition;
  throw invalidDefinition(path, located(document, misfits));
}

interface Reading {
  readonly form: SpaceForm | undefined;
  readonly problems: readonly CheckProblem[];
  readonly unmade: UnmadeParts;
}

/** The form of what can be read; the rest as problems. */
function readAsFarAsPossible(value: unknown): Reading {
  const read = readSpaceForm(value);
  if (read.kind === 'read') return { form: read.form, problems: [], unmade: { agents: [], variables: [] } };
  const { problems } = read;
  const rest: FormReading = readSpaceForm(withoutMisfits(value, problems));
  const entries = (section: string): readonly string[] =>
    problems.flatMap(({ path: [at, id] }) => (at === section && typeof id === 'string' ? [id] : []));
  const unmade = { agents: entries('agents'), variables: entries('variables') };
  return { form: rest.kind === 'read' ? rest.form : undefined, problems, unmade };
}

/** The mistakes with their places, in the order of the text. */
function located(
  document: DefinitionDocument,
  problems: readonly CheckProblem[],
): readonly DefinitionProblem[] {
  return problems
    .map(({ path, ...problem }) => ({ ...problem, field: fieldText(path), ...document.locate(path) }))
    .toSorted((a, b) => a.line - b.line || a.column - b.column);
}

interface Parts {
  readonly definition: SpaceDefinition;
  readonly problems: readonly CheckProblem[];
  readonly unmade: UnmadeParts;
}

/** The form as a definition; parts that cannot be made are left out and reported. */
function definitionOf(form: SpaceForm, path: string): Parts {
  const agents = convertEach('agents', form.agents, (id, agent) => agentSpecOf(id, locateFiles(agent, path)));
  const variables = convertEach('variables', form.variables, variableDefinitionOf);
  const rules = Object.entries(form.rules).map(([id, rule]) => ({ v: 1, id, ...rule }) as const);
  const scaling = Object.entries(form.scaling).map(([id, policy]) => ({ v: 1, id, ...policy }) as const);
  const { name, pool, supervision, edges } = form;
  return {
    definition: {
      space: form.space,
      ...(name === undefined ? {} : { name }),
      ...(pool === undefined ? {} : { pool }),
      ...(supervision === undefined ? {} : { supervision }),
      ...(edges === undefined ? {} : { edges }),
      agents: agents.made,
      variables: variables.made,
      ...(scaling.length === 0 ? {} : { scaling }),
      rules,
    },
    problems: [...agents.problems, ...variables.problems],
    unmade: { agents: agents.unmade, variables: variables.unmade },
  };
}

function convertEach<F, T>(
  section: string,
  forms: Readonly<Record<string, F>>,
  convert: (id: string, form: F) => Converted<T>,
): { readonly made: readonly T[]; readonly problems: readonly CheckProblem[]; readonly unmade: string[] } {
  const made: T[] = [];
  const problems: CheckProblem[] = [];
  const unmade: string[] = [];
  for (const [id, form] of Object.entries(forms)) {
    const converted = convert(id, form);
    if (converted.kind === 'made') {
      made.push(converted.made);
      continue;
    }
    unmade.push(id);
    problems.push(
      ...converted.problems.map(({ path, message }) => ({ path: [section, id, ...path], message })),
    );
  }
  return { made, problems, unmade };
}

/** Files are named from the definition's folder, for a relative path means nothing on a node: a module becomes a URL. */
function locateFiles(agent: AgentForm, path: string): AgentForm {
  const { module, command } = agent;
  const folder = dirname(path);
  const isFile = module !== undefined && (module.startsWith('.') || isAbsolute(module));
  return {
    ...agent,
    ...(isFile ? { module: pathToFileURL(resolve(folder, module)).href } : {}),
    ...(command === undefined ? {} : { command: locateWords(command, folder) }),
  };
}

function locateWords(
  [program, ...words]: NonNullable<AgentForm['command']>,
  folder: string,
): [string, ...string[]] {
  return [locateWord(program, folder), ...words.map((word) => locateWord(word, folder))];
}

/** A word of a command is a path when it begins like one; everything else is the command's own. */
function locateWord(word: string, folder: string): string {
  return /^\.\.?\//.test(word) ? resolve(folder, word) : word;
}
