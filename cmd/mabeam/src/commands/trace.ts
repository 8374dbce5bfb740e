/** `mabeam trace`: one journey through the processes, as a tree. */
import type { Command } from 'commander';
import { commandError } from '../errors.ts';
import { withServer, type ServerFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { openOutput } from '../output.ts';
import { oneLine } from '../render/table.ts';
import { onServer } from '../session.ts';

/** The command `trace`. */
export function traceCommand(): Command {
  const command = teachCommand({
    name: 'trace',
    description:
      'Show a trace as a tree of spans, from all processes that took part; spans whose parent was not seen come last (kept for 15 minutes).',
    examples: [
      'mabeam trace 4bf92f3577b34da6a3ce929d0e0e4736',
      'mabeam trace 4bf92f3577b34da6a3ce929d0e0e4736 -o json',
    ],
    exits: { 1: 'the trace is not there (yet, or any more)' },
  }).argument('<id>', 'trace id: 32 hexadecimal digits');
  return withServer(command).action(async (id: string, flags: ServerFlags) => {
    const output = openOutput(flags.output);
    const traceId = id.toLowerCase();
    if (!/^(?!0{32})[0-9a-f]{32}$/.test(traceId)) throw notTraceId(id);
    const { readTrace, renderTrace } = await import('@mabeam/telemetry');
    const trace = await onServer(flags, (bus) => readTrace(bus, traceId));
    if (trace === undefined) {
      const message = `no span of trace ${traceId} is kept; it may be older than 15 minutes, not sampled, or not sent yet (wait a second)`;
      throw commandError('unknown-trace', message, { details: { traceId } });
    }
    output.result(plainNumbers(trace), () => renderTrace(trace).split('\n').map(oneLine).join('\n'));
  });
}

function notTraceId(id: string): Error {
  const cure = 'ask, task send and event publish tell theirs, and logs -o json has it as traceId';
  const message = `<id>: "${id}" is not a trace id, which is 32 hexadecimal digits, not all of them 0; ${cure}`;
  return commandError('invalid-usage', message, { details: { field: '<id>', traceId: id } });
}

/** Times in nanoseconds are too large for JSON numbers: they become text. */
function plainNumbers(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner)),
  ) as unknown;
}
