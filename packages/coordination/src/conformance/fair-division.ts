/**
 * What every way of dividing resources must keep to, ours and a user's own: cases with a name and a check that throws an
 * AssertionError. A divider takes requests and what there is, as `coordinateResources` does.
 */
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import type { Division } from '../resources/coordinate.ts';
import type { ResourceRequest } from '../resources/request.ts';
import type { ConformanceCase } from './negotiation.ts';

/** A way of dividing. */
export type Divider = (
  requests: readonly ResourceRequest[],
  available: Readonly<Record<string, number>>,
) => Division;

const available = { memory: 100, cpu: 7 };
const requests: readonly ResourceRequest[] = [
  { party: 'a', resource: 'memory', amount: 80 },
  { party: 'b', resource: 'memory', amount: 70 },
  { party: 'b', resource: 'cpu', amount: 5, priority: 2 },
  { party: 'c', resource: 'cpu', amount: 5, priority: 1 },
  { party: 'd', resource: 'cpu', amount: 5 },
];

/** The cases for one divider. */
export function divisionConformance(divide: Divider): ConformanceCase[] {
  return [
    {
      name: 'of nothing is more granted than there is, and to nobody more than it asked for',
      run: () => {
        const { grants } = divide(requests, available);
        for (const [resource, amount] of Object.entries(available)) {
          const sum = grants
            .filter((one) => one.resource === resource)
            .reduce((all, one) => all + one.amount, 0);
          ok(sum <= amount, `${sum} of ${amount} ${resource} is granted`);
        }
        for (const grant of grants) {
          const asked = requests.find(
            ({ party, resource }) => party === grant.party && resource === grant.resource,
          );
          ok(asked !== undefined && grant.amount <= asked.amount && grant.amount > 0);
        }
      },
    },
    {
      name: 'each request is granted something or denied, never both and never neither',
      run: () => {
        const { denied, grants } = divide(requests, available);
        const named = [...grants, ...denied].map(({ party, resource }) => `${party} ${resource}`).toSorted();
        deepStrictEqual(named, requests.map(({ party, resource }) => `${party} ${resource}`).toSorted());
      },
    },
    {
      name: 'the order of the requests changes nothing',
      run: () => deepStrictEqual(divide(requests.toReversed(), available), divide(requests, available)),
    },
    {
      name: 'who asks for what nobody competes for gets it',
      run: () => {
        const alone: ResourceRequest = { party: 'a', resource: 'cpu', amount: 7 };
        strictEqual(divide([alone], available).grants[0]?.amount, 7);
      },
    },
    {
      name: 'what is left over is not withheld from those who want it',
      run: () => {
        const { grants } = divide(requests, available);
        strictEqual(
          grants.filter(({ resource }) => resource === 'memory').reduce((sum, { amount }) => sum + amount, 0),
          100,
        );
      },
    },
  ];
}
