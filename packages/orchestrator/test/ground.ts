/** A ground for tests of what leads a space: a space of its own, without nodes, and a look at it. */
import { connectBus, type Bus } from '@mabeam/bus';
import { freshSpace } from '@mabeam/testing';
import { openVariables, type VariableStore } from '@mabeam/variables';
import type { AdaptationRecord } from '../src/adaptation/adaptation-record.ts';
import { createSpace } from '../src/definition/create-space.ts';
import { parseSpaceDefinition } from '../src/definition/parse-space-definition.ts';
import { openSpaceMirror, type SpaceMirror } from '../src/state/space-mirror.ts';

export interface Ground extends AsyncDisposable {
  readonly bus: Bus;
  readonly space: string;
  readonly store: VariableStore;
  readonly mirror: SpaceMirror;
  /** All records of adaptations, as the mirror has them. */
  readonly records: () => readonly AdaptationRecord[];
}

/** Opens a ground with the space of `definition` (its `space: SPACE` replaced by a fresh one). */
export async function openGround(url: string, definition: string): Promise<Ground> {
  const space = freshSpace();
  const bus = await connectBus({ url, name: 'test' });
  const text = definition.replace('SPACE', space);
  await createSpace(bus, parseSpaceDefinition(text, { path: import.meta.filename }), { by: 'test' });
  const store = await openVariables(bus, space);
  const mirror = await openSpaceMirror(bus, space);
  return {
    bus,
    space,
    store,
    mirror,
    records: () => [...mirror.state.adaptations.values()].map(({ record }) => record),
    [Symbol.asyncDispose]: async () => {
      await mirror[Symbol.asyncDispose]();
      await store.close();
      await bus.close();
    },
  };
}
