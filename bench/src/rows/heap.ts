/** The heap that an agent takes in a process of ten thousand, beside as many times four bare subscriptions. */
import { connectBus, ensureStreams, spaceStreams } from '@mabeam/bus';
import { scaled, type Benchmark, type Stage } from '../benchmark.ts';
import { startPeer } from '../peer.ts';
import { takeTurns } from '../take-turns.ts';

const agents = 10_000;
const space = 'bench-heap';

/** In-process agents; every turn is a process of its own. */
export const heap: Benchmark = {
  name: 'heap',
  goal: '≤ 1.2 × the heap of four bare subscriptions each',
  timeoutMs: 90_000,
  run: async (stage) => {
    await using bus = await connectBus({ name: 'bench', url: stage.natsUrl });
    await ensureStreams(bus, spaceStreams(space));
    const { ours, bare } = await takeTurns(
      scaled(stage, { full: 3, quick: 2 }),
      { ours: () => heapOf(stage, 'crew'), bare: () => heapOf(stage, 'subscriptions') },
      stage.signal,
    );
    return {
      comparisons: [
        {
          measure: `each of ${agents} agents`,
          unit: 'kB',
          ours,
          baseline: { name: '4 bare subscriptions', figures: bare },
          goal: { of: 'ratio', is: 'at-most', limit: 1.2 },
        },
      ],
    };
  },
};

/** kB of heap each, in a process of its own. */
async function heapOf(stage: Stage, way: string): Promise<number> {
  const args = [way, stage.natsUrl, String(agents), space];
  await using peer = await startPeer('heap', { args, nodeFlags: ['--expose-gc'], signal: stage.signal });
  return (await peer.number('measure')) / 1_000;
}
