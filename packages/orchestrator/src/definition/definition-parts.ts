/**
 * From a definition as written to its parts as stored: agent specs, variable definitions. Each part is checked by the
 * package that owns it; what that says is brought back to the field in the file. Pure.
 */
import { parseAgentSpec, type AgentSpec } from '@mabeam/agents';
import { MabeamError } from '@mabeam/bus';
import { localDefinitions, parseVariableDefinition, type VariableDefinition } from '@mabeam/variables';
import type { FieldPath } from './definition-document.ts';
import type { AgentForm, VariableForm } from './definition-form.ts';

/** A part, or what is wrong with it: paths are relative to the part. */
export type Converted<T> =
  | { readonly kind: 'made'; readonly made: T }
  | {
      readonly kind: 'misfit';
      readonly problems: readonly { readonly path: FieldPath; readonly message: string }[];
    };

/** The spec of an agent as written in a space's definition. */
export function agentSpecOf(id: string, form: AgentForm): Converted<AgentSpec> {
  const { module, command, ...rest } = form;
  if (module !== undefined && /\.[cm]?ts$/.test(module) && !/^(file:|\/|@)/.test(module)) {
    return misfit(
      ['module'],
      `"${module}" would be a package; write "./${module}" for a file beside this one`,
    );
  }
  const run = module === undefined ? (command === undefined ? undefined : { command }) : { module };
  try {
    const made = parseAgentSpec({ ...rest, id, ...(run === undefined ? {} : { run }) });
    const problems = localDefinitions(id, made).problems.map(({ field, message }) => ({
      path: field.split('.'),
      message,
    }));
    return problems.length === 0 ? { kind: 'made', made } : { kind: 'misfit', problems };
  } catch (error) {
    if (!(error instanceof MabeamError)) throw error;
    return { kind: 'misfit', problems: specProblems(error) };
  }
}

/** The definition of a variable as written in a space's definition. */
export function variableDefinitionOf(id: string, form: VariableForm): Converted<VariableDefinition> {
  try {
    return { kind: 'made', made: parseVariableDefinition({ ...form, id }) };
  } catch (error) {
    if (!(error instanceof MabeamError)) throw error;
    const field = error.details['field'];
    return misfit(typeof field === 'string' && field !== '' ? field.split('.') : [], error.message);
  }
}

/** An agent's local variables as variable definitions, called `<agent>.<name>`. */
export function localVariables(spec: AgentSpec): readonly VariableDefinition[] {
  return localDefinitions(spec.id, spec).definitions;
}

function misfit(path: FieldPath, message: string): Converted<never> {
  return { kind: 'misfit', problems: [{ path, message }] };
}

/** The problems of a spec come as `path: message`; it keeps `module` and `command` under `run`, a file does not. */
function specProblems(error: MabeamError): { readonly path: FieldPath; readonly message: string }[] {
  const { problems } = error.details;
  const lines: readonly unknown[] = Array.isArray(problems) ? problems : [error.message];
  return lines
    .map((line) => /^([\w.-]+): (.*)$/s.exec(String(line)))
    .flatMap((match) => (match === null ? [] : [{ field: match[1] ?? '', message: match[2] ?? '' }]))
    .filter(({ field }) => field !== 'id')
    .map(({ field, message }) => ({
      path: field
        .replace(/^run\.?/, '')
        .split('.')
        .filter(Boolean),
      message,
    }));
}
