/** What the tests of kept conversations stand on: a space of their own on a server, with its records, and a bus. */
import { bucketStream, connectBus, deleteStreams, ensureStreams, spaceStreams, type Bus } from '@mabeam/bus';
import { freshSpace } from '@mabeam/testing';
import { ensureRecords, recordsBucket } from '../src/session/records.ts';

/** A space on a server; disposing closes the bus and deletes the space. */
export interface SpaceStage extends AsyncDisposable {
  readonly bus: Bus;
  readonly space: string;
}

/** Creates a fresh space. */
export async function openSpaceStage(url: string): Promise<SpaceStage> {
  const bus = await connectBus({ url, name: 'test' });
  const space = freshSpace();
  await ensureStreams(bus, spaceStreams(space));
  await ensureRecords(bus, space);
  return {
    bus,
    space,
    [Symbol.asyncDispose]: async () => {
      const names = [...spaceStreams(space).map(({ name }) => name), bucketStream(recordsBucket(space))];
      await deleteStreams(bus, names);
      await bus.close();
    },
  };
}
