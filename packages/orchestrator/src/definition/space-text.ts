/**
 * From a definition back to the text a person would write for it: the inverse of parse-space-definition.ts. Pure.
 *
 * Promise: reading the text gives the same definition. What has its default is left out.
 */
import type { AgentSpec } from '@mabeam/agents';
import type { VariableDefinition } from '@mabeam/variables';
import { stringify } from 'yaml';
import type { SpaceDefinition } from './space-definition.ts';

/** The definition as the plain object that its YAML or JSON file holds. */
export function spaceDocument(definition: SpaceDefinition): Readonly<Record<string, unknown>> {
  const { space, name, pool, supervision, edges, agents, variables, scaling = [], rules } = definition;
  const document = {
    space,
    name,
    pool,
    supervision,
    edges,
    agents: byId(agents, agentDocument),
    variables: byId(variables, variableDocument),
    scaling: byId(scaling, ({ v: _v, id: _id, ...policy }) => policy),
    rules: byId(rules, ({ v: _v, id: _id, ...rule }) => rule),
  };
  return written(document);
}

/** The definition as YAML; `schema` is where editors find its schema. */
export function spaceYaml(definition: SpaceDefinition, schema?: string): string {
  const head = schema === undefined ? '' : `# yaml-language-server: $schema=${schema}\n`;
  return `${head}${stringify(spaceDocument(definition), { lineWidth: 120, aliasDuplicateObjects: false })}`;
}

function agentDocument({ v: _v, id: _id, ...spec }: AgentSpec): object {
  const { run, replicas, bounds, config, variables, role, restart, ...rest } = spec;
  return {
    ...run,
    role: role === 'executor' ? undefined : role,
    ...rest,
    replicas: bounds === undefined ? (replicas === 1 ? undefined : replicas) : replicasIn(replicas, bounds),
    restart: restart === 'permanent' ? undefined : restart,
    config: unlessEmpty(config),
    variables: unlessEmpty(variables),
  };
}

function replicasIn(replicas: number, { min, max }: NonNullable<AgentSpec['bounds']>): object {
  return { min, max, initial: replicas === min ? undefined : replicas };
}

function variableDocument({ v: _v, id: _id, ...definition }: VariableDefinition): object {
  const { kind, scope, agents, domain, constraints, ...rest } = definition;
  return {
    kind,
    scope: scope === 'global' ? undefined : scope,
    agents: agents.length === 0 ? undefined : agents,
    domain: unlessEmpty(domain),
    constraints: unlessEmpty(constraints),
    ...rest,
  };
}

function byId<T extends { readonly id: string }>(
  parts: readonly T[],
  document: (part: T) => object,
): object | undefined {
  return unlessEmpty(Object.fromEntries(parts.map((part) => [part.id, document(part)])));
}

function unlessEmpty<T extends object>(value: T): T | undefined {
  return Object.values(value).some((member) => member !== undefined) ? value : undefined;
}

/** Without the fields that are undefined. */
function written(document: object): Readonly<Record<string, unknown>> {
  // A definition is JSON, so this is a copy of it and nothing else.
  return JSON.parse(JSON.stringify(document)) as Readonly<Record<string, unknown>>;
}
