/**
 * Many parties in one process: `parties <url> <space> <count>`. They answer in negotiations, vote, sit in committees and groups, gossip, and
 * sign a ledger; on the subject
 * `bench.party` a bare subscription for each answers as by hand, on `bench.party.signed` with a signature of what it was asked.
 *
 *   keys   the public key of each party, by id
 *   idle   resolves when hardly anything is left to do: a round that is decided still goes on among its parties
 */
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { connectBus, createIdentity } from '@mabeam/bus';
import {
  attendGossip,
  attendRaft,
  joinConsensus,
  joinLedger,
  joinPbft,
  participate,
} from '@mabeam/coordination';
import { serveCalls } from '../peer-end.ts';
import { bareSubject, ledgerId, partyId, signedPurpose, signedSubject } from './party-names.ts';

const [url = '', space = '', size = '0'] = process.argv.slice(2);
const bus = await connectBus({ name: 'parties', url });
const connection = await connect({ servers: url, noAsyncTraces: true });
const keys: Record<string, string> = {};

for (let n = 0; n < Number(size); n++) {
  const party = partyId(n);
  const identity = createIdentity();
  keys[party] = identity.publicKey;
  connection.subscribe(bareSubject, { callback: (_, message) => void message.respond(message.data) });
  connection.subscribe(signedSubject, {
    callback: (_, message) =>
      void message.respond(
        JSON.stringify({ party, signature: identity.sign(signedPurpose, message.string()) }),
      ),
  });
  participate(bus, space, party, { prefer: () => ({ preferred: n }) });
  joinConsensus(bus, space, party, { identity, vote: () => true });
  joinPbft(bus, space, party, { identity });
  attendRaft(bus, space, party, { identity });
  attendGossip(bus, space, party, { identity });
  joinLedger(bus, space, ledgerId, party, { identity });
}
await Promise.all([bus.flush(), connection.flush()]);

async function idle(): Promise<void> {
  for (;;) {
    const before = performance.eventLoopUtilization();
    await delay(15);
    if (performance.eventLoopUtilization(before).utilization < 0.05) return;
  }
}

// rows/rounds.ts calls them.
serveCalls({ keys: () => keys, idle });
