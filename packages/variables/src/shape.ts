/** The shape of a definition: do its agents, domain and constraints make sense for its kind, and together? Pure. */
import { domainProblem, isNumeric, type Domain } from './domain.ts';
import { isVariableId } from './id-text.ts';
import { showJson } from './json.ts';
import { listNames, type Problem } from './problem.ts';
import { isPredicateName } from './predicate.ts';
import type { Constraints, VariableDefinition, VariableKind, VariableScope } from './variable.ts';

/** A definition before its initial value is judged. */
export type DefinitionShape = Omit<VariableDefinition, 'initial'>;

/** The first thing wrong with the agents, the domain and the constraints of a definition; undefined when they are sound. */
export function shapeProblem(definition: DefinitionShape): Problem | undefined {
  const { agents, kind, domain, scope } = definition;
  const outOfScope = scopeProblem(scope, agents);
  if (outOfScope !== undefined) return outOfScope;
  const seen = new Set<string>();
  const twice = agents.find((agent) => seen.size === seen.add(agent).size);
  if (twice !== undefined)
    return wrong('duplicate-agents', 'agents', `${twice} is listed twice; list each agent once`);
  if (kind === 'agent-selection' && agents.length === 0) {
    return wrong('empty-agents', 'agents', 'a selection needs candidates; list at least one agent');
  }
  return (
    misplacedLimit(kind, domain) ??
    domainProblem(domain) ??
    constraintProblem(definition) ??
    policyProblem(definition)
  );
}

/** What the optional policies say must make sense for this variable. */
function policyProblem({ id, adaptation, distribution }: DefinitionShape): Problem | undefined {
  if (adaptation?.target === id) {
    const message = 'a variable is not its own target; name another variable or a number';
    return wrong('invalid-definition', 'adaptation.target', message);
  }
  const nodes = distribution?.nodes ?? [];
  const twice = nodes.find((node, i) => nodes.indexOf(node) !== i);
  if (twice === undefined) return undefined;
  return wrong('invalid-definition', 'distribution.nodes', `${twice} is listed twice; list it once`);
}

const everywhere = ['predicates', 'compatible'] as const;

const limitsOf: Readonly<Record<VariableKind, readonly string[]>> = {
  'agent-selection': ['minActive', 'maxConcurrent', 'exclusive', 'requires', 'roleCoverage', ...everywhere],
  'resource-allocation': ['resourceLimit', ...everywhere],
  'communication-topology': ['patterns', 'allowPartition', ...everywhere],
  'adaptation-rate': ['min', 'max', 'step', 'enum', ...everywhere],
  'performance-threshold': ['min', 'max', 'step', 'enum', ...everywhere],
  'coordination-pattern': ['patterns', 'allowPartition', ...everywhere],
  custom: ['min', 'max', 'step', 'enum', 'pattern', ...everywhere],
};

/** Only what holds today is accepted: a local variable belongs to its agent, and nothing federates yet. */
function scopeProblem(scope: VariableScope, agents: readonly string[]): Problem | undefined {
  if (scope === 'local') {
    const message =
      'a local variable is declared by its agent; move it to the variables of the agent definition';
    return wrong('unsupported-scope', 'scope', message);
  }
  if (scope === 'federation') {
    return wrong('unsupported-scope', 'scope', 'clusters do not federate yet; choose global or cluster');
  }
  if (scope === 'cluster' && agents.length === 0) {
    return wrong(
      'empty-agents',
      'agents',
      'in scope cluster only listed agents see it; list some or choose global',
    );
  }
  return undefined;
}

function misplacedLimit(kind: VariableKind, domain: Domain): Problem | undefined {
  const stray = setKeys(domain).find((key) => !limitsOf[kind].includes(key));
  if (stray !== undefined) {
    return wrong(
      'invalid-domain',
      `domain.${stray}`,
      `a ${kind} has no ${stray}; it knows ${listNames(limitsOf[kind])}`,
    );
  }
  const words = isNumeric(domain) ? domain.enum?.find((value) => typeof value !== 'number') : undefined;
  if (words === undefined) return undefined;
  return wrong(
    'invalid-domain',
    'domain.enum',
    `${showJson(words)} is not a number, as min, max and step ask; remove it`,
  );
}

function constraintProblem(definition: DefinitionShape): Problem | undefined {
  const { kind, constraints } = definition;
  const stray = setKeys(constraints).find((key) => !limitsOf[kind].includes(key));
  if (stray !== undefined) {
    return constraint(stray, `a ${kind} has no ${stray}; it knows ${listNames(limitsOf[kind])}`);
  }
  return selectionProblem(definition) ?? bondProblem(definition);
}

/** Names of predicates, roles and other variables: each once, each one that could be. */
function bondProblem({ id, constraints }: DefinitionShape): Problem | undefined {
  const { predicates = [], compatible = {}, roleCoverage = [] } = constraints;
  const nameless = [...predicates, ...Object.values(compatible)].find((name) => !isPredicateName(name));
  if (nameless !== undefined) {
    const where = predicates.includes(nameless) ? 'predicates' : 'compatible';
    return constraint(where, `${showJson(nameless)} is not a predicate's name; use a-z, digits, - and _`);
  }
  const twice = [predicates, roleCoverage].flatMap((names) =>
    names.filter((name, i) => names.indexOf(name) !== i),
  );
  if (twice[0] !== undefined)
    return constraint(
      predicates.includes(twice[0]) ? 'predicates' : 'roleCoverage',
      `${twice[0]} is listed twice; list it once`,
    );
  const stranger = Object.keys(compatible).find((other) => other === id || !isVariableId(other));
  if (stranger === undefined) return undefined;
  return constraint(
    `compatible.${stranger}`,
    `${showJson(stranger)} is not the id of another variable; mend it`,
  );
}

function selectionProblem({ agents, constraints }: DefinitionShape): Problem | undefined {
  const { minActive = 0, maxConcurrent = Infinity, exclusive = [], requires = {} } = constraints;
  if (minActive > maxConcurrent) {
    return constraint(
      'minActive',
      `minActive ${minActive} is above maxConcurrent ${maxConcurrent}; lower it`,
    );
  }
  if (minActive > agents.length) {
    return constraint(
      'minActive',
      `minActive ${minActive} is more than the ${agents.length} agents; lower it`,
    );
  }
  const members = [...exclusive.flat(), ...Object.keys(requires), ...Object.values(requires).flat()];
  const unknown = members.find((agent) => agents.length > 0 && !agents.includes(agent));
  if (unknown !== undefined) {
    const where = exclusive.flat().includes(unknown) ? 'exclusive' : 'requires';
    return constraint(where, `${unknown} is not one of its agents; choose from ${listNames(agents)}`);
  }
  const self = exclusive.find(([left, right]) => left === right);
  return self === undefined
    ? undefined
    : constraint('exclusive', `${self[0]} cannot exclude itself; name two agents`);
}

function setKeys(limits: Domain | Constraints): string[] {
  return Object.entries(limits).flatMap(([key, value]) => (value === undefined ? [] : [key]));
}

function constraint(name: string, message: string): Problem {
  return wrong('invalid-constraint', `constraints.${name}`, message);
}

function wrong(code: Problem['code'], field: string, message: string): Problem {
  return { code, field, message };
}
