/**
 * One revision of a variable to many agents: from the write in this process until the last agent, in processes of their own,
 * has it.
 */
import { scaled, type Benchmark, type Comparison, type Goal, type Row, type Stage } from '../benchmark.ts';
import { assertAgentsSee, openFanOut, type FanOut, type FanOutSize } from '../fan-out.ts';
import { quantile } from '../statistics.ts';
import { takeTurns } from '../take-turns.ts';

const atMost = (limit: number): Goal => ({ of: 'ratio', is: 'at-most', limit });

/** All agents in one process. */
export const revision1000: Benchmark = {
  name: 'revision-1000',
  goal: '≤ 0.5 × a core publish to a subscription each, ≤ 1/20 of a kv.watch each, no consumer on the server',
  timeoutMs: 120_000,
  run: (stage) =>
    compareFanOut(stage, {
      agents: 1_000,
      processes: 1,
      rounds: { full: 60, quick: 10 },
      core: 0.5,
      watch: 0.05,
    }),
};

/** Spread over four processes. */
export const revision10000: Benchmark = {
  name: 'revision-10000',
  goal: '≤ 0.15 × a core publish to a subscription each, or ≤ 1.65 ms where a bare stored message takes nearly as long (decision 0023); p99 ≤ 5 ms',
  timeoutMs: 240_000,
  run: (stage) =>
    compareFanOut(stage, {
      agents: 10_000,
      processes: 4,
      rounds: { full: 25, quick: 5 },
      core: 0.15,
      median: 1.65,
      floor: 2,
      p99: 5,
    }),
};

interface Wanted extends FanOutSize {
  readonly rounds: { readonly full: number; readonly quick: number };
  /** Limit of the ratio to a core publish. */
  readonly core: number;
  /** Limit of the ratio to watches, where the goal names one. */
  readonly watch?: number;
  /** Limit of the median, in ms, where the goal names one. */
  readonly median?: number;
  /** Limit of the ratio to a bare stored message, where there is one. */
  readonly floor?: number;
  /** Limit of the 99th percentile over revisions, in ms, where the goal names one. */
  readonly p99?: number;
}

async function compareFanOut(stage: Stage, wanted: Wanted): Promise<Row> {
  await using fanOut = await openFanOut(stage, wanted);
  const { ours, looked, core, watch, stored } = fanOut;
  const contenders = { ours, core, watch, looked, stored };
  await takeTurns(5, contenders, stage.signal);
  const times = await takeTurns(scaled(stage, wanted.rounds), contenders, stage.signal, { rotate: true });
  const alone = await takeTurns(scaled(stage, { full: 300, quick: 50 }), { ours }, stage.signal);
  await assertAgentsSee(fanOut.crews, fanOut.lastValue(), ({ size }) =>
    Array.from({ length: size }, (_, n) => n),
  );
  return {
    comparisons: [...comparisonsOf(wanted, times), ...tailOf(wanted, alone.ours), await consumersOf(fanOut)],
    notes: [
      'ours is a compare-and-set that is stored before it is passed on; a core publish stores nothing',
      'an agent has a revision when its next call sees it: ours all at once, when the copy of their process has it; with a subscription or a watch each, when its own callback has been given it. After each revision an agent of each process is asked, at the end all of them',
    ],
  };
}

function comparisonsOf(
  { core, watch, median, floor }: Wanted,
  times: Readonly<Record<'ours' | 'looked' | 'core' | 'watch' | 'stored', number[]>>,
): Comparison[] {
  const measured = { measure: 'last agent has it', unit: 'ms', ours: times.ours };
  const byCore = { name: 'core publish, a subscription each', figures: times.core };
  return [
    { ...measured, baseline: byCore, goal: atMost(core) },
    {
      ...measured,
      baseline: { name: 'kv.watch each', figures: times.watch },
      ...(watch === undefined ? {} : { goal: atMost(watch) }),
    },
    { measure: '… and was looked at for each', unit: 'ms', ours: times.looked, baseline: byCore },
    {
      ...measured,
      baseline: { name: 'a bare message, stored, heard once a process', figures: times.stored },
      ...(floor === undefined ? {} : { goal: atMost(floor) }),
    },
    ...(median === undefined
      ? []
      : [{ ...measured, goal: { of: 'figure', is: 'at-most', limit: median } as const }]),
  ];
}

/** Over revisions: in one of a hundred the last agent has it later than this. */
function tailOf({ p99 }: Wanted, times: readonly number[]): Comparison[] {
  if (p99 === undefined) return [];
  const measure = `last agent has it, p99 of ${times.length}`;
  return [
    { measure, unit: 'ms', ours: [quantile(times, 0.99)], goal: { of: 'figure', is: 'at-most', limit: p99 } },
  ];
}

async function consumersOf({ consumers }: FanOut): Promise<Comparison> {
  const goal = { of: 'figure', is: 'at-most', limit: 0 } as const;
  return { measure: 'consumers for the agents', unit: '', ours: [await consumers()], goal };
}
