/**
 * The process, or thread, that is an agent: from its definition to a member of the team, until its host says stop. A crew of one, with the
 * duties a process has to its host.
 *
 * Invariants
 *  R1  It is ready only when its member is active and the server knows its subscriptions.
 *  R2  On SIGTERM, and when it is directed to stop, it drains and exits 0; when its host is gone, it ends. One that is not ready
 *      yet has nothing to drain: it ends soon, whatever its start waits for, so that a host that was killed leaves no twin.
 *  R3  It says which revision its handlers see, at once when that changes and with every heartbeat.
 */
import { connectBus, pause } from '@mabeam/bus';
import { createLogger, shutdownTelemetry, type Logger } from '@mabeam/telemetry/api';
import { openVariables } from '@mabeam/variables';
import { startAgent } from './crew.ts';
import type { AgentForm } from './define.ts';
import { startHeartbeat } from './heartbeat.ts';
import { openControl, parseHosting, seedVariable, type Control, type Hosting } from './hosting.ts';
import { enlist } from './recruit.ts';
import { seedFor } from './seed.ts';

/** How long a start has to end when the agent is told to stop. */
const obeyMs = 1_000;

/**
 * Runs the agent until it is told to stop, then ends the process, or the thread. Meant to be the last line of an agent's module.
 * In a module that is loaded into the process of a host it hands the definition to the host, and returns.
 */
export async function runAgent(definition: AgentForm): Promise<void> {
  if (enlist(definition)) return;
  const log = createLogger({ name: process.env['MABEAM_AGENT'] ?? 'agent' });
  const stop = new AbortController();
  const fail = (error: unknown): void => {
    log.fatal({ err: error }, 'the agent cannot go on');
    process.exitCode = 1;
    stop.abort();
  };
  try {
    const hosting = parseHosting(process.env);
    // What this process starts has no business with it.
    delete process.env[seedVariable];
    using control = openControl(hosting, process.env, () => stop.abort());
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
    const ready = new AbortController();
    const run = { hosting, control, log, stop, fail, onReady: () => ready.abort() };
    await Promise.race([serveUntil(definition, run), stoppedEarly(stop.signal, ready.signal)]);
  } catch (error) {
    fail(error);
  }
  await endProcess();
}

/** Ends this process, or thread, with the status it has, as soon as its telemetry is stored, at the latest after `withinMs`. */
export async function endProcess(withinMs = 1_000): Promise<void> {
  await shutdownTelemetry(withinMs);
  process.exit();
}

interface Run {
  readonly hosting: Hosting;
  readonly control: Control;
  readonly log: Logger;
  readonly stop: AbortController;
  readonly fail: (error: unknown) => void;
  readonly onReady: () => void;
}

async function serveUntil(definition: AgentForm, run: Run): Promise<void> {
  const { hosting, control, log, stop, fail, onReady } = run;
  const { space, agent, ordinal, incarnation, config, seed = await seedFor(agent) } = hosting;
  await using bus = await connectBus({ name: `${space}/${agent}.${ordinal}` });
  await using store = await openVariables(bus, space);
  const onEnded = (_instance: string, error?: unknown): void => {
    if (error === undefined) stop.abort();
    else fail(error);
  };
  await using crew = await startAgent(bus, space, agent, definition, {
    store,
    log,
    ordinal,
    incarnation,
    config,
    seed,
    onEnded,
  });
  const heart = startHeartbeat(bus, hosting, store);
  control.tell({ kind: 'ready', publicKey: crew.publicKeyOf(agent, { ordinal }) });
  log.info({ revision: store.applied }, 'ready');
  onReady();
  await aborted(stop.signal);
  heart[Symbol.dispose]();
  await crew.close();
  control.tell({ kind: 'drained' });
  log.info('stopped');
}

/** Resolves when it was told to stop and has not become ready in the time that its start has to obey; not when it has. */
async function stoppedEarly(stop: AbortSignal, ready: AbortSignal): Promise<void> {
  await aborted(stop);
  await pause(obeyMs, ready);
  if (ready.aborted) await new Promise<never>(() => undefined);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
