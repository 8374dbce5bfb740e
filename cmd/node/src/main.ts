/**
 * mabeam-node: hosts and supervises the agents of this machine, as the orchestrators of their spaces order it. SIGTERM (or
 * Ctrl-C) drains all agents and exits 0; a second one ends it at once.
 */
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { connectBus } from '@mabeam/bus';
import { nodeIdFrom, openRuntimeBundle, playRole, runNode, type RoleLife } from '@mabeam/cluster';
import { createLogger, startTelemetry } from '@mabeam/telemetry';
import { openAgentLogs } from './agent-logs.ts';

const help = `mabeam-node: hosts and supervises agents on this machine

  mabeam-node [--id NAME] [--server nats://127.0.0.1:4222] [--crew-size N]

  --id NAME      the node's id, unique among all nodes; default: from the name of the machine
  --server URL   the nats-server; default $NATS_URL, else nats://127.0.0.1:4222
  --crew-size N  how many agents of a space share one process at most, of those whose form lets them; default: all
  --help         this text

The node starts nothing by itself: the orchestrator of a space places agents on it. Stop it with SIGTERM or Ctrl-C; its
agents are drained first. When it is killed, its agents end with it and are placed elsewhere.`;

const log = createLogger({ name: 'node' });

process.exitCode = await playRole({
  help,
  readFlags: () => {
    const { values } = parseArgs({
      options: {
        id: { type: 'string' },
        server: { type: 'string' },
        'crew-size': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return {
      help: values.help === true,
      id: values.id ?? nodeIdFrom(hostname()),
      server: values.server,
      crewSize: crewSizeOf(values['crew-size']),
    };
  },
  run: hostAgents,
  onError: (message, fields) => log.error(fields, message),
});

interface Flags {
  readonly help: boolean;
  readonly id: string;
  readonly server: string | undefined;
  readonly crewSize: number | undefined;
}

/** A wrong usage is a TypeError with a code, as `parseArgs` throws them. */
function crewSizeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const size = Number(text);
  if (Number.isSafeInteger(size) && size > 0) return size;
  const message = `--crew-size: "${text}" is not a whole number above 0`;
  throw Object.assign(new TypeError(message), { code: 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE' });
}

async function hostAgents(flags: Flags, { signal, parent }: RoleLife): Promise<void> {
  const { id, server, crewSize } = flags;
  await using bus = await connectBus({
    name: `node ${id}`,
    ...(server === undefined ? {} : { url: server }),
    signal,
  });
  await using _telemetry = startTelemetry({ service: 'node', process: id, bus });
  await using logs = openAgentLogs(bus);
  const preload = [import.meta.resolve('@mabeam/telemetry/register')];
  const onProblem = (error: unknown): void => log.warn({ err: error }, 'the node goes on');
  await using runtimeBundle = openRuntimeBundle({ preload, onProblem });
  const end = await runNode(bus, {
    id,
    preload,
    runtimeBundle,
    signal,
    ...(crewSize === undefined ? {} : { crewSize }),
    onLine: logs.take,
    onCrewLine: ({ line, ...source }) => log.info(source, line),
    onObserved: (space, observed) =>
      log.info({ space, ...observed }, `${observed.agent} is ${observed.status}`),
    onProblem,
    onReady: (record) => {
      log.info({ ...record }, 'node ready');
      parent.tell({ kind: 'ready' });
    },
  });
  log.info({ ...end }, 'node stopped');
}
