/** A change set over three variables, compare-and-set, beside three single updates. */
import { connectBus, ensureStreams, spaceStreams } from '@mabeam/bus';
import { openVariables, performanceThreshold, type VariableStore } from '@mabeam/variables';
import { scaled, type Benchmark } from '../benchmark.ts';
import { takeTurns } from '../take-turns.ts';

const space = 'bench-change-set';
const by = 'bench';
const ids = ['first', 'second', 'third'];

/** All or nothing must not cost more than one after the other. */
export const changeSet: Benchmark = {
  name: 'change-set',
  goal: '≤ 1 × the time of 3 single updates, all or nothing',
  timeoutMs: 60_000,
  run: async (stage) => {
    await using bus = await connectBus({ name: 'bench', url: stage.natsUrl });
    await ensureStreams(bus, spaceStreams(space));
    await using store = await openVariables(bus, space);
    for (const id of ids) await store.create(performanceThreshold(id, { initial: 0 }), { by });
    const times = scaled(stage, { full: 100, quick: 30 });
    const rounds = scaled(stage, { full: 11, quick: 3 });
    await setThree(store, 20);
    await updateThree(store, 20);
    const { ours, single } = await takeTurns(
      rounds,
      { ours: () => setThree(store, times), single: () => updateThree(store, times) },
      stage.signal,
    );
    return {
      comparisons: [
        {
          measure: '3 variables, time a change',
          unit: 'ms',
          ours,
          baseline: { name: '3 × update', figures: single },
          goal: { of: 'ratio', is: 'at-most', limit: 1 },
        },
      ],
      notes: ['both until this process has the change; the updates one after the other'],
    };
  },
};

async function setThree(store: VariableStore, times: number): Promise<number> {
  const startedAt = performance.now();
  for (let n = 0; n < times; n++)
    await store.apply(
      ids.map((id) => ({ id, value: n })),
      { by },
    );
  return (performance.now() - startedAt) / times;
}

async function updateThree(store: VariableStore, times: number): Promise<number> {
  const startedAt = performance.now();
  for (let n = 0; n < times; n++) for (const id of ids) await store.update(id, n, { by });
  return (performance.now() - startedAt) / times;
}
