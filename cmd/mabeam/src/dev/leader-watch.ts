/** Waiting until somebody leads a space: the process we started, or another that shows by a renewal that it lives. */
import {
  MabeamError,
  openReplica,
  parseJson,
  spaceNames,
  subjects,
  type BucketEntry,
  type Bus,
} from '@mabeam/bus';
import { z } from 'zod';

const holderSchema = z.object({ pid: z.int() });

/** Resolves when the space has a living leader; `pid` is that of our own orchestrator now. Throws the signal's reason. */
export async function awaitLeader(
  bus: Bus,
  space: string,
  { pid, signal }: { readonly pid: () => number | undefined; readonly signal: AbortSignal },
): Promise<void> {
  signal.throwIfAborted();
  const { leases } = spaceNames(space);
  await using replica = await openReplica(bus, { bucket: leases, prefix: subjects(space).at('lease') });
  const before = replica.revisionOf('leader');
  const leads = (): boolean => {
    const lease = replica.get('leader');
    return lease !== undefined && (holderOf(lease) === pid() || lease.revision > before);
  };
  if (leads()) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  using _changes = replica.onChange(() => {
    if (leads()) resolve();
  });
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  await promise;
}

function holderOf(lease: BucketEntry): number | undefined {
  try {
    return holderSchema.safeParse(parseJson(lease.data)).data?.pid;
  } catch (error) {
    if (error instanceof MabeamError) return undefined;
    throw error;
  }
}
