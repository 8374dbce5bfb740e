import { subjects } from '@mabeam/bus';
import { expect, it } from 'vitest';
import { startAppliedSignal } from './applied-signal.ts';
import type { Premises } from './premises.ts';

/** Premises whose revisions the test makes, and what is said on them. */
function premisesOf(): { premises: Premises; arrive: (revision: number) => void; said: unknown[] } {
  const listeners = new Set<() => void>();
  const said: unknown[] = [];
  const store = {
    applied: 0,
    replica: {
      onChange: (listener: () => void) => {
        listeners.add(listener);
        return { [Symbol.dispose]: () => void listeners.delete(listener) };
      },
    },
  };
  const bus = {
    publish: (_: string, body: unknown) => void said.push(body),
    onReconnect: () => ({ [Symbol.dispose]: () => undefined }),
  };
  const arrive = (revision: number): void => {
    store.applied = revision;
    for (const listener of listeners) listener();
  };
  // The signal looks at nothing else of the premises.
  const premises = { bus, at: subjects('desk'), store, process: 'p1' } as unknown as Premises;
  return { premises, arrive, said };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('a thousand revisions that arrive together are one signal of the last one', async () => {
  const { premises, arrive, said } = premisesOf();
  using _ = startAppliedSignal(premises, () => ({ laggards: [], instances: 2 }));
  expect(said.splice(0)).toHaveLength(1);
  for (let revision = 1; revision <= 1_000; revision++) arrive(revision);
  await turn();
  expect(said.splice(0)).toEqual([{ process: 'p1', applied: 1_000, laggards: [], instances: 2 }]);
  arrive(1_001);
  await turn();
  expect(said).toEqual([{ process: 'p1', applied: 1_001, laggards: [], instances: 2 }]);
});

it('nothing is said after its end, also not of what had arrived before', async () => {
  const { premises, arrive, said } = premisesOf();
  const signal = startAppliedSignal(premises, () => ({ laggards: [], instances: 0 }));
  arrive(5);
  signal[Symbol.dispose]();
  said.length = 0;
  await turn();
  expect(said).toEqual([]);
});
