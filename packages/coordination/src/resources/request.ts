/** Requests for resources and what is granted: plain data, checked. Amounts are whole numbers of the resource's unit. */
import { parseId } from '@mabeam/bus';
import { isAmount, isWeighable } from '../conflicts/conflict.ts';
import { coordinationError } from '../errors.ts';

/** What a grant is bound to. */
export type GrantCondition =
  /** Given back when nobody reports that it is used, for so long. */
  | { readonly kind: 'release-on-idle'; readonly afterMs: number }
  /** Another party may use it too; it is deducted once, and gone when both have released it. */
  | { readonly kind: 'share-with'; readonly party: string }
  /** Taken away, with notice, for a request of this priority or above that cannot be served otherwise. */
  | { readonly kind: 'priority-preemption'; readonly priority: number };

/** How long a grant is wanted. `indefinite` is a lease that is renewed. */
export type GrantDuration = number | 'indefinite';

/** One party's wish for one resource. */
export interface ResourceRequest {
  readonly party: string;
  readonly resource: string;
  /** Above 0. */
  readonly amount: number;
  /** Larger is served first. Default 0. */
  readonly priority?: number;
  /** Inside of a priority, above 0. Default 1. */
  readonly weight?: number;
  readonly durationMs?: GrantDuration;
  /** All of it or nothing. */
  readonly isAtomic?: boolean;
  readonly conditions?: readonly GrantCondition[];
}

/** What a party gets; never nothing. */
export interface ResourceGrant {
  readonly party: string;
  readonly resource: string;
  readonly amount: number;
  readonly durationMs: number;
  /** It may be renewed before it ends. */
  readonly isRenewable: boolean;
  readonly conditions: readonly GrantCondition[];
}

/** A request that got nothing. */
export interface DeniedRequest {
  readonly party: string;
  readonly resource: string;
  readonly amount: number;
  readonly reason: 'over-capacity' | 'exhausted';
}

/** A lease unless stated otherwise. */
export const defaultLeaseMs = 30_000;

/** The parts of a resource allocation that can be counted: bytes of memory, thousandths of a core. */
export function poolOf(allocation: {
  readonly memory: number;
  readonly cpuWeight: number;
}): Record<string, number> {
  return { memory: Math.floor(allocation.memory), cpu: Math.floor(allocation.cpuWeight * 1_000) };
}

/** Throws `no-resources`, `invalid-amount` or `unknown-resource` for what cannot be divided. */
export function assertRequests(
  requests: readonly ResourceRequest[],
  available: Readonly<Record<string, number>>,
): void {
  if (Object.keys(available).length === 0)
    throw coordinationError('no-resources', 'there is nothing to divide; name at least one resource');
  for (const [resource, amount] of Object.entries(available)) assertAmount(resource, amount, 'available');
  for (const { amount, party, resource, weight = 1, priority = 0 } of requests) {
    parseId('party', party);
    if (!Object.hasOwn(available, resource)) {
      const cure = `ask for one of ${Object.keys(available).join(', ')}`;
      throw coordinationError(
        'unknown-resource',
        `${party} asks for ${resource}, which is not there; ${cure}`,
        {
          details: { party, resource },
        },
      );
    }
    assertAmount(resource, amount, party, 1);
    if (!isWeighable(weight) || !Number.isFinite(priority))
      throw invalidAmount(
        resource,
        party,
        'its weight must be above 0, up to 1e100, and its priority a number',
      );
  }
}

function assertAmount(resource: string, amount: number, whose: string, least = 0): void {
  if (!isAmount(amount) || amount < least)
    throw invalidAmount(
      resource,
      whose,
      `${amount} is not a whole number from ${least}; choose a finer unit`,
    );
}

function invalidAmount(resource: string, whose: string, why: string): Error {
  return coordinationError('invalid-amount', `${resource} of ${whose}: ${why}`, {
    details: { resource, whose },
  });
}
