/** The shape of a definition: do its agents, domain and constraints make sense for its kind, and together? Pure. */
import { domainProblem, isNumeric, type Domain } from './domain.ts';
import { showJson } from './json.ts';
import { listNames, type Problem } from './problem.ts';
import type { Constraints, VariableDefinition, VariableKind } from './variable.ts';

/** A definition before its initial value is judged. */
export type DefinitionShape = Omit<VariableDefinition, 'initial'>;

/** The first thing wrong with the agents, the domain and the constraints of a definition; undefined when they are sound. */
export function shapeProblem(definition: DefinitionShape): Problem | undefined {
  const { agents, kind, domain } = definition;
  const twice = agents.find((agent, i) => agents.indexOf(agent) !== i);
  if (twice !== undefined)
    return wrong('duplicate-agents', 'agents', `${twice} is listed twice; list each agent once`);
  if (kind === 'agent-selection' && agents.length === 0) {
    return wrong('empty-agents', 'agents', 'a selection needs candidates; list at least one agent');
  }
  return misplacedLimit(kind, domain) ?? domainProblem(domain) ?? constraintProblem(definition);
}

const limitsOf: Readonly<Record<VariableKind, readonly string[]>> = {
  'agent-selection': ['minActive', 'maxConcurrent', 'exclusive', 'requires'],
  'performance-threshold': ['min', 'max', 'step', 'enum'],
  'communication-topology': ['patterns', 'allowPartition'],
  custom: ['min', 'max', 'step', 'enum', 'pattern'],
};

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

function constraintProblem({ kind, agents, constraints }: DefinitionShape): Problem | undefined {
  const stray = setKeys(constraints).find((key) => !limitsOf[kind].includes(key));
  if (stray !== undefined) {
    return constraint(stray, `a ${kind} has no ${stray}; it knows ${listNames(limitsOf[kind])}`);
  }
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
