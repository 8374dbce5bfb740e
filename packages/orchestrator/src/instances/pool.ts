/**
 * The pool: what a space has of memory and cores, and who of those that want to start gets of it. Pure.
 *
 * Q1 available = total − what the started instances reserve; an instance has started when it holds a lease, when a start is under way
 *    for it, and as long as its lost host may return. Nobody is admitted for whom less is available than he asks for.
 * Q2 Who has the larger priority is admitted first, among equals who comes first in the order of starts.
 * Q3 Who has to wait keeps what is there for himself against those of a smaller priority, so that small ones do not starve a large
 *    one. One that asks for more than there is in all keeps nothing.
 */
import { demandOf, observedKey, type NodeRecord, type ResourceAmounts } from '@mabeam/cluster';
import type { ResourceDemand } from '@mabeam/variables';
import type { SpacePool } from '../definition/space-record.ts';
import type { DesiredInstance } from './desired.ts';

/** What a space has, what is reserved, and what is left; memory in bytes, cpu in cores. */
export interface PoolState {
  readonly total: ResourceAmounts;
  readonly reserved: ResourceAmounts;
  /** Never below 0, also when a node has just gone. */
  readonly available: ResourceAmounts;
}

/** Nothing of either. */
export const nothing: ResourceAmounts = { memory: 0, cpu: 0 };

/** What a space has in all: what its record says, and where that says nothing what its live nodes have. */
export function poolTotal(pool: SpacePool | undefined, nodes: readonly NodeRecord[]): ResourceAmounts {
  const ofNodes = addAll(nodes.map(({ capacity }) => capacity));
  return { memory: pool?.memory ?? ofNodes.memory, cpu: pool?.cpu ?? ofNodes.cpu };
}

/** The pool, with these reservations made. */
export function poolState(total: ResourceAmounts, reserved: ResourceAmounts): PoolState {
  return {
    total,
    reserved,
    available: {
      memory: Math.max(0, total.memory - reserved.memory),
      cpu: Math.max(0, total.cpu - reserved.cpu),
    },
  };
}

/** What holding the values of variables costs. */
export function heldByVariables(demands: readonly (ResourceDemand | undefined)[]): ResourceAmounts {
  return addAll(demands.map((resources) => demandOf({ resources })));
}

/** Does this fit into what is there? Sums of decimal fractions are not exact; memory is whole bytes. */
function fits(demand: ResourceAmounts, available: ResourceAmounts): boolean {
  return demand.memory <= available.memory && demand.cpu <= available.cpu + tolerance;
}

const tolerance = 1e-9;

/** The sum of both. */
export function add(one: ResourceAmounts, other: ResourceAmounts): ResourceAmounts {
  return { memory: one.memory + other.memory, cpu: one.cpu + other.cpu };
}

function less(one: ResourceAmounts, other: ResourceAmounts): ResourceAmounts {
  return { memory: one.memory - other.memory, cpu: one.cpu - other.cpu };
}

/** The sum of all. */
export function addAll(amounts: readonly ResourceAmounts[]): ResourceAmounts {
  return amounts.reduce(add, nothing);
}

/** How many more times a demand fits; without bounds when it asks for nothing. */
export function timesFitting(demand: ResourceAmounts, available: ResourceAmounts): number {
  const ofMemory = demand.memory > 0 ? available.memory / demand.memory : Number.POSITIVE_INFINITY;
  const ofCpu = demand.cpu > 0 ? (available.cpu + tolerance) / demand.cpu : Number.POSITIVE_INFINITY;
  return Math.max(0, Math.floor(Math.min(ofMemory, ofCpu)));
}

/** The budget of one look; instances are to be asked about in the order of {@link byPriority}. */
export class Budget {
  readonly #total: ResourceAmounts;
  #available: ResourceAmounts;
  /** Kept for those that wait, of a larger priority than the present one, and of the present one. */
  #kept = nothing;
  #keptHere = nothing;
  #priority = Number.POSITIVE_INFINITY;

  constructor({ available, total }: PoolState) {
    this.#total = total;
    this.#available = available;
  }

  /** Is there enough for an instance (Q1–Q3)? */
  fits(instance: DesiredInstance): boolean {
    const demand = this.#turnTo(instance);
    const isFree = demand.memory === 0 && demand.cpu === 0;
    return isFree || fits(demand, less(this.#available, this.#kept));
  }

  /** It is started, and has its part. */
  take(instance: DesiredInstance): void {
    this.#available = less(this.#available, this.#turnTo(instance));
  }

  /** One that has to wait keeps its part (Q3). */
  keepFor(instance: DesiredInstance): void {
    const demand = this.#turnTo(instance);
    if (fits(demand, this.#total)) this.#keptHere = add(this.#keptHere, demand);
  }

  #turnTo({ spec }: DesiredInstance): ResourceAmounts {
    const { priority = 0 } = spec;
    if (priority < this.#priority) {
      this.#kept = add(this.#kept, this.#keptHere);
      this.#keptHere = nothing;
      this.#priority = priority;
    }
    return demandOf(spec);
  }
}

/** Q2, for a stable sort. */
export function byPriority(a: DesiredInstance, b: DesiredInstance): number {
  return (b.spec.priority ?? 0) - (a.spec.priority ?? 0);
}

/** What each instance reserves, by its key; `specs` are those of all agents, for instances that are desired no more. */
export function reservationOf(
  instance: { readonly agent: string; readonly ordinal: number },
  desired: ReadonlyMap<string, DesiredInstance>,
  specs: ReadonlyMap<string, DesiredInstance['spec']>,
): ResourceAmounts {
  const spec = desired.get(observedKey(instance))?.spec ?? specs.get(instance.agent);
  return spec === undefined ? nothing : demandOf(spec);
}
