/**
 * An allocation as directives: a reconfiguration for each running agent whose limits are others than it has. Shares are shares of
 * what the space has in all. Pure.
 */
import type { Json, ResourceDemand, VariableDefinition } from '@mabeam/variables';
import { isRunning, type CoordinationContext, type Draft } from './coordination.ts';

type Amounts = Pick<ResourceDemand, 'memory' | 'cpuWeight' | 'networkPriority'>;

/** Who gets less frees; who gets more of one and less of another is not counted as freeing. */
export function allocationDrafts(
  definition: VariableDefinition,
  value: Json,
  context: CoordinationContext,
): readonly Draft[] {
  return Object.entries(isRecord(value) ? value : {}).flatMap(([agent, part]): Draft[] => {
    const standing = context.agents.get(agent);
    if (standing === undefined || !isRunning(standing)) return [];
    const wanted = amountsOf(definition, part, context);
    const held = standing.allocation ?? {};
    if (isSame(wanted, held)) return [];
    const resources = Object.fromEntries(
      Object.entries(wanted).flatMap(([name, amount]) => (amount === undefined ? [] : [[name, amount]])),
    );
    const grows = (name: 'memory' | 'cpuWeight'): boolean => (wanted[name] ?? 0) > (held[name] ?? 0);
    const frees = !grows('memory') && !grows('cpuWeight');
    return [{ agent, action: 'reconfigure', parameters: { resources }, frees }];
  });
}

/** What a part of an allocation comes to; shares are shares of what there is in all. */
export function amountsOf(
  { constraints, resources }: VariableDefinition,
  part: Json,
  { totalResources }: Pick<CoordinationContext, 'totalResources'>,
): Amounts {
  if (typeof part !== 'number') return isRecord(part) ? readAmounts(part) : {};
  const whole = (name: 'memory' | 'cpuWeight'): number | undefined =>
    resources?.[name] ?? constraints.resourceLimit?.[name] ?? totalResources?.[name];
  const [memory, cpuWeight] = [whole('memory'), whole('cpuWeight')];
  return {
    memory: memory === undefined ? undefined : Math.floor(memory * part),
    cpuWeight: cpuWeight === undefined ? undefined : cpuWeight * part,
  };
}

function readAmounts(part: { readonly [key: string]: Json }): Amounts {
  const { cpuWeight, memory, networkPriority } = part;
  return {
    memory: typeof memory === 'number' ? memory : undefined,
    cpuWeight: typeof cpuWeight === 'number' ? cpuWeight : undefined,
    // A validated amount has one of the four words, or none.
    networkPriority: networkPriority as ResourceDemand['networkPriority'],
  };
}

function isSame(left: Amounts, right: Amounts): boolean {
  const isClose = (a = 0, b = 0): boolean => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
  return (
    isClose(left.memory, right.memory) &&
    isClose(left.cpuWeight, right.cpuWeight) &&
    (left.networkPriority ?? 'normal') === (right.networkPriority ?? 'normal')
  );
}

function isRecord(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
