/**
 * Feasibility: can the constraints of an agent-selection be met at all? Definition-time questions, asked before anything runs. Pure.
 *
 * The search grows a selection only by what is needed next – somebody with a role that is missing, somebody more while there are too
 * few – and takes along whatever its members require. It is exact; where it would take too long it gives up and says nothing, for
 * a definition is refused only when it is certain that it cannot be met.
 */
import { listNames, type Problem } from './problem.ts';
import type { VariableDefinition } from './variable.ts';

/** How many partial selections are looked at before the search gives up. */
const patience = 20_000;

/**
 * Why no selection, or a certain agent in none, can meet the constraints; undefined when all is well, or not certain. `roleOf` tells
 * an agent's role.
 */
export function infeasibility(
  definition: VariableDefinition,
  roleOf: (agent: string) => string | undefined,
): Problem | undefined {
  if (definition.kind !== 'agent-selection') return undefined;
  const never = neverSelected(definition);
  if (never !== undefined) return never;
  const { agents, constraints } = definition;
  const roles = constraints.roleCoverage ?? [];
  const unmanned = roles.filter((role) => !agents.some((agent) => roleOf(agent) === role));
  if (unmanned.length > 0) {
    const message = `none of its agents has the role ${listNames(unmanned)}; list one that has it, or leave the role out`;
    return { code: 'invalid-constraint', field: 'constraints.roleCoverage', message };
  }
  if (isSatisfiable(definition, roleOf)) return undefined;
  const field = roles.length > 0 ? 'constraints.roleCoverage' : 'constraints.minActive';
  const message = 'no set of its agents meets all of its constraints together; loosen one';
  return { code: 'invalid-constraint', field, message };
}

/** An agent whose needs exclude each other can be in no selection, so it need not be listed. */
function neverSelected(definition: VariableDefinition): Problem | undefined {
  const { agents, constraints } = definition;
  for (const agent of agents) {
    const needs = closed(new Set(), agent, definition);
    if (isAllowed(needs, definition)) continue;
    const field = constraints.requires?.[agent] === undefined ? 'exclusive' : `requires.${agent}`;
    const message = `${agent} can never be selected: with all that it requires (${listNames(needs)}) it breaks exclusive or maxConcurrent; mend one of them`;
    return { code: 'invalid-constraint', field: `constraints.${field}`, message };
  }
  return undefined;
}

function isSatisfiable(
  definition: VariableDefinition,
  roleOf: (agent: string) => string | undefined,
): boolean {
  const { agents, constraints } = definition;
  const { roleCoverage = [], minActive = 0 } = constraints;
  const seen = new Set<string>();
  const stack: ReadonlySet<string>[] = [new Set()];
  for (let chosen = stack.pop(); chosen !== undefined; chosen = stack.pop()) {
    if (seen.size > patience) return true;
    const present = new Set([...chosen].map(roleOf));
    const missing = roleCoverage.find((role) => !present.has(role));
    if (missing === undefined && chosen.size >= minActive) return true;
    const helpful = agents.filter((agent) => missing === undefined || roleOf(agent) === missing);
    for (const agent of helpful) {
      const next = closed(chosen, agent, definition);
      const name = [...next].toSorted().join(' ');
      if (next.size === chosen.size || seen.has(name) || !isAllowed(next, definition)) continue;
      seen.add(name);
      stack.push(next);
    }
  }
  return false;
}

/** The selection with an agent and all that these require. */
function closed(
  chosen: ReadonlySet<string>,
  agent: string,
  { constraints }: VariableDefinition,
): ReadonlySet<string> {
  const all = new Set(chosen);
  const open = [agent];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (all.has(next)) continue;
    all.add(next);
    open.push(...(constraints.requires?.[next] ?? []));
  }
  return all;
}

function isAllowed(chosen: ReadonlySet<string>, { constraints }: VariableDefinition): boolean {
  const { exclusive = [], maxConcurrent = Infinity } = constraints;
  return chosen.size <= maxConcurrent && !exclusive.some(([a, b]) => chosen.has(a) && chosen.has(b));
}
