/** `mabeam run`: one instance of an agent, hosted by this terminal: a module of ours, or any command. */
import type { Command } from 'commander';
import { parseId } from '@mabeam/bus';
import { hostInstance, openRuntimeBundle, type HostedInstance, type ObservedInstance } from '@mabeam/cluster';
import type { LogSink } from '@mabeam/telemetry';
import { commandError } from '../errors.ts';
import { wholeNumber, withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { parseJsonText } from '../input.ts';
import { openOutput, type Output } from '../output.ts';
import { renderProcessLine } from '../render/process-line.ts';
import { oneLine } from '../render/table.ts';
import { inSpace, interruption, type Place } from '../session.ts';
import { chooseAgent, locateModule, registerAgent, type Wish } from '../terminal-host.ts';

interface RunFlags extends SpaceFlags {
  readonly as?: string;
  readonly ordinal: number;
  readonly config?: string;
  readonly group?: string;
}

/** The command `run`; `foreign` are the words after `--`, when there was one. */
export function runCommand(foreign: readonly string[] | undefined): Command {
  const command = teachCommand({
    name: 'run',
    description:
      'Host one instance of an agent in this terminal, with its lease, its telemetry and its log lines: a module that calls runAgent, or after -- any command that speaks the protocol. An agent the space does not know is registered. Ctrl-C drains it.',
    examples: [
      'mabeam run ./echo.ts',
      `mabeam run ./words.ts --as words --ordinal 1 --config '{"smoothing":0.5}'`,
      'mabeam run --as checker --group readers -- python3 checker.py',
    ],
    exits: { 0: 'it has ended as it should', 1: 'it failed', 3: 'another host has this instance' },
  })
    .argument('[module...]', 'file or package of the agent; or -- and a command')
    .option('--as <agent>', 'id of the agent (default: the name of the file)')
    .option('--ordinal <n>', 'which instance of the agent', wholeNumber(0), 0)
    .option('--config <json>', 'configuration of the agent: a JSON object')
    .option(
      '--group <id>',
      'group whose tasks and questions it shares; for an agent the space does not know',
    );
  return withSpace(command).action((words: readonly string[], flags: RunFlags) => run(words, foreign, flags));
}

async function run(
  words: readonly string[],
  foreign: readonly string[] | undefined,
  flags: RunFlags,
): Promise<void> {
  const output = openOutput(flags.output);
  const wish = wishOf(words, foreign, flags);
  const stop = interruption();
  await inSpace(flags, (place) => host(place, wish, { output, ordinal: flags.ordinal, stop }));
}

function wishOf(words: readonly string[], foreign: readonly string[] | undefined, flags: RunFlags): Wish {
  const modules = foreign === undefined ? words : words.slice(0, words.length - foreign.length);
  const [module, ...more] = modules;
  const [command, ...args] = foreign ?? [];
  const isOne = (module === undefined) !== (command === undefined) && more.length === 0;
  if (!isOne) throw commandError('invalid-usage', 'name one module, or give a command after --; see --help');
  const started =
    command === undefined
      ? locateModule(module ?? '')
      : { command: [command, ...args] as [string, ...string[]] };
  return {
    id: parseId('agent', chooseAgent(flags.as, command === undefined ? modules : [command])),
    run: started,
    config: flags.config === undefined ? undefined : configOf(flags.config),
    group: flags.group,
  };
}

function configOf(text: string): Readonly<Record<string, unknown>> {
  const config = parseJsonText('--config', text);
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return { ...config };
  throw commandError(
    'invalid-usage',
    '--config is not a JSON object; write for instance \'{"smoothing":0.5}\'',
  );
}

interface Terminal {
  readonly output: Output;
  readonly ordinal: number;
  readonly stop: AbortSignal;
}

async function host(place: Place, wish: Wish, { output, ordinal, stop }: Terminal): Promise<void> {
  const { bus, space } = place;
  const { openLogSink } = await import('@mabeam/telemetry');
  const registered = await registerAgent(place, wish);
  await using sink = openLogSink(bus, space);
  const preload = [import.meta.resolve('@mabeam/telemetry/register')];
  await using runtimeBundle = openRuntimeBundle({ preload });
  const hosted = await hostInstance(bus, {
    ...registered,
    space,
    ordinal,
    node: `terminal-${process.pid}`,
    preload,
    runtimeBundle,
    onLine: (stream, line, incarnation) =>
      tellLine(output, sink, { agent: wish.id, ordinal, stream, line, incarnation }),
    onObserved: (observed) => tellState(output, observed),
  });
  if (hosted.kind === 'taken') {
    const { by } = hosted;
    const message = `${wish.id}.${ordinal} is hosted by ${by === undefined ? 'somebody else' : `${by.node} (pid ${by.pid})`}; choose another --ordinal, or stop that one`;
    throw commandError('instance-taken', message, { details: { agent: wish.id, ordinal, by } });
  }
  await untilEnded(hosted.instance, stop, `${wish.id}.${ordinal}`);
}

async function untilEnded(instance: HostedInstance, stop: AbortSignal, name: string): Promise<void> {
  stop.addEventListener('abort', () => void instance.stop(), { once: true });
  if (stop.aborted) void instance.stop();
  const end = await instance.ended;
  if (end.kind === 'inactive') return;
  const code = end.kind === 'fenced' ? 'instance-taken' : 'agent-failed';
  throw commandError(code, `${name}: ${end.reason}`, { details: { ...end } });
}

interface AgentLine {
  readonly agent: string;
  readonly ordinal: number;
  readonly incarnation: string;
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
}

function tellLine(output: Output, sink: LogSink, line: AgentLine): void {
  sink.line(line, line.stream, line.line);
  output.result({ kind: 'line', ...line }, () =>
    renderProcessLine(`${line.agent}.${line.ordinal}`, line.line, output.paint),
  );
}

function tellState(output: Output, observed: ObservedInstance): void {
  const { agent, ordinal, status, pid, reason } = observed;
  output.result({ kind: 'state', ...observed }, () => {
    const details = [pid === undefined ? '' : `pid ${pid}`, reason === undefined ? '' : oneLine(reason)];
    const shown = details.filter((detail) => detail !== '').join(', ');
    return output.paint(['dim'], `${agent}.${ordinal} is ${status}${shown === '' ? '' : ` (${shown})`}`);
  });
}
