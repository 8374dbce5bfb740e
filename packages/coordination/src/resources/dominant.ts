/**
 * Dominant-resource fairness (Ghodsi et al., NSDI 2011): fair shares when a task needs several resources at once. A party's
 * dominant share is its largest share of any resource, divided by its weight. Pure.
 *
 * Promise of `divideDominantly`: nobody would rather have another's bundle (envy-freeness, weights considered), nobody can
 * get more without another getting less (Pareto), and everybody has at least what an equal split would give it (sharing incentive).
 */
import { byText, isWeighable } from '../conflicts/conflict.ts';
import { coordinationError } from '../errors.ts';

/** Amounts by resource. */
export type Bundle = Readonly<Record<string, number>>;

/** What one task of a party needs. */
export interface TaskDemand {
  readonly party: string;
  /** Of each resource it needs, above 0; at least one. */
  readonly perTask: Bundle;
  /** Above 0. Default 1. */
  readonly weight?: number;
  /** No more tasks than this. */
  readonly atMost?: number;
}

/** The parties in the order in which they are offered next: the lowest weighted dominant share first, then by id. */
export function orderByDominantShare(
  allocations: Readonly<Record<string, Bundle>>,
  total: Bundle,
  weights: Readonly<Record<string, number>> = {},
): string[] {
  const share = (party: string): number =>
    dominantShare(allocations[party] ?? {}, total) / (weights[party] ?? 1);
  return Object.keys(allocations).toSorted((a, b) => share(a) - share(b) || byText(a, b));
}

/** The largest share of any resource in a bundle. */
export function dominantShare(bundle: Bundle, total: Bundle): number {
  return Math.max(
    0,
    ...Object.entries(bundle).map(([resource, amount]) =>
      amount === 0 ? 0 : amount / (total[resource] ?? 0),
    ),
  );
}

/**
 * Whole tasks by party: again and again one for the party with the lowest dominant share whose next task fits. Throws as
 * `divideDominantly`, and `invalid-amount` where a party could have more than 100 000.
 */
export function countDominantTasks(demands: readonly TaskDemand[], total: Bundle): Record<string, number> {
  assertDemands(demands, total);
  assertCountable(demands, total);
  const tasks = new Map(demands.map(({ party }) => [party, 0]));
  const left = { ...total };
  for (;;) {
    const [next] = demands
      .filter((demand) => (tasks.get(demand.party) ?? 0) < (demand.atMost ?? Number.POSITIVE_INFINITY))
      .filter(({ perTask }) =>
        Object.entries(perTask).every(([resource, amount]) => amount <= (left[resource] ?? 0)),
      )
      .map((demand) => ({
        demand,
        share: ((tasks.get(demand.party) ?? 0) * unitShare(demand, total)) / (demand.weight ?? 1),
      }))
      .toSorted((a, b) => a.share - b.share || byText(a.demand.party, b.demand.party));
    if (next === undefined) return Object.fromEntries(tasks);
    const { party, perTask } = next.demand;
    tasks.set(party, (tasks.get(party) ?? 0) + 1);
    for (const [resource, amount] of Object.entries(perTask)) left[resource] = (left[resource] ?? 0) - amount;
  }
}

/**
 * Tasks by party, also parts of tasks: all dominant shares rise together, in proportion to the weights; a party stops when it
 * has all it wants or a resource it needs is used up. Throws `unknown-resource`, `invalid-amount`, `no-resources`.
 */
export function divideDominantly(demands: readonly TaskDemand[], total: Bundle): Record<string, number> {
  assertDemands(demands, total);
  const tasks = new Map(demands.map(({ party }) => [party, 0]));
  let growing = [...demands];
  const left = { ...total };
  while (growing.length > 0) {
    const step = Math.min(
      ...growing.map(
        (demand) =>
          ((demand.atMost ?? Number.POSITIVE_INFINITY) - (tasks.get(demand.party) ?? 0)) /
          speedOf(demand, total),
      ),
      ...Object.entries(left).map(([resource, amount]) => {
        const use = useOf(growing, total, resource);
        return use > 0 ? amount / use : Number.POSITIVE_INFINITY;
      }),
    );
    for (const demand of growing)
      tasks.set(demand.party, (tasks.get(demand.party) ?? 0) + step * speedOf(demand, total));
    const used = new Map(
      Object.keys(left).map((resource) => [resource, step * useOf(growing, total, resource)]),
    );
    for (const [resource, amount] of used) left[resource] = Math.max(0, (left[resource] ?? 0) - amount);
    const isEmpty = (resource: string): boolean => (left[resource] ?? 0) <= dust * (total[resource] ?? 0);
    growing = growing.filter((demand) => {
      const isFull =
        (tasks.get(demand.party) ?? 0) >= (demand.atMost ?? Number.POSITIVE_INFINITY) * (1 - dust);
      return !isFull && !Object.keys(demand.perTask).some(isEmpty);
    });
  }
  return Object.fromEntries(tasks);
}

const dust = 1e-12;
/** Of one party, where whole tasks are counted. */
const mostTasks = 100_000;

/** Tasks by which a party grows while its weighted dominant share grows by 1. */
function speedOf(demand: TaskDemand, total: Bundle): number {
  return (demand.weight ?? 1) / unitShare(demand, total);
}

/** How much of a resource the growing parties take while their weighted dominant shares grow by 1; at least 0. */
function useOf(growing: readonly TaskDemand[], total: Bundle, resource: string): number {
  return growing.reduce((sum, demand) => sum + speedOf(demand, total) * (demand.perTask[resource] ?? 0), 0);
}

function unitShare({ perTask }: TaskDemand, total: Bundle): number {
  return dominantShare(perTask, total);
}

/** Whole tasks are given one by one. */
function assertCountable(demands: readonly TaskDemand[], total: Bundle): void {
  for (const { party, perTask, atMost = Number.POSITIVE_INFINITY } of demands) {
    const most = Object.entries(perTask).map(([resource, amount]) => (total[resource] ?? 0) / amount);
    if (Math.min(atMost, ...most) <= mostTasks) continue;
    const message = `${party} could have more than ${mostTasks} tasks; choose larger ones, say how many it wants, or divide parts of tasks`;
    throw coordinationError('invalid-amount', message, { details: { party } });
  }
}

function assertDemands(demands: readonly TaskDemand[], total: Bundle): void {
  if (!Object.values(total).some((amount) => amount > 0))
    throw coordinationError('no-resources', 'there is nothing to divide; name at least one resource');
  for (const { atMost = 0, party, perTask, weight = 1 } of demands) {
    const parts = Object.entries(perTask);
    const stranger = parts.find(([resource]) => !((total[resource] ?? 0) > 0));
    if (stranger !== undefined) {
      const details = { party, resource: stranger[0] };
      throw coordinationError('unknown-resource', `${party} needs ${stranger[0]}, of which there is none`, {
        details,
      });
    }
    const isCounted =
      parts.length > 0 &&
      parts.every(([resource, amount]) => isWeighable(amount) && isWeighable(total[resource] ?? 0));
    if (!isCounted || !isWeighable(weight) || !(atMost >= 0)) {
      const message = `${party}: a task needs amounts above 0 of at least one resource, and its weight must be above 0, all up to 1e100`;
      throw coordinationError('invalid-amount', message, { details: { party } });
    }
  }
}
