/**
 * The orchestrator of a space: a standby until it leads, a leader until it is told to stop or deposed, then a standby again.
 * All it knows lives in JetStream; it can be killed at any line and another takes up where it was.
 */
import { hostname } from 'node:os';
import {
  ensureStreams,
  MabeamError,
  pause,
  platformStreams,
  spaceNames,
  spaceStreams,
  subjects,
  type Bus,
} from '@mabeam/bus';
import type { Logger } from '@mabeam/telemetry/api';
import { runAdaptations } from '../adaptation/adapt.ts';
import { runEventRules } from '../adaptation/event-rules.ts';
import { watchMetrics } from '../adaptation/watch-metrics.ts';
import { awaitSpace } from '../definition/delete-space.ts';
import { runDigests } from './digest.ts';
import { seekLeadership, type Leadership } from './fence.ts';
import { runPruning } from '../adaptation/prune.ts';
import { serveFailureReports } from '../recovery/report-failure.ts';
import { HistoryCopier, runHistory } from '../history/copy-history.ts';
import { runRollouts } from '../rollout/run-rollouts.ts';
import { serveAdaptationCommands } from '../rollout/serve-adaptation.ts';
import { runRounds } from './round.ts';
import { serveVariableCommands } from './set-variable.ts';
import { Autoscaler, runScaling } from '../scaling/autoscale.ts';
import { openSpaceMetrics } from '../scaling/space-metrics.ts';
import { serveSpaceCommands } from '../space/space-commands.ts';
import { openSpaceMirror } from '../state/space-mirror.ts';

/** What an orchestrator orchestrates, under which name, and until when. */
export interface OrchestratorOptions {
  readonly space: string;
  /** Names this process among orchestrators, e.g. `orchestrator-4711`. */
  readonly process: string;
  /** Aborting it ends the term and gives the lease back. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** How long a dead leader is believed alive. Default 2 000. */
  readonly leaseTtlMs?: number;
}

const standbyMs = 500;
const restAfterErrorMs = 500;

/**
 * Orchestrates a space; returns when the signal aborts. The space may come into being later; one that is deleted meanwhile is not made
 * again but waited for. Whatever fails is logged and tried again; only a bus that was closed under it is thrown (`closed`).
 */
export async function runOrchestrator(bus: Bus, options: OrchestratorOptions): Promise<void> {
  const { signal, space } = options;
  const log = options.log.child({ space });
  const onAbsent = (): void => log.warn('the space was deleted; waits until there is one again');
  let hasBegun = false;
  while (!signal.aborted) {
    try {
      await awaitConnection(bus, signal);
      if (hasBegun) await awaitSpace(bus, space, { signal, onAbsent });
      if (signal.aborted) return;
      await ensureStreams(bus, [...platformStreams(), ...spaceStreams(space)]);
      hasBegun = true;
      await using leadership = await awaitLeadership(bus, options);
      if (leadership === undefined) return;
      log.info({ leader: leadership.revision }, `${options.process} leads`);
      await runTerm(bus, { ...options, log }, leadership);
      if (!signal.aborted)
        log.warn({ leader: leadership.revision }, `${options.process} leads no more; stands by`);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof MabeamError && error.code === 'closed') throw error;
      log.error({ err: error }, 'the term ended with an error; it competes again');
      await pause(restAfterErrorMs, signal);
    }
  }
}

/** Waits a second at most: a question asked in the moment of a reconnect would be lost, and waited for in vain. */
async function awaitConnection(bus: Bus, signal: AbortSignal): Promise<void> {
  const back = new AbortController();
  using _reconnects = bus.onReconnect(() => back.abort());
  if (!bus.connected) await pause(1_000, AbortSignal.any([signal, back.signal]));
}

/** Stands by until it leads; undefined when told to stop before. A released lease is noticed at once, a dead one by its expiry. */
async function awaitLeadership(bus: Bus, options: OrchestratorOptions): Promise<Leadership | undefined> {
  const { signal, space, process: name, leaseTtlMs } = options;
  const identity = { process: name, pid: process.pid, host: hostname() };
  const ttl = leaseTtlMs === undefined ? {} : { ttlMs: leaseTtlMs };
  let free = new AbortController();
  await using _lease = bus.subscribe(subjects(space).at('lease.leader'), (message) => {
    if (message.data.length === 0) free.abort();
  });
  while (!signal.aborted) {
    const leadership = await seekLeadership(bus, { space, identity, ...ttl });
    if (leadership !== undefined) return leadership;
    await pause(standbyMs, AbortSignal.any([signal, free.signal]));
    free = new AbortController();
  }
  return undefined;
}

/** One term of office; returns when it is over, also because what it looks at can no longer be kept true. */
async function runTerm(bus: Bus, options: OrchestratorOptions, leadership: Leadership): Promise<void> {
  const { log, space } = options;
  const over = new AbortController();
  await using mirror = await openSpaceMirror(bus, space);
  await using metrics = openSpaceMetrics(bus, space);
  const signal = AbortSignal.any([options.signal, leadership.over, over.signal, mirror.failed]);
  const names = spaceNames(space);
  const term = { bus, space, names, subjects: subjects(space), leadership, mirror, metrics, log, signal };
  using copier = new HistoryCopier({ ...term, replica: mirror.store.replica });
  const autoscaler = new Autoscaler(term);
  const services = [
    serveFailureReports(term),
    ...serveVariableCommands(term),
    ...serveAdaptationCommands(term),
    ...serveSpaceCommands(term, autoscaler),
  ];
  try {
    await Promise.all([
      runRounds(term),
      runScaling(term, autoscaler),
      runAdaptations(term),
      runRollouts(term),
      runEventRules(term),
      watchMetrics(term),
      runDigests(term),
      runPruning(term, copier),
      runHistory(term, copier),
    ]);
  } finally {
    over.abort();
    for (const service of services) await service.close();
  }
}
