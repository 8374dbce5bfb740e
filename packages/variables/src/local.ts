/**
 * Local variables: what an agent's definition declares under `variables`, as definitions called `<agent>.<name>`.
 *
 * Loose on purpose: the rest of an agent's definition belongs to the agents package. One faulty variable does not hide its
 * siblings.
 */
import { isId } from '@mabeam/bus';
import { domainProblem, type Domain } from './domain.ts';
import { domainSchema, withInitial } from './definition.ts';
import { isPlainObject } from './json.ts';
import type { Problem } from './problem.ts';
import type { VariableDefinition } from './variable.ts';

/** What an agent's definition declares, and what in it could not be used. */
export interface LocalDefinitions {
  readonly definitions: readonly VariableDefinition[];
  readonly problems: readonly Problem[];
}

/** The local variables in the JSON of an agent's definition. */
export function localDefinitions(agent: string, body: unknown): LocalDefinitions {
  const declared = isPlainObject(body) ? body['variables'] : undefined;
  if (!isPlainObject(body) || (declared !== undefined && !isPlainObject(declared))) {
    const field = isPlainObject(body) ? 'variables' : '';
    const message = 'an agent definition is an object, and so are its variables; mend it';
    return { definitions: [], problems: [{ code: 'invalid-definition', field, message }] };
  }
  const made = Object.entries(declared ?? {}).map(([name, limits]) => localDefinition(agent, name, limits));
  return {
    definitions: made.flatMap((item) => ('code' in item ? [] : [item])),
    problems: made.flatMap((item) => ('code' in item ? [item] : [])),
  };
}

/** The role that an agent's definition gives it: `executor` when it says nothing. */
export function declaredRole(body: unknown): string | undefined {
  if (!isPlainObject(body)) return undefined;
  const { role = 'executor' } = body;
  return typeof role === 'string' ? role : undefined;
}

function localDefinition(agent: string, name: string, declared: unknown): VariableDefinition | Problem {
  const field = `variables.${name}`;
  if (!isId(name)) return wrong(field, `"${name}" is not an id; choose another name`);
  if (!isPlainObject(declared))
    return wrong(field, 'is not an object; give {initial, min?, max?, step?, enum?, pattern?}');
  const { initial, ...limits } = declared;
  const domain = domainSchema.safeParse(limits);
  if (!domain.success) return wrong(field, domain.error.issues[0]?.message ?? 'malformed limits');
  const problem = domainProblem(domain.data);
  if (problem !== undefined)
    return { ...problem, field: `${field}.${problem.field.replace(/^domain\./, '')}` };
  const made = withInitial(bare(agent, name, domain.data), initial);
  return 'code' in made ? { ...made, field: `${field}.${made.field}` } : made;
}

function bare(agent: string, name: string, domain: Domain): VariableDefinition {
  const id = `${agent}.${name}`;
  return {
    v: 1,
    id,
    kind: 'custom',
    scope: 'local',
    agents: [agent],
    domain,
    constraints: {},
    initial: null,
  };
}

function wrong(field: string, message: string): Problem {
  return { code: 'invalid-definition', field, message };
}
