/** What recovery looks at: the space as it stands, and what is worked out of it once for all its agents. Pure. */
import { observedKey, type ObservedInstance } from '@mabeam/cluster';
import type { SpaceView, VariableState } from '@mabeam/variables';
import type { SpaceRecord } from '../definition/space-record.ts';
import type { DefinedAgent } from '../instances/desired.ts';
import type { InstanceLease } from '../instances/reconcile.ts';
import { startOrderOf } from '../instances/start-order.ts';
import type { StoredRecovery } from './recovery-record.ts';
import { governanceBy } from './standing.ts';
import { siblingsToRenew, supervisorsOf, type Governance } from './supervision.ts';

/** All that recovery looks at. */
export interface RecoveryInput {
  readonly agents: readonly DefinedAgent[];
  /** Agents that take part; who is given up does not. */
  readonly active: ReadonlySet<string>;
  /** The instances of ours that ought to run, `<agent>.<ordinal>`. */
  readonly desired: ReadonlySet<string>;
  readonly observed: readonly ObservedInstance[];
  readonly leases: readonly InstanceLease[];
  /** Incarnations whose host is gone, for long enough. */
  readonly lost: ReadonlySet<string>;
  /** Lives that somebody says have failed, whatever their hosts see, and why. */
  readonly reported?: ReadonlyMap<string, string>;
  /** By agent. */
  readonly records: ReadonlyMap<string, StoredRecovery>;
  readonly space: SpaceRecord | undefined;
  readonly view: SpaceView;
  /** ms since the epoch. */
  readonly now: number;
  /** How long an agent may be down before it leaves the graph; default 5 000. */
  readonly patienceMs?: number;
}

/** The input, with what is worked out of it once. */
export interface Scene extends RecoveryInput {
  readonly variables: readonly VariableState[];
  readonly governance: (agent: string) => Governance;
  /** The siblings that go down with an agent, in the order in which they start; failures are rare, and so is the question. */
  readonly siblingsOf: (agent: string) => readonly string[];
  /** Live incarnations that are active, by `<agent>.<ordinal>`. */
  readonly up: ReadonlyMap<string, string>;
}

/** Works it out. */
export function sceneOf(input: RecoveryInput): Scene {
  const variables = [...input.view.variables.values()];
  const specs = input.agents.map(({ spec }) => spec);
  const governance = governanceBy({ ...input, variables });
  const held = new Map(input.leases.map((lease) => [observedKey(lease), lease.incarnation]));
  const up = input.observed.filter(
    (instance) => instance.status === 'active' && held.get(observedKey(instance)) === instance.incarnation,
  );
  return {
    ...input,
    variables,
    governance,
    siblingsOf: (agent) => {
      const { strategy } = governance(agent).policy;
      if (strategy === 'one-for-one') return [];
      return siblingsToRenew(agent, strategy, supervisorsOf(specs, input.space), startOrderOf(specs).agents);
    },
    up: new Map(up.map((instance) => [observedKey(instance), instance.incarnation])),
  };
}
