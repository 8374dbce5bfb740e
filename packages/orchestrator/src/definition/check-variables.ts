/** What a definition's variables say of its agents and of each other. Pure. */
import type { AgentSpec } from '@mabeam/agents';
import { infeasibility, type VariableDefinition } from '@mabeam/variables';
import { unknownName, type CheckProblem, type UnmadeParts } from './check-problem.ts';
import type { FieldPath } from './definition-document.ts';

/** Names that refer to something, one topology, and constraints that somebody can meet. `others` are local variables. */
export function checkVariables(
  variables: readonly VariableDefinition[],
  agents: readonly AgentSpec[],
  { others, unmade }: { readonly others: readonly string[]; readonly unmade: UnmadeParts },
): readonly CheckProblem[] {
  const names = [...agents.map(({ id }) => id), ...unmade.agents];
  const ids = [...variables.map(({ id }) => id), ...others, ...unmade.variables];
  return [
    ...variables.flatMap((variable) =>
      variable.agents.flatMap((agent, index) =>
        unknownName(['variables', variable.id, 'agents', index], 'agent', agent, names),
      ),
    ),
    ...variables.flatMap((variable) => checkReferences(variable, ids)),
    ...checkSingleTopology(variables),
    // A role that cannot be read may be the very one that is missing.
    ...(unmade.agents.length > 0 ? [] : variables.flatMap((variable) => checkSelection(variable, agents))),
  ];
}

function checkReferences(
  { id, constraints, adaptation }: VariableDefinition,
  ids: readonly string[],
): readonly CheckProblem[] {
  const at = (...path: FieldPath): FieldPath => ['variables', id, ...path];
  const target = adaptation?.target;
  return [
    ...Object.keys(constraints.compatible ?? {}).flatMap((other) =>
      unknownName(at('constraints', 'compatible', other), 'variable', other, ids),
    ),
    ...(typeof target === 'string' ? unknownName(at('adaptation', 'target'), 'variable', target, ids) : []),
  ];
}

/** The space has one graph, so at most one variable may say what it is. */
function checkSingleTopology(variables: readonly VariableDefinition[]): readonly CheckProblem[] {
  const [first, ...others] = variables.filter(({ kind }) => kind === 'communication-topology');
  return others.map(({ id }) => ({
    path: ['variables', id, 'kind'],
    message: `${first?.id ?? 'another variable'} is the space's communication-topology already; keep one`,
  }));
}

function checkSelection(variable: VariableDefinition, agents: readonly AgentSpec[]): readonly CheckProblem[] {
  const roleOf = (agent: string) => agents.find(({ id }) => id === agent)?.role;
  const impossible = infeasibility(variable, roleOf);
  if (impossible !== undefined)
    return [
      { path: ['variables', variable.id, ...impossible.field.split('.')], message: impossible.message },
    ];
  const { initial, constraints } = variable;
  const present = Array.isArray(initial) ? initial.map((agent) => roleOf(String(agent))) : [];
  const missing = (constraints.roleCoverage ?? []).filter(
    (role) => !present.includes(role as AgentSpec['role']),
  );
  if (missing.length === 0) return [];
  const message = `nobody in it has the role ${missing.join(', ')}, which roleCoverage asks for; choose other agents`;
  return [{ path: ['variables', variable.id, 'initial'], message }];
}
