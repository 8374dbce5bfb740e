/** The lines of this node's agents, on their way to the telemetry stream: one sink for each space that has agents here. */
import type { Bus } from '@mabeam/bus';
import type { AgentLine } from '@mabeam/cluster';
import { openLogSink, type LogSink } from '@mabeam/telemetry';

/** Takes the lines of all spaces; disposing sends what waits. */
export interface AgentLogs extends AsyncDisposable {
  readonly take: (line: AgentLine) => void;
}

/** Opens the way for lines; sinks are opened when the first line of their space comes. The bus must outlive it. */
export function openAgentLogs(bus: Bus): AgentLogs {
  const sinks = new Map<string, LogSink>();
  const sinkOf = (space: string): LogSink => {
    const sink = sinks.get(space) ?? openLogSink(bus, space);
    sinks.set(space, sink);
    return sink;
  };
  return {
    take: ({ space, stream, line, ...source }) => sinkOf(space).line(source, stream, line),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...sinks.values()].map((sink) => sink[Symbol.asyncDispose]()));
    },
  };
}
