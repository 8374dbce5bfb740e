/** Bounded waits: for work, for the connection. */
import type { Bus } from '@mabeam/bus';

/** Resolves true when the work is done, however it ended, and false when that takes longer than `ms`. Keeps nothing alive. */
export async function isDoneWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), ms);
  timer.unref();
  const isDone = await Promise.race([
    work.then(
      () => true,
      () => true,
    ),
    late,
  ]);
  clearTimeout(timer);
  return isDone;
}

/** Resolves when the bus is connected, or when the signal aborts. */
export async function whenConnected(bus: Bus, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  using _listener = bus.onReconnect(resolve);
  if (bus.connected) resolve();
  await orAborted(promise, resolve, signal);
}

async function orAborted(promise: Promise<void>, resolve: () => void, signal: AbortSignal): Promise<void> {
  signal.addEventListener('abort', resolve, { once: true });
  if (signal.aborted) resolve();
  await promise;
  signal.removeEventListener('abort', resolve);
}
