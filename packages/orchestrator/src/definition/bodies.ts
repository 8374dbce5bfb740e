/** The bodies of a space's parts, by the keys they are kept under: those of a definition, and those that a bucket has. Pure. */
import { parseJson, type BucketEntry } from '@mabeam/bus';
import { definitionKey } from '@mabeam/variables';
import { ruleKey } from '../state/space-state.ts';
import { scalingKey } from './scaling-policy.ts';
import { spaceRecordIn, type SpaceDefinition } from './space-definition.ts';
import { spaceKey } from './space-record.ts';

/** The bodies of a definition by the keys they are kept under. */
export function definitionBodies(definition: SpaceDefinition): ReadonlyMap<string, unknown> {
  const record = spaceRecordIn(definition);
  return new Map<string, unknown>(
    [
      ...(record === undefined ? [] : [[spaceKey, record] as const]),
      ...definition.agents.map((spec) => [agentKey(spec.id), spec] as const),
      ...definition.variables.map((variable) => [definitionKey(variable.id), variable] as const),
      ...(definition.scaling ?? []).map((policy) => [scalingKey(policy.id), policy] as const),
      ...definition.rules.map((rule) => [ruleKey(rule.id), rule] as const),
    ].map(([key, body]) => [key, plain(body)]),
  );
}

/** The bodies of the parts that a bucket has, by their keys. */
export function presentBodies(entries: readonly BucketEntry[]): ReadonlyMap<string, unknown> {
  const parts = entries.filter(({ key }) => key.startsWith('definition.'));
  return new Map(parts.map((entry) => [entry.key, bodyOf(entry)]));
}

function agentKey(agent: string): string {
  return `definition.agent.${agent}`;
}

/** The JSON in an entry; undefined when there is none, or when it is no JSON and so is to be replaced. */
export function bodyOf(entry: BucketEntry | undefined): unknown {
  if (entry === undefined) return undefined;
  try {
    return parseJson(entry.data);
  } catch {
    return undefined;
  }
}

/** A body as it will be read back: without the fields that are undefined. */
function plain(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body)) as unknown;
}
