/**
 * mabeam-orchestrator: runs the control loop of one or more spaces under their leases. Start several: one leads each space,
 * the others stand by. SIGTERM (or Ctrl-C) gives the leases back and exits 0; a killed one is succeeded within seconds.
 */
import { parseArgs } from 'node:util';
import { connectBus, MabeamError, parseId } from '@mabeam/bus';
import { exitWithParent } from '@mabeam/cluster';
import { runOrchestrator } from '@mabeam/orchestrator';
import { createLogger, startTelemetry, type Logger } from '@mabeam/telemetry';

const help = `mabeam-orchestrator: keeps spaces as their variables say

  mabeam-orchestrator --space NAME [--space NAME …] [--server nats://127.0.0.1:4222]

  --space NAME   a space to orchestrate; give it several times for several spaces
  --server URL   the nats-server; default $NATS_URL, else nats://127.0.0.1:4222
  --help         this text

For each space one orchestrator leads at a time; every other one stands by. The leader starts and stops agents on the nodes
(mabeam-node), keeps the graph, answers triggers by the space's rules, and serves command.variable.<id>.set.`;

const log = createLogger({ name: 'orchestrator' });
const stop = new AbortController();
process.exitCode = await main().catch((error: unknown) => fail(log, error));

/** Runs until SIGTERM, SIGINT or the end of its parent; returns the exit status. */
async function main(): Promise<number> {
  const flags = readFlags();
  if (flags.help) {
    console.log(help);
    return 0;
  }
  if (flags.spaces.length === 0) {
    log.error('name at least one space: --space NAME (see --help)');
    return 2;
  }
  const parent = exitWithParent(() => stop.abort());
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  const name = `orchestrator-${process.pid}`;
  await using bus = await connectBus({
    name,
    ...(flags.server === undefined ? {} : { url: flags.server }),
    signal: stop.signal,
  });
  await using _telemetry = startTelemetry({ service: 'mabeam-orchestrator', process: name, bus });
  const running = flags.spaces.map((space) =>
    runOrchestrator(bus, { space, process: name, signal: stop.signal, log }),
  );
  log.info({ spaces: flags.spaces }, 'orchestrator ready');
  parent.tell({ kind: 'ready' });
  await Promise.all(running);
  log.info('orchestrator stopped');
  return 0;
}

function readFlags(): {
  readonly help: boolean;
  readonly spaces: readonly string[];
  readonly server: string | undefined;
} {
  const { values } = parseArgs({
    options: {
      space: { type: 'string', multiple: true },
      server: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const spaces = [...new Set(values.space ?? [])].map((space) => parseId('space', space));
  return { help: values.help === true, spaces, server: values.server };
}

function fail(to: Logger, error: unknown): number {
  // Told to stop before it had begun.
  if (stop.signal.aborted) return 0;
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
