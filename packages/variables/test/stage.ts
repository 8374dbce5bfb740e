/** The stage of these tests: a fresh space with its streams, and two stores on it, as two processes would have them. */
import { connectBus, deleteStreams, ensureStreams, spaceNames, spaceStreams, type Bus } from '@mabeam/bus';
import { freshSpace } from '@mabeam/testing';
import { openVariables, type OpenVariablesOptions, type VariableStore } from '@mabeam/variables';
import { expect, inject } from 'vitest';

export interface Stage extends AsyncDisposable {
  readonly bus: Bus;
  readonly space: string;
  readonly bucket: string;
  readonly store: VariableStore;
  readonly other: VariableStore;
}

/** Sets the stage; disposing of it takes everything down again. */
export async function openStage(options: OpenVariablesOptions = {}): Promise<Stage> {
  const bus = await connectBus({ url: inject('natsUrl'), name: 'variables-test' });
  const space = freshSpace();
  await ensureStreams(bus, spaceStreams(space));
  const [store, other] = await Promise.all([
    openVariables(bus, space, options),
    openVariables(bus, space, options),
  ]);
  return {
    bus,
    space,
    bucket: spaceNames(space).bucket,
    store,
    other,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([store.close(), other.close()]);
      await deleteStreams(
        bus,
        spaceStreams(space).map(({ name }) => name),
      );
      await bus.close();
    },
  };
}

/** The bytes that a shell would put under a value's key. */
export function rawEntry(value: unknown): object {
  return { v: 1, value, definitionRevision: 1, by: 'shell', at: new Date().toISOString(), cause: 'raw put' };
}

/** Matches an error by its code. */
export function code(expected: string): unknown {
  return expect.objectContaining({ code: expected });
}
