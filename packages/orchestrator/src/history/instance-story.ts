/**
 * The story of an agent's instances: why they run or do not, and what happened to them for which reason. Pure.
 *
 * I1  An event is put down to the adaptation of its trace; without one to the last change of what governs the agent before it
 *     (`time`).
 */
import type { ObservedInstance } from '@mabeam/cluster';
import type { RecordedRevision } from '@mabeam/variables';
import type { StoredAdaptation } from '../state/space-state.ts';
import { provenanceOf } from './change-story.ts';
import type { LifecycleEvent } from './consequences.ts';
import { traceIdOf } from './explain.ts';

/** What is known about the instances. */
export interface InstanceMaterial {
  readonly agent: string;
  /** One instance alone; absent: all of the agent. */
  readonly ordinal?: number | undefined;
  /** One life alone. */
  readonly incarnation?: string | undefined;
  readonly observed: readonly ObservedInstance[];
  /** Live leases, as `<agent>.<ordinal>`. */
  readonly leased: ReadonlySet<string>;
  /** Instances that ought to run, as `<agent>.<ordinal>`. */
  readonly desired: ReadonlySet<string>;
  readonly events: readonly LifecycleEvent[];
  readonly adaptations: readonly StoredAdaptation[];
  /** All known revisions of what governs the agent: its definition, its selections, its scale. */
  readonly governing: readonly RecordedRevision[];
}

/** A change that governs the agent, as a reason. */
export interface Reason {
  readonly revision: number;
  readonly key: string;
  readonly at: string;
  readonly by?: string;
  readonly cause?: string;
  /** The adaptation that made it. */
  readonly adaptation?: string;
  readonly linkedBy: 'trace' | 'time';
}

/** An instance as it is now. */
export interface InstanceNow {
  readonly ordinal: number;
  readonly status: string;
  readonly incarnation: string;
  readonly node: string;
  readonly since: string;
  readonly restarts: number;
  readonly definitionRevision: number;
  readonly reason?: string;
  readonly isLeased: boolean;
  readonly isDesired: boolean;
}

/** The story of an agent's instances. */
export interface InstanceStory {
  readonly kind: 'instance';
  readonly agent: string;
  readonly ordinal?: number;
  readonly now: readonly InstanceNow[];
  /** The newest revision of each thing that governs the agent. */
  readonly because: readonly Reason[];
  readonly events: readonly (LifecycleEvent & { readonly reasonFor?: Reason })[];
}

/** Tells the story of an agent's instances. */
export function explainInstance(material: InstanceMaterial): InstanceStory {
  const { agent, desired, events, governing, incarnation, leased, observed, ordinal } = material;
  const isMeant = (each: { readonly ordinal: number; readonly incarnation: string }): boolean =>
    (ordinal === undefined || each.ordinal === ordinal) &&
    (incarnation === undefined || each.incarnation === incarnation);
  const newest = new Map(governing.map((revision) => [revision.key, revision]));
  const own = events.filter((event) => event.agent === agent && isMeant(event));
  return {
    kind: 'instance',
    agent,
    ...(ordinal === undefined ? {} : { ordinal }),
    now: observed
      .filter((each) => each.agent === agent && isMeant(each))
      .map((each) => nowOf(each, leased, desired)),
    because: [...newest.values()].map((revision) => reasonOf(revision, 'time')),
    events: own.map((event) => {
      const reasonFor = findReason(event, material);
      return { ...event, ...(reasonFor === undefined ? {} : { reasonFor }) };
    }),
  };
}

function nowOf(
  instance: ObservedInstance,
  leased: ReadonlySet<string>,
  desired: ReadonlySet<string>,
): InstanceNow {
  const { agent, definitionRevision, incarnation, node, ordinal, reason, restarts, since, status } = instance;
  const key = `${agent}.${ordinal}`;
  const about = { ordinal, status, incarnation, node, since, restarts, definitionRevision };
  const said = reason === undefined ? {} : { reason };
  return { ...about, ...said, isLeased: leased.has(key), isDesired: desired.has(key) };
}

/** Why an event happened (I1). */
function findReason(event: LifecycleEvent, { adaptations, governing }: InstanceMaterial): Reason | undefined {
  const adaptation = adaptations.find(({ record }) => {
    const { traceparent } = record;
    return traceparent !== undefined && traceIdOf(traceparent) === event.traceId;
  });
  if (adaptation !== undefined) {
    const { hash, record, revision } = adaptation;
    const cause = `trigger ${record.trigger}, rule ${record.rule}`;
    const about = { revision: record.revision ?? revision, key: `adaptation.${hash}`, adaptation: hash };
    return { ...about, at: record.committedAt ?? record.at, by: 'orchestrator', cause, linkedBy: 'trace' };
  }
  const before = governing.filter(({ at }) => at.getTime() <= Date.parse(event.at));
  const last = before.toSorted((a, b) => a.revision - b.revision).at(-1);
  return last === undefined ? undefined : reasonOf(last, 'time');
}

function reasonOf(revision: RecordedRevision, linkedBy: Reason['linkedBy']): Reason {
  const { by, cause } = provenanceOf([revision]);
  return {
    revision: revision.revision,
    key: revision.key,
    at: revision.at.toISOString(),
    ...(by === undefined ? {} : { by }),
    ...(cause === undefined ? {} : { cause }),
    linkedBy,
  };
}
