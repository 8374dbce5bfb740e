/**
 * `coordinateResources`: who gets how much of what there is. Pure.
 *
 * Priorities are served from high to low. Those of one priority share what is left by weighted max-min fairness: the water
 * rises for all in proportion to their weights until each has what it asked for or nothing is left (Bertsekas and Gallager,
 * Data Networks, 6.5.2); whole units, by largest remainder.
 *
 * Promise: of no resource is more granted than there is; the order of the requests changes nothing; where nobody insists on all
 * or nothing, a request never gets less because its priority was raised.
 */
import { byText } from '../conflicts/conflict.ts';
import { coordinationError } from '../errors.ts';
import {
  assertRequests,
  defaultLeaseMs,
  type DeniedRequest,
  type ResourceGrant,
  type ResourceRequest,
} from './request.ts';
import { splitByRemainder } from './whole-units.ts';

/** What the division comes to. Every request is in one of the two lists. */
export interface Division {
  readonly grants: readonly ResourceGrant[];
  readonly denied: readonly DeniedRequest[];
}

/** One demand on a resource: the requests that are served together, with what they need at most. */
interface Demand {
  readonly requests: readonly ResourceRequest[];
  readonly amount: number;
  readonly priority: number;
  readonly weight: number;
  readonly isAtomic: boolean;
  readonly key: string;
}

/**
 * Divides what is available among requests. Requests that share (`share-with`) are deducted once, by the larger of them.
 * `isAtomic` asks for all requests in full or none. Throws `over-capacity` then, `unknown-resource`, `invalid-amount`, `no-resources`.
 */
export function coordinateResources(
  requests: readonly ResourceRequest[],
  available: Readonly<Record<string, number>>,
  options: { readonly isAtomic?: boolean } = {},
): Division {
  assertRequests(requests, available);
  const divisions = [...Map.groupBy(requests, ({ resource }) => resource)].map(([resource, all]) =>
    divideOne(demandsOf(all), available[resource] ?? 0),
  );
  const grants = divisions.flatMap((division) => division.grants).toSorted(byPartyAndResource);
  const denied = divisions.flatMap((division) => division.denied).toSorted(byPartyAndResource);
  const wanted = requests.reduce((sum, { amount }) => sum + amount, 0);
  const granted = grants.reduce((sum, { amount }) => sum + amount, 0);
  if (options.isAtomic === true && granted < wanted) {
    const message = `all requests together ask for more than there is: ${granted} of ${wanted} units could be granted`;
    throw coordinationError('over-capacity', message, { details: { wanted, granted } });
  }
  return { grants, denied };
}

/** Weighted max-min shares of `capacity`; real numbers, none above its demand. */
export function fillWater(
  demands: readonly { readonly amount: number; readonly weight: number }[],
  capacity: number,
): number[] {
  const order = demands
    .map((demand, at) => ({ at, level: demand.amount / demand.weight }))
    .toSorted((a, b) => a.level - b.level);
  const shares = demands.map(() => 0);
  let left = capacity;
  let weight = demands.reduce((sum, demand) => sum + demand.weight, 0);
  for (const { at } of order) {
    const demand = demands[at];
    if (demand === undefined) continue;
    const share = Math.max(0, Math.min(demand.amount, (left * demand.weight) / weight));
    shares[at] = share;
    left -= share;
    weight -= demand.weight;
  }
  return shares;
}

function divideOne(demands: readonly Demand[], capacity: number): Division {
  const classes = [...Map.groupBy(demands, ({ priority }) => priority)].toSorted(([a], [b]) => b - a);
  const grants: ResourceGrant[] = [];
  const denied: DeniedRequest[] = [];
  let left = capacity;
  for (const [, members] of classes) {
    const given = serveClass(members, left);
    for (const [at, demand] of members.entries()) {
      const amount = given[at] ?? 0;
      left -= amount;
      const reason = demand.amount > capacity ? 'over-capacity' : 'exhausted';
      for (const request of demand.requests) {
        if (amount > 0) grants.push(grantOf(request, Math.min(amount, request.amount)));
        else
          denied.push({ party: request.party, resource: request.resource, amount: request.amount, reason });
      }
    }
  }
  return { grants, denied };
}

/** Whole shares of one priority. An atomic demand that would get too little steps back, the largest first, and frees its part. */
function serveClass(members: readonly Demand[], capacity: number): number[] {
  const out = new Set<Demand>();
  for (;;) {
    const present = members.filter((demand) => !out.has(demand));
    const total = Math.min(
      capacity,
      present.reduce((sum, { amount }) => sum + amount, 0),
    );
    const parts = splitByRemainder(total, fillWater(present, capacity));
    const short = present.filter((demand, at) => demand.isAtomic && (parts[at] ?? 0) < demand.amount);
    const [largest] = short.toSorted(
      (a, b) => b.amount / b.weight - a.amount / a.weight || byText(b.key, a.key),
    );
    if (largest === undefined) {
      const given = new Map(present.map((demand, at) => [demand, parts[at] ?? 0]));
      return members.map((demand) => given.get(demand) ?? 0);
    }
    out.add(largest);
  }
}

/** The demands on one resource, by party; a pair that shares is one. */
function demandsOf(requests: readonly ResourceRequest[]): Demand[] {
  const groups = Map.groupBy(requests.toSorted(byRequest), sharersOf);
  return [...groups]
    .flatMap(([key, members]): Demand[] =>
      key.includes(' ') ? [demandOf(members, key)] : members.map((one) => demandOf([one], key)),
    )
    .toSorted((a, b) => byText(a.key, b.key));
}

function demandOf(requests: readonly ResourceRequest[], key: string): Demand {
  return {
    requests,
    key,
    amount: Math.max(...requests.map(({ amount }) => amount)),
    priority: Math.max(...requests.map(({ priority = 0 }) => priority)),
    weight: Math.max(...requests.map(({ weight = 1 }) => weight)),
    isAtomic: requests.some(({ isAtomic }) => isAtomic === true),
  };
}

/** The parties of a request, by id: two when it is shared. */
function sharersOf({ conditions = [], party }: ResourceRequest): string {
  const other = conditions.find((condition) => condition.kind === 'share-with');
  return other === undefined ? party : [party, other.party].toSorted().join(' ');
}

function grantOf(
  { conditions = [], durationMs = 'indefinite', party, resource }: ResourceRequest,
  amount: number,
): ResourceGrant {
  const isRenewable = durationMs === 'indefinite';
  return {
    party,
    resource,
    amount,
    durationMs: isRenewable ? defaultLeaseMs : durationMs,
    isRenewable,
    conditions,
  };
}

function byPartyAndResource(
  a: { readonly party: string; readonly resource: string; readonly amount: number },
  b: { readonly party: string; readonly resource: string; readonly amount: number },
): number {
  return byText(a.party, b.party) || byText(a.resource, b.resource) || b.amount - a.amount;
}

function byRequest(a: ResourceRequest, b: ResourceRequest): number {
  return (
    byText(a.party, b.party) ||
    b.amount - a.amount ||
    (b.priority ?? 0) - (a.priority ?? 0) ||
    (b.weight ?? 1) - (a.weight ?? 1)
  );
}
