/**
 * Deleting a space: its agents stop, then its streams and buckets go.
 *
 * Y1 Nothing is deleted under a running agent. The agents' definitions go first, so that the orchestrator stops what runs by them; what
 *    it could not stop refuses the deletion before anything has changed.
 * Y2 The bucket of definitions goes first and the events last: an orchestrator that looks takes the space for deleted at once, and a
 *    deletion that was cut short still finds a space to be deleted.
 * Y3 Nothing is kept, so its id, and all ids in it, may be used again.
 */
import {
  bucketStream,
  commitBatch,
  deleteStreams,
  hasStream,
  pause,
  readKey,
  spaceNames,
  spaceStreams,
  type Bus,
} from '@mabeam/bus';
import { orchestratorError } from '../errors.ts';
import { openSpaceMirror, type SpaceMirror } from '../state/space-mirror.ts';

/** In whose name a space is deleted, and how long its agents may take. */
export interface DeleteSpaceOptions {
  /** Who deletes it. */
  readonly by: string;
  /** How long the agents may take to stop; default 30 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What was stopped for it. */
export interface SpaceDeleted {
  /** `<agent>.<ordinal>` of what ran. */
  readonly stopped: readonly string[];
}

const defaultTimeoutMs = 30_000;
/** The server takes 1,000 messages in one batch, and one of them is the fence. */
const largestBatch = 999;

/**
 * Deletes a space (Y1–Y3); one that does not exist is nothing. Throws `space-in-use` when something runs that nobody would stop, and
 * `space-not-stopped` when it does not stop in time: its agents are undefined then, and deleting it again goes on.
 */
export async function deleteSpace(
  bus: Bus,
  space: string,
  options: DeleteSpaceOptions,
): Promise<SpaceDeleted> {
  const names = spaceNames(space);
  const isWhole = await hasStream(bus, bucketStream(names.bucket));
  const stopped = isWhole ? await stopAgents(bus, space, options) : [];
  const first = bucketStream(names.bucket);
  const others = spaceStreams(space)
    .map(({ name }) => name)
    .filter((name) => name !== first && name !== names.events);
  await deleteStreams(bus, [first, ...others, names.events]);
  return { stopped };
}

/** Stops all that runs in the space (Y1); resolves with what did. */
async function stopAgents(
  bus: Bus,
  space: string,
  { by, timeoutMs = defaultTimeoutMs, signal = new AbortController().signal }: DeleteSpaceOptions,
): Promise<readonly string[]> {
  await using mirror = await openSpaceMirror(bus, space);
  const running = runningIn(mirror);
  if (running.length === 0) return [];
  const refusal = await whyNotStoppable(bus, space, mirror);
  if (refusal !== undefined)
    throw orchestratorError('space-in-use', `space ${space}: ${refusal}`, { details: { space, running } });
  await undefineAgents(bus, space, mirror, by);
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  while (runningIn(mirror).length > 0 && !deadline.aborted) await mirror.nextChange(timeoutMs, deadline);
  const left = runningIn(mirror);
  if (left.length === 0) return running;
  const message = `space ${space}: ${left.join(', ')} did not stop within ${timeoutMs} ms; look with mabeam ps, then delete it again`;
  throw orchestratorError('space-not-stopped', message, { details: { space, running: left } });
}

/** `<agent>.<ordinal>` of what holds a lease, or is about to. */
function runningIn({ leases, observed }: SpaceMirror): readonly string[] {
  const starting = observed.filter(({ status }) => status === 'starting');
  const instances = [...leases, ...starting].map(({ agent, ordinal }) => `${agent}.${ordinal}`);
  return [...new Set(instances)].toSorted();
}

/** Why the orchestrator would not stop all that runs, with the cure; undefined when it would. */
async function whyNotStoppable(bus: Bus, space: string, mirror: SpaceMirror): Promise<string | undefined> {
  const { freeze, leases, nodes } = mirror;
  const elsewhere = leases.filter(({ node }) => !nodes.some(({ id }) => id === node));
  if (elsewhere.length > 0) {
    const named = elsewhere.map(({ agent, ordinal, node }) => `${agent}.${ordinal} (on ${node})`).join(', ');
    return `${named} runs where no node takes orders; end it there, then delete the space`;
  }
  if (freeze !== undefined) return 'it is frozen, so nobody stops its agents; mabeam unfreeze first';
  const leader = await readKey(bus, spaceNames(space).leases, 'leader');
  if (leader?.operation === 'put') return undefined;
  const named = runningIn(mirror).join(', ');
  return `${named} runs and no orchestrator is there to stop it; start one (mabeam-orchestrator --space ${space}), or end the nodes`;
}

async function undefineAgents(bus: Bus, space: string, mirror: SpaceMirror, by: string): Promise<void> {
  const { bucket } = spaceNames(space);
  const keys = mirror.store.replica
    .entries()
    .map(({ key }) => key)
    .filter((key) => /^definition\.(agent|rule|scaling)\./.test(key));
  const fence = { v: 1, by, at: new Date().toISOString(), deleted: space };
  for (let from = 0; from < keys.length; from += largestBatch) {
    const gone = keys
      .slice(from, from + largestBatch)
      .map((key) => ({ key, body: undefined, operation: 'delete' as const }));
    await commitBatch(bus, bucket, [{ key: 'fence', body: fence }, ...gone]);
  }
}

/** How often somebody who waits for a space looks. */
const lookEveryMs = 1_000;

/** Waits until a space exists; `onAbsent` is called once when it does not. Returns when the signal aborts, too. */
export async function awaitSpace(
  bus: Bus,
  space: string,
  { signal, onAbsent }: { readonly signal: AbortSignal; readonly onAbsent: () => void },
): Promise<void> {
  const stream = bucketStream(spaceNames(space).bucket);
  for (let isTold = false; !signal.aborted && !(await hasStream(bus, stream)); isTold = true) {
    if (!isTold) onAbsent();
    await pause(lookEveryMs, signal);
  }
}
