/** Many agents in one process: `services <bare|ours> <url> <count>`; each is found by `$SRV.PING`. */
import { connect } from '@nats-io/transport-node';
import { defineAgent, startAgents } from '@mabeam/agents';
import { connectBus, ensureStreams, spaceStreams } from '@mabeam/bus';
import { serveCalls } from '../peer-end.ts';

const [way, url = '', size = '0'] = process.argv.slice(2);
const ids = Array.from({ length: Number(size) }, (_, n) => `agent-${n}`);

/** By hand: a subscription each, and an answer of the form that ADR-32 describes. */
async function serveBare(): Promise<void> {
  const connection = await connect({ servers: url, noAsyncTraces: true });
  for (const id of ids) {
    const pong = { type: 'io.nats.micro.v1.ping_response', name: 'bench', id, version: '0.1.0' };
    const answer = JSON.stringify({ ...pong, metadata: {} });
    connection.subscribe('$SRV.PING', { callback: (_, message) => void message.respond(answer) });
  }
  await connection.flush();
}

/** Ours: a crew of agents. */
async function serveOurs(): Promise<void> {
  const bus = await connectBus({ name: 'services', url });
  await ensureStreams(bus, spaceStreams('bench'));
  const definition = defineAgent({ ask: (body) => body });
  await startAgents(
    bus,
    'bench',
    ids.map((id) => ({ id, definition })),
  );
}

await (way === 'ours' ? serveOurs() : serveBare());
serveCalls({});
