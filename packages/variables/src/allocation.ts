/**
 * The values of a resource-allocation: what each agent may use, as amounts or as shares of the whole. Pure.
 *
 *   amounts  {"judge": {"memory": 268435456, "cpuWeight": 0.5, "networkPriority": "high"}}
 *   shares   {"judge": 0.6, "words": 0.4}        together at most 1
 */
import { isId } from '@mabeam/bus';
import { isPlainObject, showJson, type Json } from './json.ts';
import { listNames, type Problem } from './problem.ts';
import { networkPriorities, type NetworkPriority } from './resources.ts';
import type { VariableDefinition } from './variable.ts';

/** What an agent may use. */
export interface ResourceAllocation {
  /** Bytes, whole, above 0. */
  readonly memory: number;
  /** Cores, above 0. */
  readonly cpuWeight: number;
  readonly networkPriority: NetworkPriority;
}

/** What a sum of shares may exceed 1 by: thirds add up too. */
const roundingSlack = 1e-9;

const aliases: Readonly<Record<string, string>> = {
  cpu_weight: 'cpuWeight',
  network_priority: 'networkPriority',
};

/** The allocation in full form, or the first thing wrong with it. */
export function judgeAllocation(
  definition: VariableDefinition,
  value: Json,
): Problem | { readonly value: Json } {
  if (!isPlainObject(value)) {
    return outside(
      'value',
      `${showJson(value)} is not an allocation; give {agent: {memory, cpuWeight}} or {agent: share}`,
    );
  }
  const stranger = Object.keys(value).find((agent) => !isMember(definition, agent));
  if (stranger !== undefined) {
    const whom = definition.agents.length > 0 ? listNames(definition.agents) : 'agent ids';
    return outside(`value.${stranger}`, `${stranger} is not one of its agents; choose from ${whom}`);
  }
  const isShares = Object.values(value).some((part) => typeof part === 'number');
  return isShares ? judgeShares(value) : judgeAmounts(definition, value);
}

/** Equal shares for the listed agents. */
export function equalShares(agents: readonly string[]): Json {
  return Object.fromEntries(agents.map((agent) => [agent, 1 / agents.length]));
}

function judgeShares(given: Readonly<Record<string, unknown>>): Problem | { readonly value: Json } {
  const shares: Record<string, number> = {};
  for (const [agent, share] of Object.entries(given)) {
    if (typeof share !== 'number' || share < 0 || share > 1) {
      const message = `${showJson(share)} is not a share; give each agent a number from 0 to 1, or each its amounts`;
      return outside(`value.${agent}`, message);
    }
    shares[agent] = share;
  }
  const sum = Object.values(shares).reduce((total, share) => total + share, 0);
  if (sum <= 1 + roundingSlack) return { value: shares };
  return violated(
    'value',
    `the shares add up to ${Number(sum.toPrecision(12))}, at most 1 is there; lower some`,
  );
}

function judgeAmounts(
  definition: VariableDefinition,
  given: Readonly<Record<string, unknown>>,
): Problem | { readonly value: Json } {
  const amounts: Record<string, ResourceAllocation> = {};
  for (const [agent, part] of Object.entries(given)) {
    const judged = judgeAmount(part, `value.${agent}`);
    if ('code' in judged) return judged;
    amounts[agent] = judged;
  }
  return beyondLimit(definition, Object.values(amounts)) ?? { value: { ...jsonOf(amounts) } };
}

function judgeAmount(part: unknown, field: string): Problem | ResourceAllocation {
  if (!isPlainObject(part)) return outside(field, `${showJson(part)} is no amount; give {memory, cpuWeight}`);
  const named = Object.fromEntries(Object.entries(part).map(([key, held]) => [ownName(key), held]));
  const { memory, cpuWeight, networkPriority = 'normal', ...rest } = named;
  const [stranger] = Object.keys(rest);
  if (stranger !== undefined) return outside(`${field}.${stranger}`, 'is no resource; remove it');
  if (typeof memory !== 'number' || !Number.isSafeInteger(memory) || memory <= 0)
    return outside(`${field}.memory`, `${showJson(memory)} is not a whole number of bytes above 0`);
  if (typeof cpuWeight !== 'number' || !(cpuWeight > 0))
    return outside(`${field}.cpuWeight`, `${showJson(cpuWeight)} is not a number of cores above 0`);
  const priority = networkPriorities.find((name) => name === networkPriority);
  if (priority !== undefined) return { memory, cpuWeight, networkPriority: priority };
  const known = listNames(networkPriorities);
  return outside(`${field}.networkPriority`, `${showJson(networkPriority)} is not one of ${known}`);
}

function beyondLimit(
  { constraints }: VariableDefinition,
  amounts: readonly ResourceAllocation[],
): Problem | undefined {
  for (const resource of ['memory', 'cpuWeight'] as const) {
    const limit = constraints.resourceLimit?.[resource];
    const sum = amounts.reduce((total, amount) => total + amount[resource], 0);
    if (limit === undefined || sum <= limit * (1 + roundingSlack)) continue;
    const message = `${resource} adds up to ${sum}, at most ${limit} is there; lower some`;
    return violated(`constraints.resourceLimit.${resource}`, message);
  }
  return undefined;
}

function jsonOf(amounts: Readonly<Record<string, ResourceAllocation>>): { readonly [key: string]: Json } {
  return Object.fromEntries(Object.entries(amounts).map(([agent, amount]) => [agent, { ...amount }]));
}

function ownName(key: string): string {
  return (Object.hasOwn(aliases, key) ? aliases[key] : undefined) ?? key;
}

function isMember({ agents }: VariableDefinition, agent: string): boolean {
  return agents.length > 0 ? agents.includes(agent) : isId(agent);
}

function outside(field: string, message: string): Problem {
  return { code: 'out-of-domain', field, message };
}

function violated(field: string, message: string): Problem {
  return { code: 'constraint-violation', field, message };
}
