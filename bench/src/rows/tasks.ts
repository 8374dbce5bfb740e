/** Durable tasks with results beside JetStream by hand: submitted in one process, worked on in another, at the same time. */
import { connectBus, ensureStreams, spaceStreams } from '@mabeam/bus';
import { scaled, type Benchmark, type Stage } from '../benchmark.ts';
import { startPeer, type Peer } from '../peer.ts';
import { taskConcurrency } from '../programs/task-names.ts';
import { takeTurns } from '../take-turns.ts';

/** From the first submission to the last acknowledgement, in tasks a second. */
export const tasks: Benchmark = {
  name: 'tasks',
  goal: '≥ 0.8 of JetStream publish + pull + ack by hand; ≥ 18,000/s at concurrency 32',
  timeoutMs: 120_000,
  run: async (stage) => {
    await using peers = new AsyncDisposableStack();
    const ways = {
      ours: await startWay(stage, peers, 'ours', 'ours'),
      byHand: await startWay(stage, peers, 'by-hand', 'by-hand'),
      stored: await startWay(stage, peers, 'by-hand', 'by-hand-stored'),
    };
    const count = scaled(stage, { full: 10_000, quick: 4_000 });
    const turns = {
      ours: rateOf(ways.ours, count),
      byHand: rateOf(ways.byHand, count),
      stored: rateOf(ways.stored, count),
    };
    await takeTurns(1, turns, stage.signal);
    const { ours, byHand, stored } = await takeTurns(
      scaled(stage, { full: 7, quick: 3 }),
      turns,
      stage.signal,
    );
    const measure = `concurrency ${taskConcurrency}`;
    return {
      comparisons: [
        {
          measure,
          unit: '/s',
          ours,
          baseline: { name: 'publish + pull + ack by hand', figures: byHand },
          goal: { of: 'ratio', is: 'at-least', limit: 0.8 },
        },
        { measure, unit: '/s', ours, baseline: { name: 'the same, results stored', figures: stored } },
        { measure, unit: '/s', ours, goal: { of: 'figure', is: 'at-least', limit: 18_000 } },
      ],
      notes: [
        'by hand no result is stored in the first line; ours stores one a task, expecting that there is none yet',
      ],
    };
  },
};

interface Way {
  readonly submitter: Peer;
  readonly worker: Peer;
}

/** A space of its own for each way: nobody finds what another left. */
async function startWay(
  stage: Stage,
  peers: AsyncDisposableStack,
  submitting: string,
  working: string,
): Promise<Way> {
  const space = `bench-tasks-${working}`;
  await using bus = await connectBus({ name: 'bench', url: stage.natsUrl });
  await ensureStreams(bus, spaceStreams(space));
  const options = (way: string) => ({ args: [way, stage.natsUrl, space], signal: stage.signal });
  const worker = peers.use(await startPeer('task-worker', options(working)));
  return { submitter: peers.use(await startPeer('task-submitter', options(submitting))), worker };
}

function rateOf({ submitter, worker }: Way, count: number): () => Promise<number> {
  return async () => {
    const working = worker.number('work', count);
    const [startedAt, endedAt] = await Promise.all([submitter.number('submit', count), working]);
    return (count * 1_000_000) / (endedAt - startedAt);
  };
}
