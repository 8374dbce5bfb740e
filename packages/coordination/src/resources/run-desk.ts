/**
 * A desk for ever: one process keeps it under a lease, the others wait for the lease. Safety does not rest on the lease, but on
 * the book's revisions (desk.ts, D1); the lease only keeps two from ending each other's desks.
 */
import { acquireLease, pause, spaceNames, type Bus } from '@mabeam/bus';
import { ensureRecords } from '../session/records.ts';
import { openDesk, type DeskOptions, type ResourceDesk } from './desk.ts';

/** How to keep a desk. */
export interface RunDeskOptions extends DeskOptions {
  readonly signal: AbortSignal;
  /** Time to live of the lease; whole seconds. Default 2 000. */
  readonly leaseMs?: number;
  /** Told of each desk that opens here. */
  readonly onOpen?: (desk: ResourceDesk) => void;
  /** Told of what ended a desk, or kept it from opening; it is tried again. */
  readonly onError?: (error: unknown) => void;
}

/** Keeps a desk until the signal aborts, whenever no other process does. */
export async function runDesk(bus: Bus, space: string, options: RunDeskOptions): Promise<void> {
  const { leaseMs = 2_000, signal } = options;
  while (!signal.aborted) {
    try {
      await ensureRecords(bus, space);
      await keepOnce(bus, space, options, leaseMs);
    } catch (error) {
      options.onError?.(error);
    }
    await pause(leaseMs / 8, signal);
  }
}

/** Keeps the desk if its lease is free, as long as it can. */
async function keepOnce(bus: Bus, space: string, options: RunDeskOptions, leaseMs: number): Promise<void> {
  const { desk: id, onError, onOpen, signal } = options;
  const taken = await acquireLease(bus, spaceNames(space).leases, `desk.${id}`, {
    holder: { desk: id, pid: process.pid },
    ttlMs: leaseMs,
  });
  if (taken.kind === 'taken') return;
  await using lease = taken.lease;
  await using desk = await openDesk(bus, space, options);
  onOpen?.(desk);
  const over = AbortSignal.any([signal, lease.lost]);
  const ended = Promise.withResolvers<unknown>();
  const stop = (): void => ended.resolve(undefined);
  over.addEventListener('abort', stop, { once: true });
  if (over.aborted) stop();
  const reason = await Promise.race([desk.ended, ended.promise]);
  if (reason !== undefined) onError?.(reason);
}
