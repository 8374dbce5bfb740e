/**
 * Many listeners in one process: `listeners <subscriptions|watches> <url> <count> <subject|bucket>`. Its function `seen` resolves with
 * the instant at which the last of them had a value.
 */
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { serveCalls } from '../peer-end.ts';
import { Roll, steadyMicros } from '../roll.ts';
import { revisionKey } from './revision-names.ts';

const [way, url = '', size = '0', place = ''] = process.argv.slice(2);
const count = Number(size);
const openedAtOnce = 16;
const roll = new Roll(count, steadyMicros);
const connection = await connect({ servers: url, noAsyncTraces: true });

/** A core subscription each. */
function subscribeEach(): void {
  for (let n = 0; n < count; n++)
    connection.subscribe(place, { callback: (_, message) => roll.note(Number(message.string())) });
}

/** A `kv.watch` each; a few are opened at once, for the server makes a consumer for each. */
async function watchEach(): Promise<void> {
  const bucket = await new Kvm(connection).open(place);
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) void readAll(await bucket.watch({ key: revisionKey }));
  };
  await Promise.all(Array.from({ length: openedAtOnce }, lane));
}

async function readAll(entries: AsyncIterable<{ string(): string }>): Promise<void> {
  for await (const entry of entries) roll.note(Number(entry.string()));
}

if (way === 'watches') await watchEach();
else subscribeEach();
await connection.flush();

// rows/revision.ts calls it with a number.
serveCalls({ seen: (value) => roll.complete(value as number) });
