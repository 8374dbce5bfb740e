/**
 * mabeam-node: hosts and supervises the agents of this machine, as the orchestrators of their spaces order it. SIGTERM (or
 * Ctrl-C) drains all agents and exits 0; a second one ends it at once.
 */
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { connectBus, MabeamError } from '@mabeam/bus';
import { exitWithParent, nodeIdFrom, runNode } from '@mabeam/cluster';
import { createLogger, startTelemetry, type Logger } from '@mabeam/telemetry';
import { openAgentLogs } from './agent-logs.ts';

const help = `mabeam-node: hosts and supervises agents on this machine

  mabeam-node [--id NAME] [--server nats://127.0.0.1:4222]

  --id NAME      the node's id, unique among all nodes; default: from the name of the machine
  --server URL   the nats-server; default $NATS_URL, else nats://127.0.0.1:4222
  --help         this text

The node starts nothing by itself: the orchestrator of a space places agents on it. Stop it with SIGTERM or Ctrl-C; its
agents are drained first. When it is killed, its agents end with it and are placed elsewhere.`;

const log = createLogger({ name: 'node' });
const stop = new AbortController();
process.exitCode = await main().catch((error: unknown) => fail(log, error));

/** Runs until SIGTERM, SIGINT or the end of its parent; returns the exit status. */
async function main(): Promise<number> {
  const options = readFlags();
  if (options.help) {
    console.log(help);
    return 0;
  }
  const parent = exitWithParent(() => stop.abort());
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  await using bus = await connectBus({
    name: `node ${options.id}`,
    ...(options.server === undefined ? {} : { url: options.server }),
    signal: stop.signal,
  });
  await using _telemetry = startTelemetry({ service: 'node', process: options.id, bus });
  await using logs = openAgentLogs(bus);
  const end = await runNode(bus, {
    id: options.id,
    preload: [import.meta.resolve('@mabeam/telemetry/register')],
    signal: stop.signal,
    onLine: logs.take,
    onObserved: (space, observed) =>
      log.info({ space, ...observed }, `${observed.agent} is ${observed.status}`),
    onProblem: (error) => log.warn({ err: error }, 'the node goes on'),
    onReady: (record) => {
      log.info({ ...record }, 'node ready');
      parent.tell({ kind: 'ready' });
    },
  });
  log.info({ ...end }, 'node stopped');
  return 0;
}

function readFlags(): { readonly help: boolean; readonly id: string; readonly server: string | undefined } {
  const { values } = parseArgs({
    options: {
      id: { type: 'string' },
      server: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  return { help: values.help === true, id: values.id ?? nodeIdFrom(hostname()), server: values.server };
}

function fail(to: Logger, error: unknown): number {
  // Told to stop before it had begun.
  if (stop.signal.aborted && error === stop.signal.reason) return 0;
  if (error instanceof MabeamError) {
    to.error({ code: error.code, details: error.details }, error.message);
    return error.exit;
  }
  // parseArgs explains a wrong flag itself.
  if (error instanceof TypeError && 'code' in error) {
    to.error(`${error.message} (see --help)`);
    return 2;
  }
  throw error;
}
