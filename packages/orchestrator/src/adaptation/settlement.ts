/**
 * Has a revision arrived everywhere? The question behind "applied". Pure.
 *
 * P1 Applied means: every desired instance is active and says it works with this revision or a later one, every live
 *    instance of an active agent started elsewhere too, and no instance that is not desired is still at work.
 * P2 A command that never reported is not waited for: it does not read variables. A module always reports.
 */
import { observedKey, type InstanceId, type ObservedInstance } from '@mabeam/cluster';
import type { DefinedAgent, DesiredInstance } from '../instances/desired.ts';
import type { InstanceLease } from '../instances/reconcile.ts';

/** What an instance last said of itself. */
export interface Report {
  readonly incarnation: string;
  /** The revision of the bucket its handlers see. */
  readonly applied: number;
}

/** How a space stands at one moment. */
export interface Situation {
  readonly agents: readonly DefinedAgent[];
  /** Those of them that take part, also when they are started elsewhere. */
  readonly active: readonly DefinedAgent[];
  readonly desired: readonly DesiredInstance[];
  readonly observed: readonly ObservedInstance[];
  readonly leases: readonly InstanceLease[];
  /** By `<agent>.<ordinal>`. */
  readonly reports: ReadonlyMap<string, Report>;
}

/** An instance that keeps a revision from being applied, and what it lacks. */
export interface Laggard extends InstanceId {
  readonly reason: 'not-active' | 'behind' | 'still-at-work';
}

/** Who stands between a revision and its being applied (P1, P2); nobody: it is applied. */
export function findLaggards(input: Situation, revision: number): readonly Laggard[] {
  const leases = new Map(input.leases.map((lease) => [observedKey(lease), lease]));
  const observed = new Map(input.observed.map((instance) => [observedKey(instance), instance]));
  const desired = new Set(input.desired.map(observedKey));
  const elsewhere = idsStartedElsewhere(input.agents);
  const active = idsStartedElsewhere(input.active);
  const waitedFor = [...input.desired, ...input.leases.filter((lease) => active.has(lease.agent))];
  const late = waitedFor.flatMap((instance) => {
    const key = observedKey(instance);
    const seen = { lease: leases.get(key), observed: observed.get(key), report: input.reports.get(key) };
    const reason = lateness(instance, seen, revision);
    return reason === undefined ? [] : [{ agent: instance.agent, ordinal: instance.ordinal, reason }];
  });
  const stray = input.leases.filter(
    (lease) => !desired.has(observedKey(lease)) && !elsewhere.has(lease.agent) && isAtWork(lease, observed),
  );
  return [
    ...late,
    ...stray.map(({ agent, ordinal }) => ({ agent, ordinal, reason: 'still-at-work' as const })),
  ];
}

/** Agents whose definition has no `run`. */
function idsStartedElsewhere(agents: readonly DefinedAgent[]): ReadonlySet<string> {
  return new Set(agents.filter(({ spec }) => spec.run === undefined).map(({ spec }) => spec.id));
}

/** What is known of one instance. */
interface Seen {
  readonly lease: InstanceLease | undefined;
  readonly observed: ObservedInstance | undefined;
  readonly report: Report | undefined;
}

function lateness(
  instance: DesiredInstance | InstanceLease,
  { lease, observed, report }: Seen,
  revision: number,
): Laggard['reason'] | undefined {
  if (lease === undefined || observed?.incarnation !== lease.incarnation || observed.status !== 'active') {
    return 'not-active';
  }
  if (report?.incarnation === lease.incarnation) return report.applied < revision ? 'behind' : undefined;
  const isCommand = 'spec' in instance && instance.spec.run !== undefined && 'command' in instance.spec.run;
  return isCommand ? undefined : 'behind';
}

/** Is a lease's incarnation still taking work? One that is stopping has given up its queue and is only draining. */
function isAtWork(lease: InstanceLease, observed: ReadonlyMap<string, ObservedInstance>): boolean {
  const instance = observed.get(observedKey(lease));
  return instance?.incarnation !== lease.incarnation || instance.status !== 'stopping';
}
