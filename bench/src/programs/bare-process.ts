/** Baseline of the start benchmark: Node and a NATS connection with one subscription, ready once the server knows it. */
import { writeSync } from 'node:fs';
import { connect } from '@nats-io/transport-node';

const connection = await connect({ servers: process.env['NATS_URL'] ?? '' });
connection.subscribe('bench.bare', { callback: (_, message) => void message.respond(message.data) });
await connection.flush();
writeSync(3, '{"kind":"ready"}\n');
process.once('SIGTERM', () => process.exit());
