/** `mabeam dev`: the whole platform in one terminal: server, orchestrator, node and observer, each a process of its own. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { defaultServerUrl } from '@mabeam/bus';
import { parseSpaceDefinition, type SpaceDefinition } from '@mabeam/orchestrator';
import { startDev, type DevOptions, type DevSession } from '../dev.ts';
import { commandError } from '../errors.ts';
import { withServer, type ServerFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { openOutput, type Output } from '../output.ts';
import { renderSession } from '../render/dev.ts';
import { readProcessLine, renderProcessLine } from '../render/process-line.ts';
import { interruption } from '../session.ts';

interface DevFlags extends ServerFlags {
  readonly port?: number | 'random';
  readonly store?: string;
  readonly otlpEndpoint?: string;
  readonly verbose?: boolean;
}

const defaultPort = 4222;

/** The command `dev`. */
export function devCommand(): Command {
  const command = teachCommand({
    name: 'dev',
    description:
      'Run the whole platform here: a nats-server (fetched when there is none), an orchestrator, a node and an observer; what dies is started again. With NATS_URL or --server the server that is there is used. Ctrl-C drains and stops everything.',
    examples: [
      'mabeam dev space.yaml',
      'mabeam dev space.yaml --store ./state --port 4333',
      'mabeam dev --otlp-endpoint http://127.0.0.1:4318',
    ],
    exits: {
      0: 'stopped by Ctrl-C',
      1: 'a part failed again and again',
      5: 'port taken, store in use, no nats-server',
    },
  })
    .argument(
      '[space.yaml...]',
      'definitions of spaces; none: the spaces that are there, or an empty one called dev',
    )
    .option('--port <n>', `port of the nats-server, or "random" (default: ${defaultPort})`, portNumber)
    .option('--store <dir>', 'folder that keeps the state (default: a temporary one)')
    .option('--otlp-endpoint <url>', 'forward telemetry to this OTLP receiver (HTTP)', httpUrl)
    .option('--verbose', 'show all lines of the parts, not only warnings');
  return withServer(command).action((files: readonly string[], flags: DevFlags) => runDev(files, flags));
}

async function runDev(files: readonly string[], flags: DevFlags): Promise<void> {
  const output = openOutput(flags.output);
  const definitions = await readDefinitions(files);
  const stop = interruption(() => output.note('stopping; the agents finish what they have …'));
  await using session = await startUnlessStopped(output, definitions, flags, stop);
  if (session === undefined) return;
  tellReady(output, session, flags, definitions);
  await ending(AbortSignal.any([stop, session.over]));
  const processes = session.processes();
  await session.stop();
  if (session.over.aborted) throw session.over.reason;
  output.result({ kind: 'stopped', processes }, () => 'stopped');
}

/** The session, or undefined when a person has changed their mind meanwhile: then nothing is left, and that is no failure. */
async function startUnlessStopped(
  output: Output,
  spaces: readonly SpaceDefinition[],
  flags: DevFlags,
  signal: AbortSignal,
): Promise<DevSession | undefined> {
  try {
    return await startDev({
      ...placeOf(flags),
      spaces,
      signal,
      otlp: flags.otlpEndpoint === undefined ? undefined : { endpoint: flags.otlpEndpoint },
      onProgress: (line) => output.result({ kind: 'progress', line }, () => output.paint(['dim'], line)),
      onOutput: (name, stream, line) => tellLine(output, { name, stream, line }, flags.verbose === true),
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    output.result({ kind: 'stopped', processes: [] }, () => 'stopped');
    return undefined;
  }
}

/** An existing server, or the port and folder of ours. Throws `invalid-usage` when both are asked for. */
function placeOf({ server, port, store }: DevFlags): Pick<DevOptions, 'url' | 'port' | 'storeDir'> {
  const own = port !== undefined || store !== undefined;
  if (server !== undefined && own) {
    const message = '--port and --store are for a server of our own; leave them out, or leave --server out';
    throw commandError('invalid-usage', message);
  }
  const url = server ?? (own ? undefined : process.env['NATS_URL']);
  return url === undefined || url === '' ? { port: port ?? defaultPort, storeDir: store } : { url };
}

async function readDefinitions(files: readonly string[]): Promise<readonly SpaceDefinition[]> {
  const definitions: SpaceDefinition[] = [];
  for (const path of files) {
    const text = await readFile(path, 'utf8').catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw commandError('input-unreadable', `${path} cannot be read (${why}); correct the path`, {
        cause,
        details: { file: path },
      });
    });
    definitions.push(parseSpaceDefinition(text, { path }));
  }
  return definitions;
}

function tellReady(
  output: Output,
  session: DevSession,
  flags: DevFlags,
  definitions: readonly SpaceDefinition[],
): void {
  const { url, spaces } = session;
  const processes = session.processes();
  const endpoint = flags.otlpEndpoint ?? process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const otlp =
    endpoint === undefined ? 'keeps telemetry for 15 minutes' : `forwards telemetry to ${endpoint}`;
  const store =
    flags.store === undefined
      ? 'the state goes with it (--store keeps it)'
      : `the state stays in ${flags.store}`;
  const program = process.env['npm_lifecycle_event'] === undefined ? 'mabeam' : 'npm run --silent mabeam --';
  const [trigger] = definitions.flatMap(({ rules }) =>
    rules.flatMap(({ on }) => ('trigger' in on ? [on.trigger] : [])),
  );
  output.result({ kind: 'ready', url, spaces, processes }, () =>
    renderSession(
      { url, spaces, processes, store, otlp },
      { program, defaultUrl: defaultServerUrl, trigger },
      output.paint,
    ),
  );
}

interface PartLine {
  readonly name: string;
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
}

/** People see warnings and worse, and what is said on standard error; programs see all. */
function tellLine(output: Output, { name, stream, line }: PartLine, verbose: boolean): void {
  const { level } = readProcessLine(line);
  const isWorthy = verbose || stream === 'stderr' || !['trace', 'debug', 'info'].includes(level);
  if (output.format === 'table' && !isWorthy) return;
  output.result({ kind: 'line', process: name, stream, line }, () =>
    renderProcessLine(name, line, output.paint),
  );
}

function ending(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function portNumber(text: string): number | 'random' {
  if (text === 'random') return 'random';
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('It is neither "random" nor a port from 1 to 65535.');
}

function httpUrl(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError('It is not an http(s) URL.');
}
