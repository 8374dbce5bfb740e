/**
 * The definition of a space: its agents, variables and rules, as data; and what these must say together: names that
 * refer to something, rules that fit what they adapt. Each part is valid by itself already. Pure.
 *
 * Promise: every mistake is reported, none stops the search.
 */
import type { AgentSpec, SupervisionPolicy } from '@mabeam/agents';
import { isId } from '@mabeam/bus';
import type { VariableDefinition } from '@mabeam/variables';
import type { AdaptationRule } from '../adaptation/adaptation-rule.ts';
import { orchestratorError } from '../errors.ts';
import { checkAgentLinks, checkResources } from './check-agents.ts';
import type { CheckProblem, UnmadeParts } from './check-problem.ts';
import { checkRule, checkScaling } from './check-rules.ts';
import { checkVariables } from './check-variables.ts';
import { fieldText, type DefinitionProblem, type FieldPath } from './definition-document.ts';
import { localVariables } from './definition-parts.ts';
import type { ScalingPolicy } from './scaling-policy.ts';
import type { DeclaredEdge, SpacePool, SpaceRecord } from './space-record.ts';

/** A team as declared. Make one in code, or read one with `parseSpaceDefinition`. */
export interface SpaceDefinition {
  readonly space: string;
  /** What people call it. */
  readonly name?: string;
  /** What its agents have together; what their nodes have when absent. */
  readonly pool?: SpacePool;
  /** Governs the agents without a supervisor. */
  readonly supervision?: SupervisionPolicy;
  /** Edges there are whatever the topology. */
  readonly edges?: readonly DeclaredEdge[];
  readonly agents: readonly AgentSpec[];
  readonly variables: readonly VariableDefinition[];
  readonly scaling?: readonly ScalingPolicy[];
  readonly rules: readonly AdaptationRule[];
}

/** The record of the space as a whole; undefined when the definition says nothing of it. */
export function spaceRecordIn({ name, pool, supervision, edges }: SpaceDefinition): SpaceRecord | undefined {
  if (name === undefined && pool === undefined && supervision === undefined && edges === undefined)
    return undefined;
  return { v: 1, name, pool, supervision, edges };
}

const allMade: UnmadeParts = { agents: [], variables: [] };

/** All the mistakes between the parts of a definition; what refers to an unmade part is not judged. */
export function checkSpaceDefinition(
  definition: SpaceDefinition,
  unmade: UnmadeParts = allMade,
): readonly CheckProblem[] {
  const { agents, edges = [], pool, scaling = [], rules } = definition;
  const names = [...agents.map(({ id }) => id), ...unmade.agents];
  const locals = agents.flatMap(localVariables);
  const variables = new Map([...definition.variables, ...locals].map((variable) => [variable.id, variable]));
  return [
    ...checkIds(definition),
    ...checkAgentLinks(agents, edges, names),
    ...checkResources(agents, definition.variables, pool),
    ...checkVariables(definition.variables, agents, { others: locals.map(({ id }) => id), unmade }),
    ...checkScaling(scaling, agents, names),
    ...rules.filter(({ adapt }) => !isUnmade(adapt, unmade)).flatMap((rule) => checkRule(rule, variables)),
  ];
}

function isUnmade(variable: string, { agents, variables }: UnmadeParts): boolean {
  return variables.includes(variable) || agents.includes(variable.split('.')[0] ?? '');
}

function checkIds({
  space,
  agents,
  variables,
  rules,
  scaling = [],
}: SpaceDefinition): readonly CheckProblem[] {
  const message =
    'is not an id (a lower-case letter, then up to 62 of a-z, 0-9, "_", "-"; not space, all or orchestrator)';
  const named = [
    { path: ['space'], id: space },
    ...agents.map(({ id }) => ({ path: ['agents', id], id })),
    ...variables.map(({ id }) => ({ path: ['variables', id], id })),
    ...scaling.map(({ id }) => ({ path: ['scaling', id], id })),
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

/** Refuses a definition made in code that is not consistent; throws `space-definition-invalid`. */
export function assertSpaceDefinition(definition: SpaceDefinition): void {
  const problems = checkSpaceDefinition(definition);
  if (problems.length === 0) return;
  throw invalidDefinition(
    `space ${definition.space}`,
    problems.map(({ path, ...problem }) => ({ field: fieldText(path), ...problem })),
  );
}

/** The error for a definition's mistakes: a line each, with the place where it is known. */
export function invalidDefinition(path: string, problems: readonly DefinitionProblem[]): Error {
  const isImpossible = problems.length > 0 && problems.every(({ code }) => code === 'resource-impossible');
  const code = isImpossible ? 'resource-impossible' : 'space-definition-invalid';
  return orchestratorError(code, problemLines(path, problems), { details: { path, problems } });
}

/** Mistakes for people: a line each, with the place where it is known. */
export function problemLines(path: string, problems: readonly DefinitionProblem[]): string {
  const lines = problems.map(({ field, line, column, message }) => {
    const place = line === undefined ? path : `${path}:${line}:${column}`;
    return field === '' ? `${place}: ${message}` : `${place}: ${field}: ${message}`;
  });
  return lines.join('\n');
}
