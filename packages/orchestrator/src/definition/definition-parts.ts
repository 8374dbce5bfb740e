/**
 * From a definition as written to its parts as stored: agent specs, variable definitions. Each part is checked by the
 * package that owns it; what that says is brought back to the field in the file. Pure.
 */
import { parseAgentSpec, type AgentSpec, type AgentSpecInput } from '@mabeam/agents';
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
  const { module, command: _command, form: hosting, replicas = 1, ...rest } = form;
  if (module !== undefined && /\.[cm]?ts$/.test(module) && !/^(file:|\/|@)/.test(module)) {
    return misfit(
      ['module'],
      `"${module}" would be a package; write "./${module}" for a file beside this one`,
    );
  }
  if (hosting !== undefined && module === undefined)
    return misfit(['form'], 'only a module runs in a form; a command is a process of its own');
  try {
    const made = parseAgentSpec({ ...rest, ...runOf(form), ...scaleOf(replicas), id });
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

function runOf({ module, command, form }: AgentForm): Pick<AgentSpecInput, 'run'> {
  if (module !== undefined) return { run: { module, ...(form === undefined ? {} : { form }) } };
  return command === undefined ? {} : { run: { command } };
}

/** Bounds as written are the replicas to begin with – `initial`, else the fewest – and the bounds of the spec. */
function scaleOf(written: NonNullable<AgentForm['replicas']>): Pick<AgentSpecInput, 'replicas' | 'bounds'> {
  if (typeof written === 'number') return { replicas: written };
  const { min, max, initial = min } = written;
  return { replicas: initial, bounds: { min, max } };
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

/** The problems of a spec come as `path: message`; what it keeps under `run`, `bounds` and `id`, a file does not. */
function specProblems(error: MabeamError): { readonly path: FieldPath; readonly message: string }[] {
  const { problems } = error.details;
  const lines: readonly unknown[] = Array.isArray(problems) ? problems : [error.message];
  return lines
    .map((line) => /^([\w.-]+): (.*)$/s.exec(String(line)))
    .flatMap((match) => (match === null ? [] : [{ field: match[1] ?? '', message: match[2] ?? '' }]))
    .map(({ field, message }) => ({
      path: field
        .replace(/^(run\.?|id$)/, '')
        .replace(/^bounds\b/, 'replicas')
        .split('.')
        .filter(Boolean),
      message,
    }));
}
