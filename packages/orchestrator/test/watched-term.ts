/** A term that does nothing but watch metrics, in windows of a moment; what it hears of them is the test's. */
import { spaceNames, subjects, type Bus } from '@mabeam/bus';
import { createLogger } from '@mabeam/telemetry/api';
import { waitFor } from '@mabeam/testing';
import { watchMetrics } from '../src/adaptation/watch-metrics.ts';
import type { SpaceMirror } from '../src/state/space-mirror.ts';
import { windowsOf } from '../src/strategies/conformance.ts';
import { seekLeadership } from '../src/term/fence.ts';

/** Where it leads, and how. */
export interface WatchedPlace {
  readonly bus: Bus;
  readonly space: string;
  readonly mirror: SpaceMirror;
  /** Default `test`. */
  readonly process?: string;
  /** Of its lease. */
  readonly ttlMs?: number;
  /** Default 30. */
  readonly windowMs?: number;
}

/** A term under way; disposing ends it as a leader that is told to stop does. */
export interface WatchedTerm extends AsyncDisposable {
  [Symbol.asyncDispose](): Promise<void>;
}

/** Takes the lead, as soon as it is free, and watches; `figure` is how the whole performs in a window, asked once for each. */
export async function openWatchedTerm(
  { bus, mirror, process: name = 'test', space, ttlMs, windowMs = 30 }: WatchedPlace,
  figure: () => number | undefined,
): Promise<WatchedTerm> {
  const identity = { process: name, pid: process.pid, host: 'test' };
  const options = { space, identity, ...(ttlMs === undefined ? {} : { ttlMs }) };
  const leadership = await waitFor(() => seekLeadership(bus, options), {
    what: `${name} leads`,
    timeoutMs: 10_000,
  });
  const over = new AbortController();
  const log = createLogger({ name, level: process.env['MABEAM_TEST_LOG'] ?? 'silent' });
  const metrics = {
    metrics: () => {
      const [picture] = windowsOf([figure()]);
      if (picture === undefined) throw new TypeError('there is one picture for one figure');
      return { ...picture, at: Date.now() };
    },
  };
  const about = { bus, space, names: spaceNames(space), subjects: subjects(space) };
  const signal = AbortSignal.any([over.signal, leadership.over]);
  const watch = watchMetrics({ ...about, leadership, mirror, metrics, log, signal }, { windowMs });
  return {
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await watch;
      await leadership[Symbol.asyncDispose]();
    },
  };
}

/** Watches while `during` lasts. */
export async function watching(
  place: WatchedPlace,
  figure: () => number | undefined,
  during: () => Promise<void>,
): Promise<void> {
  await using _term = await openWatchedTerm(place, figure);
  await during();
}
