/** What is seen of a space whose logs are full: an error that says so, wherever something is to be written, and no busy loop. */
import {
  bucketStream,
  connectBus,
  createIdentity,
  deleteStreams,
  ensureStreams,
  MabeamError,
  putKey,
  spaceStreams,
  type Bus,
  type Identity,
} from '@mabeam/bus';
import {
  appendToLog,
  attendRaft,
  ensureLogs,
  ensureRecords,
  establishLedger,
  establishRaft,
  joinLedger,
  joinRaft,
  logStream,
  proposeEntry,
  recordsBucket,
  startOfLog,
  type LogTip,
} from '@mabeam/coordination';
import { waitFor } from '@mabeam/testing';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { code, openStage, type Stage } from './negotiation-stage.ts';

const names = ['ada', 'bob', 'cyd'];
const identities = new Map(names.map((party) => [party, createIdentity()]));
const electorate = names.map((party) => ({ party, key: identityOf(party).publicKey }));

function identityOf(party: string): Identity {
  return identities.get(party) ?? createIdentity();
}

async function resize(bus: Bus, space: string, bytes: number): Promise<void> {
  const logs = spaceStreams(space).filter(({ name }) => name === logStream(space));
  await ensureStreams(
    bus,
    logs.map((stream) => ({ ...stream, max_bytes: bytes })),
  );
}

/** Makes the stream of logs a small one. */
async function shrink({ bus, space }: Stage): Promise<void> {
  await deleteStreams(bus, [logStream(space)]);
  await resize(bus, space, 8_192);
}

/** Fills it, with somebody else's log. */
async function fill({ bus, space }: Stage): Promise<void> {
  let after: LogTip = startOfLog(space, 'other');
  for (const size of [1_000, 100, 1]) {
    for (let isFull = false; !isFull;) {
      try {
        const appended = await appendToLog(bus, space, 'other', 'x'.repeat(size), { after });
        if (appended.kind === 'appended') after = appended.entry;
      } catch (error) {
        if (!(error instanceof MabeamError && error.code === 'log-full')) throw error;
        isFull = true;
      }
    }
  }
}

/** Gives it room, as the error advises. */
async function grow({ bus, space }: Stage): Promise<void> {
  await resize(bus, space, 1_048_576);
}

async function connection(name: string): Promise<Bus> {
  const bus = await connectBus({ url: inject('natsUrl'), name });
  onTestFinished(() => bus.close(0));
  return bus;
}

describe('a space whose logs are full', () => {
  test('has groups that say so, without trying for ever, and go on when it is given room', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    await shrink(stage);
    await fill(stage);
    let appends = 0;
    (await connection('watcher')).subscribe(`mabeam.${space}.log.>`, () => void (appends += 1));
    for (const party of names) {
      const voice = { identity: identityOf(party), electorate, electionMs: 100 };
      const member = await joinRaft(await connection(party), space, 'books', party, voice);
      onTestFinished(() => member[Symbol.asyncDispose]());
    }
    const propose = (id: string): ReturnType<typeof proposeEntry> =>
      proposeEntry(bus, space, 'books', names, 1, { id, timeoutMs: 10_000 });
    await expect(propose('a')).rejects.toThrow(code('log-full'));
    await expect(propose('b')).rejects.toThrow(code('log-full'));
    expect(appends).toBeLessThan(20);
    await grow(stage);
    // Until the next election they still say what they know.
    await waitFor(async () => (await propose('a').catch(() => undefined))?.kind === 'committed', {
      what: 'it goes on',
    });
    // Who joins leaves the room that was given.
    await ensureLogs(bus, space);
    expect(await propose('b')).toMatchObject({ kind: 'committed' });
  });

  test('or whose records are, keeps the size that it was given', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    await ensureRecords(bus, space);
    const records = spaceStreams(space).filter(({ name }) => name === bucketStream(recordsBucket(space)));
    await deleteStreams(bus, [bucketStream(recordsBucket(space))]);
    await ensureStreams(
      bus,
      records.map((stream) => ({ ...stream, max_bytes: 4_096 })),
    );
    await ensureRecords(bus, space);
    const put = putKey(bus, recordsBucket(space), 'plan.large', 'x'.repeat(8_192));
    await expect(put).rejects.toThrow(code('overloaded'));
  });

  test('is not said to lack a quorum where a group is to decide, nor where a ledger is founded', async () => {
    await using stage = await openStage();
    const { bus, space } = stage;
    await shrink(stage);
    await fill(stage);
    for (const party of names) {
      await attendRaft(bus, space, party, { identity: identityOf(party) }).ready();
      await joinLedger(bus, space, 'books', party, { identity: identityOf(party) }).ready();
    }
    const deciding = establishRaft(bus, space, electorate, 'a', { electionMs: 100, round: 'r-1' });
    await expect(deciding).rejects.toThrow(code('log-full'));
    const founding = establishLedger(bus, space, electorate, ['a'], { ledger: 'books' });
    await expect(founding).rejects.toThrow(code('log-full'));
    await grow(stage);
    // What failed is no end.
    await waitFor(
      async () => {
        const options = { electionMs: 100, round: 'r-1' };
        const decided = await establishRaft(bus, space, electorate, 'a', options).catch(() => undefined);
        return decided?.kind === 'agreed';
      },
      { what: 'it decides' },
    );
  });
});
