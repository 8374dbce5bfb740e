/**
 * A team as it is now: what the buckets say of its agents, nodes and leader, and what its processes say of themselves in
 * the next second. A reading, not a watch: it costs the server nothing when it is over.
 */
import {
  heartbeatEveryMs,
  parseAgentSpec,
  parseApplied,
  parseHeartbeat,
  type AgentSpec,
  type Heartbeat,
} from '@mabeam/agents';
import {
  MabeamError,
  nodesBucket,
  openReplica,
  parseJson,
  platformSpace,
  spaceNames,
  subjects,
  type BucketEntry,
  type Bus,
} from '@mabeam/bus';
import {
  instanceLeaseKey,
  instanceStatus,
  liveHolders,
  observedKey,
  parseNodeRecord,
  parseObservedInstance,
  type InstanceHolder,
  type InstanceStatus,
  type NodeRecord,
  type ObservedInstance,
} from '@mabeam/cluster';
import { openSpaceMirror, replicasIn, type Replicas } from '@mabeam/orchestrator';
import { emptyView, foldChanges, freezeKey, type FreezeState } from '@mabeam/variables';
import { z } from 'zod';

/** Who leads a space. */
export type Leader = Readonly<z.infer<typeof leaderSchema>>;

const leaderSchema = z.object({ process: z.string(), pid: z.int(), host: z.string() });

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
  readonly leader: Leader | undefined;
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
  const at = subjects(space);
  const names = spaceNames(space);
  const beats = new Map<string, Heartbeat>();
  const processes = new Map<string, number>();
  const heard = new EventTarget();
  await using _pulse = bus.subscribe(at.at('signal.heartbeat.*'), (message) => {
    const beat = wordIn(message.data, parseHeartbeat);
    if (beat === undefined) return;
    beats.set(observedKey(beat), beat);
    heard.dispatchEvent(new Event('beat'));
  });
  await using _words = bus.subscribe(at.at('signal.applied.*'), (message) => {
    const word = wordIn(message.data, parseApplied);
    if (word === undefined) return;
    processes.set(word.process, word.applied);
    heard.dispatchEvent(new Event('beat'));
  });
  const definitions = await readBucket(bus, names.bucket, at.at('variable'));
  const observed = await readBucket(bus, names.observed, at.at('observed'));
  const leases = await readBucket(bus, names.leases, at.at('lease'));
  const nodes = await readBucket(bus, nodesBucket, subjects(platformSpace).at('node'));
  const team = assembleTeam({ space, definitions, observed: observed.entries, leases: leases.entries });
  const isHeard = (instance: TeamInstance): boolean =>
    beats.has(observedKey(instance)) || processes.has(instance.process ?? '');
  const spoken = (): boolean =>
    team.instances.every((instance) => instance.status !== 'active' || isHeard(instance));
  await untilHeard(heard, spoken, listenMs);
  return {
    ...withWords(team, beats, processes),
    replicas: await readReplicas(bus, space),
    nodes: nodes.entries.flatMap((entry) => parsed(entry, parseNodeRecord)),
  };
}

/** By the functions by which the leader decides. */
async function readReplicas(bus: Bus, space: string): Promise<readonly Replicas[]> {
  await using mirror = await openSpaceMirror(bus, space);
  return replicasIn(mirror, Date.now());
}

/** The keys of a bucket now, and its revision. */
async function readBucket(
  bus: Bus,
  bucket: string,
  prefix: string,
): Promise<{ readonly revision: number; readonly entries: readonly BucketEntry[] }> {
  const replica = await openReplica(bus, { bucket, prefix });
  await replica.close();
  return { revision: replica.applied, entries: replica.entries() };
}

/** What the buckets of a space hold. */
export interface TeamSources {
  readonly space: string;
  readonly definitions: { readonly revision: number; readonly entries: readonly BucketEntry[] };
  readonly observed: readonly BucketEntry[];
  readonly leases: readonly BucketEntry[];
}

/** The team in what the buckets hold, without nodes; a defined agent that never ran is `inactive`. Pure. */
export function assembleTeam(sources: TeamSources): Team {
  const { space, definitions, observed, leases } = sources;
  const seen = new Map(
    observed.flatMap((entry) => parsed(entry, parseObservedInstance)).map((one) => [observedKey(one), one]),
  );
  const held = leases.flatMap((entry) => parsed(entry, (value) => ({ key: entry.key, value })));
  const holders = liveHolders(held);
  const leader = leases.find(({ key }) => key === 'leader');
  const defined = definitions.entries
    .filter(({ key }) => key.startsWith('definition.agent.'))
    .flatMap((entry) => parsed(entry, specIn));
  const known = new Map<string, { readonly agent: string; readonly ordinal: number }>();
  for (const { id, replicas } of defined) {
    for (let ordinal = 0; ordinal < Math.max(1, replicas); ordinal++)
      known.set(observedKey({ agent: id, ordinal }), { agent: id, ordinal });
  }
  for (const [key, { agent, ordinal }] of seen) known.set(key, { agent, ordinal });
  const instances = [...known].map(([key, one]) =>
    instanceOf(one, seen.get(key), holders.get(instanceLeaseKey(one))),
  );
  return {
    space,
    revision: definitions.revision,
    leader: leader === undefined ? undefined : parsed(leader, leaderIn)[0],
    freeze: freezeIn(definitions),
    nodes: [],
    instances: instances.toSorted(byName),
  };
}

/** The freeze in what the space's bucket holds, read as every other process reads it. */
function freezeIn({ entries, revision }: TeamSources['definitions']): FreezeState | undefined {
  const frozen = entries.filter(({ key }) => key === freezeKey);
  return foldChanges(emptyView(), [{ revision, entries: frozen }]).freeze;
}

function instanceOf(
  { agent, ordinal }: { readonly agent: string; readonly ordinal: number },
  observed: ObservedInstance | undefined,
  holder: InstanceHolder | undefined,
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

function withWords(
  team: Team,
  beats: ReadonlyMap<string, Heartbeat>,
  processes: ReadonlyMap<string, number>,
): Team {
  const instances = team.instances.map((instance) => {
    const beat = beats.get(observedKey(instance));
    const own = beat?.incarnation === instance.incarnation ? beat?.applied : undefined;
    const shared = instance.status === 'active' ? processes.get(instance.process ?? '') : undefined;
    const applied = shared ?? own;
    return applied === undefined ? instance : { ...instance, applied };
  });
  return { ...team, instances };
}

/** Resolves when `isEnough` holds after an event, or after `withinMs`. */
async function untilHeard(target: EventTarget, isEnough: () => boolean, withinMs: number): Promise<void> {
  if (isEnough()) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, withinMs);
    target.addEventListener('beat', () => {
      if (!isEnough()) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

function byName(a: TeamInstance, b: TeamInstance): number {
  return a.agent === b.agent ? a.ordinal - b.ordinal : a.agent < b.agent ? -1 : 1;
}

/** What an entry holds, or nothing: one broken entry must not hide the others. */
function parsed<T>(entry: BucketEntry, parse: (value: unknown) => T | undefined): readonly T[] {
  try {
    const value = parse(parseJson(entry.data));
    return value === undefined ? [] : [value];
  } catch (error) {
    if (error instanceof MabeamError) return [];
    throw error;
  }
}

/** What somebody says of himself: a stranger may publish anything on the subject. */
function wordIn<T>(data: Uint8Array, parse: (value: unknown) => T | undefined): T | undefined {
  try {
    return parse(parseJson(data));
  } catch (error) {
    if (error instanceof MabeamError) return undefined;
    throw error;
  }
}

function specIn(value: unknown): AgentSpec {
  return parseAgentSpec(value);
}

function leaderIn(value: unknown): Leader | undefined {
  return leaderSchema.safeParse(value).data;
}
