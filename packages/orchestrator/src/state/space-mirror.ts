/**
 * The leader's mirror of its space: the bucket's state, what hosts observe, live leases, live nodes, and which revision
 * each instance says it has applied. It follows; it never writes.
 *
 * M1 `state` is as of one revision of the bucket, change sets whole.
 * M2 After every change that may matter to a decision, `nextChange` resolves; a change nobody waited for is remembered.
 */
import { parseApplied, parseHeartbeat } from '@mabeam/agents';
import {
  nodesBucket,
  openReplica,
  parseJson,
  pause,
  platformSpace,
  spaceNames,
  subjects,
  type BucketEntry,
  type Bus,
  type BusMessage,
  type Replica,
} from '@mabeam/bus';
import {
  hostLeaseKey,
  parseInstanceHolder,
  parseInstanceKey,
  parseNodeRecord,
  parseObservedInstance,
  type NodeRecord,
  type ObservedInstance,
} from '@mabeam/cluster';
import {
  openVariables,
  type FreezeState,
  type OpenVariablesOptions,
  type SpaceView,
  type VariableStore,
} from '@mabeam/variables';
import { activeAgents, desiredInstances } from '../instances/desired.ts';
import type { InstanceLease } from '../instances/reconcile.ts';
import { ProcessReports } from '../instances/reports.ts';
import type { Report, Situation } from '../adaptation/settlement.ts';
import { standingOf, withStanding, type RecoveryStanding } from '../recovery/standing.ts';
import { leaderKey, parseLeader, type LeaderIdentity } from '../term/fence.ts';
import { emptyParts, foldParts, spaceRecordOf, type SpaceParts, type SpaceState } from './space-state.ts';

/** Opens the mirror and resolves when it shows the space as it is now; `options` are those of its variables. */
export async function openSpaceMirror(
  bus: Bus,
  space: string,
  options: OpenVariablesOptions = {},
): Promise<SpaceMirror> {
  const mirror = new SpaceMirror(bus, space);
  try {
    await mirror.open(options);
    return mirror;
  } catch (error) {
    await mirror[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * A process's own copy of a space: variables, definitions, observed instances, leases, nodes and reports. Open it with
 * `openSpaceMirror`.
 */
export class SpaceMirror implements AsyncDisposable {
  readonly #bus: Bus;
  readonly #space: string;
  readonly #open: AsyncDisposable[] = [];
  readonly #reports = new Map<string, Report>();
  readonly #processes = new ProcessReports();
  #parts = emptyParts();
  #recovery:
    | { readonly parts: SpaceParts; readonly view: SpaceView; readonly standing: RecoveryStanding }
    | undefined;
  #store: VariableStore | undefined;
  #observed: Replica | undefined;
  #leases: Replica | undefined;
  #nodes: Replica | undefined;
  readonly #readObserved = readerOf(({ data }) => parseObservedInstance(parseJson(data)));
  readonly #readLeases = readerOf(readLease);
  readonly #readNodes = readerOf(({ data }) => parseNodeRecord(parseJson(data)));
  #hasChanged = false;
  #wake: (() => void) | undefined;

  /** Use `openSpaceMirror`. */
  constructor(bus: Bus, space: string) {
    this.#bus = bus;
    this.#space = space;
  }

  /** The store folds a change before this mirror does, in the same turn: both are as of one revision (M1). */
  get state(): SpaceState {
    const { view } = this.store;
    if (this.#parts.recoveries.size === 0) return { ...this.#parts, view };
    return { ...this.#parts, agents: withStanding(this.#parts.agents, this.recovery), view };
  }

  /** What the failures so far mean, as of the same revision as `state`. */
  get recovery(): RecoveryStanding {
    const { view } = this.store;
    const known = this.#recovery;
    if (known !== undefined && known.parts === this.#parts && known.view === view) return known.standing;
    const parts = this.#parts;
    const standing = standingOf({
      agents: [...parts.agents.values()],
      variables: [...view.variables.values()],
      space: spaceRecordOf(parts),
      records: parts.recoveries,
    });
    this.#recovery = { parts, view, standing };
    return standing;
  }

  /** The variables of the space. */
  get store(): VariableStore {
    if (this.#store === undefined) throw new TypeError('the mirror is not open');
    return this.#store;
  }

  /** The freeze in force, as of the same revision as `state`; absent: the space is not frozen. */
  get freeze(): FreezeState | undefined {
    return this.store.view.freeze;
  }

  /** What hosts last saw, whether it still is so or not: only a lease says that. */
  get observed(): readonly ObservedInstance[] {
    return this.#readObserved(this.#observed);
  }

  /** The live leases of instances. */
  get leases(): readonly InstanceLease[] {
    const replica = this.#leases;
    const isLive = ({ host }: InstanceLease): boolean =>
      host === undefined || replica?.get(hostLeaseKey(host)) !== undefined;
    return this.#readLeases(replica).filter(isLive);
  }

  /** Who leads the space; undefined: nobody does. */
  get leader(): LeaderIdentity | undefined {
    const entry = this.#leases?.get(leaderKey);
    return entry === undefined ? undefined : readOrNothing(readLeader, entry)[0];
  }

  /** The nodes that are registered now. */
  get nodes(): readonly NodeRecord[] {
    return this.#readNodes(this.#nodes);
  }

  /** What instances last said of themselves, by `<agent>.<ordinal>`. */
  get reports(): ReadonlyMap<string, Report> {
    return this.#processes.with(this.#reports, this.observed);
  }

  /** Aborts when a part of the mirror can be kept true no more, for its bucket is gone or was replaced: open another then. */
  get failed(): AbortSignal {
    const parts = [this.store, this.#observed, this.#leases, this.#nodes];
    return AbortSignal.any(parts.flatMap((part) => (part === undefined ? [] : [part.failed])));
  }

  /** The revision of a key's newest entry, deleted or not; 0 when there never was one. */
  revisionOf(key: string): number {
    return this.store.replica.revisionOf(key);
  }

  /** Resolves when the state is as of this revision or a later one; throws `deadline-exceeded`. */
  async reach(revision: number): Promise<void> {
    await this.store.replica.waitFor(revision, reachMs);
  }

  /** Reads what the bucket has beyond the state. */
  async refresh(): Promise<void> {
    await this.store.replica.refresh();
  }

  /** Resolves after the next change, after `timeoutMs`, or when the signal aborts (M2). */
  async nextChange(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasChanged && !signal.aborted) {
      const waker = new AbortController();
      this.#wake = () => waker.abort('changed');
      await pause(timeoutMs, AbortSignal.any([signal, waker.signal]));
    }
    this.#wake = undefined;
    this.#hasChanged = false;
  }

  /** Subscribes first and reads then; used by `openSpaceMirror`. */
  async open(options: OpenVariablesOptions): Promise<void> {
    const names = spaceNames(this.#space);
    const { at } = subjects(this.#space);
    const digest = (bucket: string): string => at(`signal.digest.${bucket}`);
    const replica = async (bucket: string, prefix: string): Promise<Replica> => {
      const opened = await openReplica(this.#bus, { bucket, prefix, digest: digest(bucket) });
      this.#open.push(opened);
      opened.onChange(() => this.#ring());
      return opened;
    };
    this.#open.push(this.#bus.subscribe(at('signal.heartbeat.*'), (message) => this.#hear(message)));
    this.#open.push(this.#bus.subscribe(at('signal.applied.*'), (message) => this.#hearProcess(message)));
    this.#observed = await replica(names.observed, at('observed'));
    this.#leases = await replica(names.leases, at('lease'));
    this.#nodes = await replica(nodesBucket, subjects(platformSpace).at('node'));
    const store = await openVariables(this.#bus, this.#space, options);
    this.#open.push(store);
    this.#store = store;
    this.#fold(store.replica.entries());
    store.replica.onChange(({ entries }) => this.#fold(entries));
  }

  /** Ends all subscriptions of the copy. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of this.#open.splice(0)) await opened[Symbol.asyncDispose]();
    this.#ring();
  }

  #fold(entries: readonly BucketEntry[]): void {
    this.#parts = foldParts(this.#parts, entries);
    this.#ring();
  }

  #hear(message: BusMessage): void {
    const beat = parseHeartbeat(readable(message));
    if (beat === undefined) return;
    const { incarnation, applied } = beat;
    const key = `${beat.agent}.${beat.ordinal}`;
    const before = this.#reports.get(key);
    this.#reports.set(key, { incarnation, applied });
    if (before?.incarnation !== incarnation || before.applied !== applied) this.#ring();
  }

  #hearProcess(message: BusMessage): void {
    const report = parseApplied(readable(message));
    if (report !== undefined && this.#processes.take(report)) this.#ring();
  }

  #ring(): void {
    this.#hasChanged = true;
    this.#wake?.();
  }
}

/** How the space stands now, by its mirror. */
export function situationOf({ leases, observed, reports, state }: SpaceMirror): Situation {
  const variables = [...state.view.variables.values()];
  const agents = [...state.agents.values()];
  return {
    agents,
    active: activeAgents(agents, variables),
    desired: desiredInstances(agents, variables, state.scales),
    observed,
    leases,
    reports,
  };
}

/** A commit of ours comes back within milliseconds; longer means that the server is gone. */
const reachMs = 5_000;

/** A reader of a bucket's entries. Entries never change, so each is read once; a broken one does not hide the others. */
function readerOf<T>(
  read: (entry: BucketEntry) => T | undefined,
): (replica: Replica | undefined) => readonly T[] {
  const known = new WeakMap<BucketEntry, readonly T[]>();
  const readOnce = (entry: BucketEntry): readonly T[] => {
    const before = known.get(entry);
    if (before !== undefined) return before;
    const value = readOrNothing(read, entry);
    known.set(entry, value);
    return value;
  };
  return (replica) => (replica?.entries() ?? []).flatMap(readOnce);
}

function readOrNothing<T>(read: (entry: BucketEntry) => T | undefined, entry: BucketEntry): readonly T[] {
  try {
    const value = read(entry);
    return value === undefined ? [] : [value];
  } catch {
    return [];
  }
}

function readLease({ data, key }: BucketEntry): InstanceLease | undefined {
  const instance = key.startsWith('instance.') ? parseInstanceKey(key) : undefined;
  const holder = instance === undefined ? undefined : parseInstanceHolder(parseJson(data));
  if (instance === undefined || holder === undefined) return undefined;
  const { host, incarnation, node } = holder;
  return { ...instance, node, incarnation, ...(host === undefined ? {} : { host }) };
}

function readLeader({ data }: BucketEntry): LeaderIdentity | undefined {
  return parseLeader(parseJson(data));
}

/** A stranger may publish anything as a heartbeat: what is not JSON counts as nothing. */
function readable(message: BusMessage): unknown {
  try {
    return message.json();
  } catch {
    return undefined;
  }
}
