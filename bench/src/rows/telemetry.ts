/** What telemetry costs on the request path: user and system time of both ends, with it and without it, in pairs. */
import { connectBus, ensureStreams, platformStreams } from '@mabeam/bus';
import { scaled, type Benchmark, type Row, type Stage } from '../benchmark.ts';
import { costOf, startPair } from '../request-pair.ts';

const register = ['--import', import.meta.resolve('@mabeam/telemetry/register')];
const warmUpCount = 40_000;

/** Telemetry with its default sampling on the path of typed requests. */
export const telemetry: Benchmark = {
  name: 'telemetry',
  goal: 'upper 95 % bound of the CPU ratio ≤ 1.05, at least 20 pairs',
  timeoutMs: 240_000,
  run: async (stage) => {
    await openTelemetryStream(stage);
    const generations = scaled(stage, { full: 12, quick: 2 });
    const pairs = scaled(stage, { full: 5, quick: 10 });
    const costs: Costs = { traced: [], plain: [] };
    for (let n = 0; n < generations; n++) await measureGeneration(stage, pairs, costs);
    return rowOf(costs, generations, pairs);
  },
};

interface Costs {
  readonly traced: number[];
  readonly plain: number[];
}

/** Spans that nobody stores would be kept and sent again, which is not the path we measure. */
async function openTelemetryStream(stage: Stage): Promise<void> {
  await using bus = await connectBus({ name: 'bench', url: stage.natsUrl });
  await ensureStreams(bus, platformStreams());
}

/**
 * Fresh processes for every generation: how a process happens to compile and collect is part of the noise. Who is first in
 * a pair alternates.
 */
async function measureGeneration(stage: Stage, pairs: number, costs: Costs): Promise<void> {
  await using peers = new AsyncDisposableStack();
  const env = { NATS_URL: stage.natsUrl, MABEAM_SPACE: 'bench' };
  const plain = await startPair(stage, 'typed', peers, { token: 'plain', env });
  const traced = await startPair(stage, 'typed', peers, { token: 'traced', env, nodeFlags: register });
  const count = scaled(stage, { full: 30_000, quick: 10_000 });
  for (const pair of [plain, traced]) await costOf(pair, warmUpCount);
  for (let pair = 0; pair < pairs; pair++) {
    stage.signal.throwIfAborted();
    const runs = [
      async () => void costs.plain.push(await costOf(plain, count)),
      async () => void costs.traced.push(await costOf(traced, count)),
    ];
    for (const run of pair % 2 === 0 ? runs : runs.toReversed()) await run();
  }
}

function rowOf(costs: Costs, generations: number, pairs: number): Row {
  return {
    comparisons: [
      {
        measure: 'CPU a request, both ends',
        unit: 'µs',
        ours: costs.traced,
        baseline: { name: 'without telemetry', figures: costs.plain },
        goal: { of: 'bound', is: 'at-most', limit: 1.05 },
      },
    ],
    notes: [`${generations * pairs} pairs in ${generations} generations of processes`],
  };
}
