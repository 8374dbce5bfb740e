/**
 * Definitions: making and parsing what declares a variable.
 *
 * D1  What comes out is complete and sound: defaults filled in, members agents, limits consistent, `initial` normalised and
 *     valid. Nothing is stored; nothing that came in is changed.
 * D2  The first thing wrong is named by code and field, with the cure.
 * D3  The seed's snake_case names (kinds, constraints, `type`) are accepted as aliases; what comes out has ours.
 */
import * as z from 'zod';
import { parseId } from '@mabeam/bus';
import { adaptationPolicySchema } from './adaptation-policy.ts';
import { equalShares } from './allocation.ts';
import { distributionPolicySchema } from './distribution-policy.ts';
import type { Domain } from './domain.ts';
import { idText, variableIdText } from './id-text.ts';
import { isPlainObject, type Json } from './json.ts';
import { problemError, type Problem } from './problem.ts';
import { bytesSchema, resourceDemandSchema } from './resources.ts';
import { shapeProblem, type DefinitionShape } from './shape.ts';
import { topologyPatterns } from './topology.ts';
import { validateValue } from './value.ts';
import { failureAnswers, variableKinds, variableScopes, type VariableDefinition } from './variable.ts';

const json = z.custom<Json>((value) => value !== undefined, 'is missing');
const agentIds = z.array(idText('an agent id'));

/** The limits of a value, as they stand in a definition. */
export const domainSchema: z.ZodType<Domain> = z.strictObject({
  min: z.number().optional(),
  max: z.number().optional(),
  step: z.number().optional(),
  enum: z.array(json).optional(),
  pattern: z.string().optional(),
  patterns: z.array(z.enum(topologyPatterns)).optional(),
});

const constraintsSchema = z.strictObject({
  minActive: z.int().min(0).optional(),
  maxConcurrent: z.int().min(1).optional(),
  exclusive: z.array(z.tuple([z.string(), z.string()])).optional(),
  requires: z.record(z.string(), z.array(z.string())).optional(),
  roleCoverage: z.array(idText('a role')).min(1).optional(),
  allowPartition: z.boolean().optional(),
  resourceLimit: z
    .strictObject({ memory: bytesSchema.optional(), cpuWeight: z.number().positive().optional() })
    .optional(),
  predicates: z.array(z.string()).min(1).optional(),
  compatible: z.record(variableIdText(), z.string()).optional(),
});

/** The schema of a definition, from which other forms of it are made; `parseVariableDefinition` says more. */
export const variableDefinitionSchema = z.strictObject({
  v: z.literal(1).default(1),
  id: z.string(),
  kind: z.enum(variableKinds),
  scope: z.enum(variableScopes).default('global'),
  agents: agentIds.default([]),
  domain: domainSchema.default({}),
  constraints: constraintsSchema.default({}),
  initial: json.optional(),
  coordination: idText("a handler's name").optional(),
  adaptation: adaptationPolicySchema.optional(),
  onFailure: z.enum(failureAnswers).optional(),
  resources: resourceDemandSchema.optional(),
  priority: z.int().optional(),
  distribution: distributionPolicySchema.optional(),
});

/** What a reader of definitions does with fields it does not know: an author is told, a reader of newer data passes over them. */
export interface ParseDefinitionOptions {
  readonly unknownFields?: 'refuse' | 'ignore';
}

/**
 * The definition in a JSON value, complete and sound. Throws `invalid-id`, or an error of this package with `details.field`:
 * invalid-definition, unknown-option, unsupported-scope, duplicate-agents, empty-agents, invalid-domain, invalid-constraint, invalid-initial.
 */
export function parseVariableDefinition(
  input: unknown,
  options: ParseDefinitionOptions = {},
): VariableDefinition {
  const named = withoutAliases(input);
  const subject = isPlainObject(named) && typeof named['id'] === 'string' ? named['id'] : 'variable';
  const { success, data, error } = variableDefinitionSchema.safeParse(
    options.unknownFields === 'ignore' ? withoutStrangers(named) : named,
  );
  if (!success) throw problemError(problemOfIssue(error.issues[0]), subject);
  parseId('variable', data.id);
  const { initial = defaultInitial(data), ...rest } = data;
  const made = shapeProblem(rest) ?? withInitial({ ...rest, initial: null }, initial);
  if ('code' in made) throw problemError(made, subject);
  return made;
}

/** The definition with this initial value, normalised; a problem (`invalid-initial`) when it is missing or forbidden. */
export function withInitial(definition: VariableDefinition, initial: unknown): VariableDefinition | Problem {
  if (initial === undefined) {
    return wrong(
      'invalid-initial',
      'initial',
      `a ${definition.kind} has no initial value of its own; give one`,
    );
  }
  const verdict = validateValue(definition, initial);
  if (verdict.kind === 'valid') return { ...definition, initial: verdict.value };
  return wrong('invalid-initial', verdict.field.replace(/^value/, 'initial'), `initial: ${verdict.message}`);
}

function defaultInitial({ kind, agents, domain, constraints }: DefinitionShape): Json | undefined {
  switch (kind) {
    case 'agent-selection':
      return agents.slice(0, constraints.maxConcurrent ?? agents.length);
    case 'resource-allocation':
      return equalShares(agents);
    case 'communication-topology':
      return domain.patterns?.[0] ?? 'mesh';
    case 'coordination-pattern':
      return domain.patterns?.[0] ?? 'broadcast';
    case 'adaptation-rate':
      return 1;
    case 'performance-threshold':
    case 'custom':
      return undefined;
  }
}

type Aliases = Readonly<Record<string, string>>;

/** `min_active` for `minActive`: the seed's names of these fields. */
function snakeNames(shape: Readonly<Record<string, unknown>>): Aliases {
  const names = Object.keys(shape).map((name) => [
    name.replaceAll(/[A-Z]/g, (l) => `_${l.toLowerCase()}`),
    name,
  ]);
  return Object.fromEntries(names.filter(([alias, name]) => alias !== name));
}

const { shape } = variableDefinitionSchema;
const topAliases: Aliases = { type: 'kind', ...snakeNames(shape) };
const limitAliases: Aliases = { cpu_weight: 'cpuWeight' };
const partAliases: Readonly<Record<string, Aliases>> = {
  constraints: snakeNames(constraintsSchema.shape),
  adaptation: snakeNames(adaptationPolicySchema.shape),
  resources: snakeNames(resourceDemandSchema.shape),
  distribution: snakeNames(distributionPolicySchema.shape),
};

/** Fields whose value is one of our words, by the part they are in. */
const words: Readonly<Record<string, readonly string[]>> = {
  '': ['kind', 'onFailure'],
  adaptation: ['strategy'],
  distribution: ['consistency', 'conflict'],
};

function withoutAliases(input: unknown): unknown {
  if (!isPlainObject(input)) return input;
  const top = kebabWords(renamed(input, topAliases), '');
  for (const [part, aliases] of Object.entries(partAliases)) {
    const given = top[part];
    if (isPlainObject(given)) top[part] = kebabWords(renamed(given, aliases), part);
  }
  const { constraints } = top;
  if (isPlainObject(constraints) && isPlainObject(constraints['resourceLimit'])) {
    const resourceLimit = renamed(constraints['resourceLimit'], limitAliases);
    top['constraints'] = { ...constraints, resourceLimit };
  }
  return top;
}

function kebabWords(given: Record<string, unknown>, part: string): Record<string, unknown> {
  const ours = (words[part] ?? []).flatMap((field) => {
    const value = given[field];
    return typeof value === 'string' ? [[field, value.replaceAll('_', '-')]] : [];
  });
  return { ...given, ...Object.fromEntries(ours) };
}

/** Aliases become our names, unless ours is there too: then the alias stays and is refused as unknown. */
function renamed(
  given: Record<string, unknown>,
  known: Readonly<Record<string, string>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => {
      const name = Object.hasOwn(known, key) ? known[key] : undefined;
      return [name === undefined || Object.hasOwn(given, name) ? key : name, value];
    }),
  );
}

function withoutStrangers(input: unknown): unknown {
  if (!isPlainObject(input)) return input;
  return Object.fromEntries(
    Object.entries(input).filter(([key]) => Object.hasOwn(variableDefinitionSchema.shape, key)),
  );
}

function problemOfIssue(issue: z.core.$ZodIssue | undefined): Problem {
  const path = issue?.path.map(String) ?? [];
  const field = path.join('.');
  if (issue?.code === 'unrecognized_keys') {
    const stranger = [...path, issue.keys[0]].join('.');
    return wrong(
      'unknown-option',
      stranger,
      `${stranger} is not an option of a variable; remove it or mend its name`,
    );
  }
  const codes: Readonly<Record<string, Problem['code']>> = {
    domain: 'invalid-domain',
    constraints: 'invalid-constraint',
  };
  const code = codes[path[0] ?? ''] ?? 'invalid-definition';
  return wrong(
    code,
    field,
    `${field === '' ? 'the definition' : field}: ${issue?.message ?? 'malformed'}; mend the definition`,
  );
}

function wrong(code: Problem['code'], field: string, message: string): Problem {
  return { code, field, message };
}
