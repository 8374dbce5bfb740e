/**
 * mabeam-orchestrator: runs the control loop of one or more spaces under their leases. Start several: one leads each space,
 * the others stand by. SIGTERM (or Ctrl-C) gives the leases back and exits 0; a killed one is succeeded within seconds.
 */
import { parseArgs } from 'node:util';
import { connectBus, parseId } from '@mabeam/bus';
import { playRole, type RoleLife } from '@mabeam/cluster';
import { runOrchestrator } from '@mabeam/orchestrator';
import { createLogger, startTelemetry } from '@mabeam/telemetry';

const help = `mabeam-orchestrator: keeps spaces as their variables say

  mabeam-orchestrator --space NAME [--space NAME …] [--server nats://127.0.0.1:4222]

  --space NAME   a space to orchestrate; give it several times for several spaces
  --server URL   the nats-server; default $NATS_URL, else nats://127.0.0.1:4222
  --help         this text

For each space one orchestrator leads at a time; every other one stands by. The leader starts and stops agents on the nodes
(mabeam-node), keeps the graph, answers triggers by the space's rules, and serves command.variable.<id>.set.`;

const log = createLogger({ name: 'orchestrator' });

process.exitCode = await playRole({
  help,
  readFlags: () => {
    const { values } = parseArgs({
      options: {
        space: { type: 'string', multiple: true },
        server: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    const isHelp = values.help === true;
    const spaces = [...new Set(values.space ?? [])].map((space) => parseId('space', space));
    if (spaces.length === 0 && !isHelp) throw noSpace();
    return { help: isHelp, spaces, server: values.server };
  },
  run: orchestrate,
  onError: (message, fields) => log.error(fields, message),
});

interface Flags {
  readonly spaces: readonly string[];
  readonly server: string | undefined;
}

async function orchestrate({ spaces, server }: Flags, { signal, parent }: RoleLife): Promise<void> {
  const name = `orchestrator-${process.pid}`;
  await using bus = await connectBus({ name, ...(server === undefined ? {} : { url: server }), signal });
  await using _telemetry = startTelemetry({ service: 'mabeam-orchestrator', process: name, bus });
  const running = spaces.map((space) => runOrchestrator(bus, { space, process: name, signal, log }));
  log.info({ spaces }, 'orchestrator ready');
  parent.tell({ kind: 'ready' });
  await Promise.all(running);
  log.info('orchestrator stopped');
}

/** A usage error in the shape of those of `parseArgs`. */
function noSpace(): TypeError {
  return Object.assign(new TypeError('name at least one space: --space NAME'), {
    code: 'ERR_PARSE_ARGS_MISSING',
  });
}
