/** The writer of observed entries: whenever a state is set, it is the one that is found afterwards. */
import { connectBus, ensureStreams, parseJson, readKey, spaceNames, spaceStreams } from '@mabeam/bus';
import { freshSpace, waitFor } from '@mabeam/testing';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { ObservedWriter } from '../src/observed-writer.ts';
import { parseObservedInstance, type ObservedInstance } from '../src/registry.ts';

/** So many steps of promises lie, at the most, between the acknowledgement of a write and the rest of its writer. */
const steps = 16;

test('a state that is set at any step of the end of a write is written as well', async () => {
  const bus = await connectBus({ url: inject('natsUrl'), name: 'observed writer test' });
  onTestFinished(() => bus.close());
  const space = freshSpace('observed');
  await ensureStreams(bus, spaceStreams(space));
  const bucket = spaceNames(space).observed;
  const store = bus.store.bind(bus);
  const stored = vi.spyOn(bus, 'store');
  for (let step = 0; step < steps; step++) {
    using writer = new ObservedWriter(bus, {
      bucket,
      mayWrite: () => true,
      onProblem: (error) => expect(error).toBeUndefined(),
    });
    stored.mockImplementationOnce((...args) => {
      const ack = store(...args);
      void ack.then(async () => {
        for (let done = 0; done < step; done++) await Promise.resolve();
        writer.set(instance(step, 'active'));
      });
      return ack;
    });
    writer.set(instance(step, 'starting'));
    const isActive = async (): Promise<boolean> => {
      const entry = await readKey(bus, bucket, `words.${step}`);
      return entry !== undefined && parseObservedInstance(parseJson(entry.data))?.status === 'active';
    };
    await waitFor(isActive, { what: `the state of step ${step} is written`, timeoutMs: 5_000 });
  }
});

function instance(ordinal: number, status: ObservedInstance['status']): ObservedInstance {
  const since = '2026-01-01T00:00:00.000Z';
  const run = { incarnation: 'a-0', node: 'here', definitionRevision: 0, restarts: 0 };
  return { v: 1, agent: 'words', ordinal, status, since, ...run };
}
