/** Typed request/reply beside the client's own, a multiplexer by hand and a raw socket; every end is a process of its own. */
import { scaled, type Benchmark, type Comparison, type Goal, type Row, type Stage } from '../benchmark.ts';
import type { ContenderName } from '../contenders/load-contender.ts';
import { costOf, inFlight, latencyOf, rateOf, startPair, type RequestPair } from '../request-pair.ts';
import { takeTurns } from '../take-turns.ts';

const atLeast = (limit: number): Goal => ({ of: 'ratio', is: 'at-least', limit });
const noWorse: Goal = { of: 'ratio', is: 'at-most', limit: 1 };

/** Typed request/reply against what one could use or write instead. */
export const requests: Benchmark = {
  name: 'requests',
  goal: '≥ 4 × `nc.request`, ≥ 2 × without its traces, ≥ 0.85 of a bare multiplexer; in sequence no slower than `nc.request`',
  timeoutMs: 240_000,
  run: (stage) =>
    compareRequests(stage, [
      { name: 'defaults', title: 'nc.request', rate: atLeast(4), latency: noWorse },
      { name: 'without-traces', title: 'nc.request, noAsyncTraces', rate: atLeast(2) },
      { name: 'multiplexer', title: 'bare multiplexer', rate: atLeast(0.85) },
      { name: 'raw-socket', title: 'raw socket' },
    ]),
};

/** The same against Moleculer. */
export const moleculer: Benchmark = {
  name: 'moleculer',
  goal: '≥ 1.5 × Moleculer over NATS',
  timeoutMs: 120_000,
  run: (stage) =>
    compareRequests(stage, [
      { name: 'moleculer', title: 'Moleculer 0.15, NATS transporter', rate: atLeast(1.5) },
    ]),
};

interface Baseline {
  readonly name: ContenderName;
  readonly title: string;
  readonly rate?: Goal;
  readonly latency?: Goal;
}

type Figures = Readonly<Record<ContenderName, readonly number[]>>;

async function compareRequests(stage: Stage, baselines: readonly Baseline[]): Promise<Row> {
  await using peers = new AsyncDisposableStack();
  const pairs = new Map<ContenderName, RequestPair>();
  for (const name of ['typed', ...baselines.map((one) => one.name)] as const)
    pairs.set(name, await startPair(stage, name, peers, { token: name }));
  const measure = (one: (pair: RequestPair) => Promise<number>): Promise<Figures> =>
    turnsOf(stage, pairs, one);
  for (const pair of pairs.values()) await rateOf(pair, scaled(stage, { full: 800, quick: 400 }));
  const rates = await measure((pair) => rateOf(pair, scaled(stage, { full: 800, quick: 400 })));
  const latencies = await measure((pair) => latencyOf(pair, scaled(stage, { full: 2_000, quick: 500 })));
  const costs = await measure((pair) => costOf(pair, scaled(stage, { full: 20_000, quick: 10_000 })));
  const rate = { measure: `${inFlight} in flight`, unit: '/s', figures: rates };
  const latency = { measure: 'in sequence, p50', unit: 'µs', figures: latencies };
  const cost = { measure: 'CPU a request, both ends', unit: 'µs', figures: costs };
  return {
    comparisons: [
      ...baselines.map((one) => comparisonOf(one, rate, one.rate)),
      ...baselines.map((one) => comparisonOf(one, latency, one.latency)),
      ...baselines.map((one) => comparisonOf(one, cost)),
    ],
  };
}

function turnsOf(
  stage: Stage,
  pairs: ReadonlyMap<ContenderName, RequestPair>,
  one: (pair: RequestPair) => Promise<number>,
): Promise<Figures> {
  const turns = Object.fromEntries([...pairs].map(([name, pair]) => [name, () => one(pair)] as const));
  // fromEntries widens the names it was given to strings.
  const named = turns as Record<ContenderName, () => Promise<number>>;
  return takeTurns(scaled(stage, { full: 9, quick: 3 }), named, stage.signal);
}

interface Measured {
  readonly measure: string;
  readonly unit: string;
  readonly figures: Figures;
}

function comparisonOf(
  { name, title }: Baseline,
  { measure, unit, figures }: Measured,
  goal?: Goal,
): Comparison {
  const baseline = { name: title, figures: figures[name] };
  return { measure, unit, ours: figures.typed, baseline, ...(goal === undefined ? {} : { goal }) };
}
