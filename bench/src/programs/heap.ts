/**
 * What one agent costs of a process's heap: `heap <subscriptions|crew> <url> <count> <space>`, with `--expose-gc`. Its function
 * `measure` makes the agents and answers the bytes each.
 */
import { connect } from '@nats-io/transport-node';
import { defineAgent, startAgents } from '@mabeam/agents';
import { connectBus } from '@mabeam/bus';
import { openVariables } from '@mabeam/variables';
import { heapBytes, serveCalls } from '../peer-end.ts';

const [way, url = '', size = '0', space = ''] = process.argv.slice(2);
const count = Number(size);

/** Four bare subscriptions each: to be asked, told, commanded, and kept up. */
async function makeSubscriptions(): Promise<number> {
  const connection = await connect({ servers: url, noAsyncTraces: true });
  await connection.flush();
  const before = heapBytes();
  for (let n = 0; n < count; n++)
    for (const kind of ['ask', 'tell', 'command', 'variable'])
      connection.subscribe(`bench.${kind}.agent-${n}`, { callback: () => undefined });
  await connection.flush();
  return (heapBytes() - before) / count;
}

/** Agents that answer questions; what a process has once (connection, variables) is there before. */
async function makeAgents(): Promise<number> {
  const bus = await connectBus({ name: 'crew', url });
  const store = await openVariables(bus, space);
  const definition = defineAgent({ ask: (input) => input });
  const first = await startAgents(bus, space, [{ id: 'first', definition }], { store });
  const before = heapBytes();
  const members = Array.from({ length: count }, (_, n) => ({ id: `agent-${n}`, definition }));
  await first.addAll(members);
  members.length = 0;
  return (heapBytes() - before) / count;
}

serveCalls({ measure: way === 'crew' ? makeAgents : makeSubscriptions });
