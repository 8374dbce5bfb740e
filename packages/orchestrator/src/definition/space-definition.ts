/**
 * The definition of a space: its agents, variables and rules, as data; and what these must say together: names that
 * refer to something, rules that fit what they adapt. Each part is valid by itself already. Pure.
 *
 * Promise: every mistake is reported, none stops the search.
 */
import type { AgentSpec } from '@mabeam/agents';
import { isId, isToken } from '@mabeam/bus';
import { validateValue, type VariableDefinition } from '@mabeam/variables';
import type { AdaptationRule } from '../adaptation/adaptation-rule.ts';
import { fieldText, type DefinitionProblem, type FieldPath } from './definition-document.ts';
import { localVariables } from './definition-parts.ts';
import { orchestratorError } from '../errors.ts';
import { nearestWord } from './nearest-word.ts';
import { modifyValue } from '../adaptation/rules.ts';

/** A team as declared. Make one in code, or read one with `parseSpaceDefinition`. */
export interface SpaceDefinition {
  readonly space: string;
  /** What people call it, for the tools that read the definition; it is not stored. */
  readonly name?: string;
  readonly agents: readonly AgentSpec[];
  readonly variables: readonly VariableDefinition[];
  readonly rules: readonly AdaptationRule[];
}

/** A mistake and the field it is in. */
export interface CheckProblem {
  readonly path: FieldPath;
  readonly message: string;
}

/** All the mistakes between the parts of a definition. */
export function checkSpaceDefinition(definition: SpaceDefinition): readonly CheckProblem[] {
  const agents = definition.agents.map(({ id }) => id);
  const variables = new Map(
    [...definition.variables, ...definition.agents.flatMap(localVariables)].map((variable) => [
      variable.id,
      variable,
    ]),
  );
  return [
    ...checkIds(definition),
    ...definition.variables.flatMap((variable) => checkAgents(variable, agents)),
    ...checkSingleTopology(definition.variables),
    ...definition.rules.flatMap((rule) => checkRule(rule, variables)),
  ];
}

function checkIds({ space, agents, variables, rules }: SpaceDefinition): readonly CheckProblem[] {
  const message =
    'is not an id (a lower-case letter, then up to 62 of a-z, 0-9, "_", "-"; not space, all or orchestrator)';
  const named = [
    { path: ['space'], id: space },
    ...agents.map(({ id }) => ({ path: ['agents', id], id })),
    ...variables.map(({ id }) => ({ path: ['variables', id], id })),
    ...rules.map(({ id }) => ({ path: ['rules', id], id })),
  ];
  const twice = named.filter(({ path }, index) => named.findIndex((other) => same(other.path, path)) < index);
  return [
    ...named.filter(({ id }) => !isId(id)).map(({ path, id }) => ({ path, message: `"${id}" ${message}` })),
    ...twice.map(({ path }) => ({ path, message: 'is defined twice; keep one' })),
  ];
}

function same(a: FieldPath, b: FieldPath): boolean {
  return a.join(' ') === b.join(' ');
}

function checkAgents(variable: VariableDefinition, agents: readonly string[]): readonly CheckProblem[] {
  return variable.agents.flatMap((agent, index) =>
    agents.includes(agent)
      ? []
      : [
          {
            path: ['variables', variable.id, 'agents', index],
            message: `there is no agent "${agent}"${cure(agent, agents)}`,
          },
        ],
  );
}

/** The space has one graph, so at most one variable may say what it is. */
function checkSingleTopology(variables: readonly VariableDefinition[]): readonly CheckProblem[] {
  const [first, ...others] = variables.filter(({ kind }) => kind === 'communication-topology');
  return others.map(({ id }) => ({
    path: ['variables', id, 'kind'],
    message: `${first?.id ?? 'another variable'} is the space's communication-topology already; keep one`,
  }));
}

function checkRule(
  rule: AdaptationRule,
  variables: ReadonlyMap<string, VariableDefinition>,
): readonly CheckProblem[] {
  const at = (...path: FieldPath): FieldPath => ['rules', rule.id, ...path];
  const problems: CheckProblem[] = [];
  if (!isToken(rule.on.trigger)) {
    problems.push({
      path: at('on', 'trigger'),
      message: `"${rule.on.trigger}" is not a trigger's name (a-z, 0-9, "_", "-")`,
    });
  }
  const variable = variables.get(rule.adapt);
  if (variable === undefined) {
    const message = `there is no variable "${rule.adapt}"${cure(rule.adapt, [...variables.keys()])}`;
    return [...problems, { path: at('adapt'), message }];
  }
  return [...problems, ...checkModification(rule, variable, at)];
}

/** Does the modification fit the kind of variable, and can what it names ever be part of a value? */
function checkModification(
  { by }: AdaptationRule,
  variable: VariableDefinition,
  at: (...path: FieldPath) => FieldPath,
): readonly CheckProblem[] {
  const word = Object.keys(by).join();
  const modified = modifyValue(variable, variable.initial, by);
  if (modified.kind === 'unfit') {
    return [
      { path: at('by', word), message: `${modified.reason}; ${variable.id} is of kind ${variable.kind}` },
    ];
  }
  if ('set' in by) {
    const verdict = validateValue(variable, by.set);
    if (verdict.kind === 'valid') return [];
    return [{ path: at('by', word), message: `${variable.id}: ${verdict.field}: ${verdict.message}` }];
  }
  const members = 'add' in by ? by.add : 'remove' in by ? by.remove : [];
  return members.flatMap((member, index) =>
    variable.agents.includes(member)
      ? []
      : [
          {
            path: at('by', word, index),
            message: `"${member}" is not among the agents of ${variable.id}${cure(member, variable.agents)}`,
          },
        ],
  );
}

function cure(word: string, known: readonly string[]): string {
  const near = nearestWord(word, known);
  if (near !== undefined) return `; did you mean "${near}"?`;
  return known.length === 0 ? '; define it' : `; there are ${known.slice(0, 10).join(', ')}`;
}

/** Refuses a definition made in code that is not consistent; throws `space-definition-invalid`. */
export function assertSpaceDefinition(definition: SpaceDefinition): void {
  const problems = checkSpaceDefinition(definition);
  if (problems.length === 0) return;
  throw invalidDefinition(
    `space ${definition.space}`,
    problems.map(({ path, message }) => ({ field: fieldText(path), message })),
  );
}

/** The error for a definition's mistakes: a line each, with the place where it is known. */
export function invalidDefinition(path: string, problems: readonly DefinitionProblem[]): Error {
  const lines = problems.map(({ field, line, column, message }) => {
    const place = line === undefined ? path : `${path}:${line}:${column}`;
    return field === '' ? `${place}: ${message}` : `${place}: ${field}: ${message}`;
  });
  return orchestratorError('space-definition-invalid', lines.join('\n'), { details: { path, problems } });
}
