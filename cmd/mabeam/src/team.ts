/**
 * A team as it is now: what the buckets say of its agents, nodes and leader, and what its processes say of themselves in
 * the next second. A reading, not a watch: it costs the server nothing when it is over.
 */
import { heartbeatEveryMs, type AgentSpec } from '@mabeam/agents';
import type { Bus } from '@mabeam/bus';
import {
  instanceStatus,
  observedKey,
  type InstanceStatus,
  type NodeRecord,
  type ObservedInstance,
} from '@mabeam/cluster';
import { openSpaceMirror, replicasIn, type LeaderIdentity, type Replicas } from '@mabeam/orchestrator';
import type { FreezeState } from '@mabeam/variables';

/** An instance as a person wants to see it. What is not known is absent. */
export interface TeamInstance {
  readonly agent: string;
  readonly ordinal: number;
  readonly status: InstanceStatus;
  readonly node?: string | undefined;
  readonly pid?: number | undefined;
  readonly incarnation?: string | undefined;
  /** The process that speaks for it, when it shares one with others. */
  readonly process?: string | undefined;
  /** The revision of the space that its handlers see, by its own word or that of its process. */
  readonly applied?: number | undefined;
  readonly restarts?: number | undefined;
  readonly definitionRevision?: number | undefined;
  /** When the status began, ISO. */
  readonly since?: string | undefined;
  readonly reason?: string | undefined;
}

export interface Team {
  readonly space: string;
  /** Revision of the space at the reading. */
  readonly revision: number;
  readonly leader: LeaderIdentity | undefined;
  /** Absent when the space is not frozen. */
  readonly freeze?: FreezeState | undefined;
  readonly nodes: readonly NodeRecord[];
  readonly instances: readonly TeamInstance[];
  /** How many there are to be of each agent that nodes start, and how many there are; absent: nobody has looked. */
  readonly replicas?: readonly Replicas[];
}

/** How long heartbeats are listened for, when somebody has not spoken before. */
const listenMs = heartbeatEveryMs + 200;

/** Reads the team of a space; takes at most 1.2 s. Throws what the bus throws. */
export async function readTeam(bus: Bus, space: string): Promise<Team> {
  await using mirror = await openSpaceMirror(bus, space);
  const end = AbortSignal.timeout(listenMs);
  for (;;) {
    const { freeze, leader, leases, nodes, observed, reports, state } = mirror;
    const agents = [...state.agents.values()].map(({ spec }) => spec);
    const { revision } = state.view;
    const team = assembleTeam({ space, revision, leader, freeze, nodes, agents, observed, leases, reports });
    const isSilent = ({ applied, status }: TeamInstance): boolean =>
      status === 'active' && applied === undefined;
    // By the functions by which the leader decides.
    if (end.aborted || !team.instances.some(isSilent))
      return { ...team, replicas: replicasIn(mirror, Date.now()) };
    await mirror.nextChange(listenMs, end);
  }
}

/** What is known of a space. */
export interface TeamSources extends Omit<Team, 'instances' | 'replicas'> {
  readonly agents: readonly Pick<AgentSpec, 'id' | 'replicas'>[];
  readonly observed: readonly ObservedInstance[];
  /** The live leases of instances. */
  readonly leases: readonly { readonly agent: string; readonly ordinal: number; readonly node: string }[];
  /** What instances last said of themselves, by `<agent>.<ordinal>`. */
  readonly reports: ReadonlyMap<string, { readonly incarnation: string; readonly applied: number }>;
}

/** The team in what is known of its space; a defined agent that never ran is `inactive`. Pure. */
export function assembleTeam({ agents, leases, observed, reports, ...rest }: TeamSources): Team {
  const seen = new Map(observed.map((one) => [observedKey(one), one]));
  const holders = new Map(leases.map((lease) => [observedKey(lease), lease]));
  const defined = agents.flatMap(({ id, replicas }) =>
    Array.from({ length: Math.max(1, replicas) }, (_, ordinal) => ({ agent: id, ordinal })),
  );
  const known = new Map([...defined, ...observed].map((one) => [observedKey(one), one]));
  const instances = [...known].map(([key, { agent, ordinal }]) => {
    const instance = instanceOf({ agent, ordinal }, seen.get(key), holders.get(key));
    const report = reports.get(key);
    const isOwn = report !== undefined && report.incarnation === instance.incarnation;
    return isOwn ? { ...instance, applied: report.applied } : instance;
  });
  return { ...rest, instances: instances.toSorted(byName) };
}

function instanceOf(
  { agent, ordinal }: { readonly agent: string; readonly ordinal: number },
  observed: ObservedInstance | undefined,
  holder: { readonly node: string } | undefined,
): TeamInstance {
  const status = instanceStatus(observed, holder);
  if (observed === undefined) return { agent, ordinal, status, node: holder?.node };
  const { node, pid, incarnation, process, restarts, definitionRevision, since, reason } = observed;
  const isGone = status === 'failed' && observed.status !== 'failed';
  const why = isGone ? `its host is gone (it was ${observed.status})` : reason;
  return {
    agent,
    ordinal,
    status,
    node,
    pid: isGone ? undefined : pid,
    incarnation,
    process,
    restarts,
    definitionRevision,
    since,
    reason: why,
  };
}

function byName(a: TeamInstance, b: TeamInstance): number {
  return a.agent === b.agent ? a.ordinal - b.ordinal : a.agent < b.agent ? -1 : 1;
}
