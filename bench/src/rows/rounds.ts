/**
 * Rounds of coordination among parties in a process of their own: a negotiation, a majority vote, a decision among liars; beside one
 * question to as many bare responders, all of whose answers are read.
 */
import { decisionAlgorithm, establishPbft, establishRaft, negotiateValue } from '@mabeam/coordination';
import { scaled, type Benchmark, type Comparison, type Goal, type Row, type Stage } from '../benchmark.ts';
import { ledgerId } from '../programs/party-names.ts';
import { openTable, roundMs, type ByHand, type Table } from '../round-table.ts';
import { takeTurns } from '../take-turns.ts';

const atMost = (limit: number): Goal => ({ of: 'ratio', is: 'at-most', limit });

/** Ten parties. */
export const rounds10: Benchmark = {
  name: 'rounds-10',
  goal: 'negotiation or majority vote ≤ 1.5 × one `requestMany` round trip, or ≤ 2.5 × the same promise by hand (decision 0023)',
  timeoutMs: 120_000,
  run: (stage) =>
    compareRounds(stage, {
      parties: 10,
      rounds: { full: 60, quick: 10 },
      slow: { full: 20, quick: 4 },
      goals: { plain: atMost(1.5), byHand: atMost(2.5) },
    }),
};

/** A hundred: how the protocols grow. */
export const rounds100: Benchmark = {
  name: 'rounds-100',
  goal: 'no limit of its own: how the protocols grow',
  timeoutMs: 300_000,
  run: (stage) =>
    compareRounds(stage, { parties: 100, rounds: { full: 15, quick: 3 }, slow: { full: 2, quick: 1 } }),
};

/** How long a leader may be silent: a hundred members that check signatures in one process take their time. */
const patienceMs = 10_000;

type Sizes = Parameters<typeof scaled>[1];

interface Wanted {
  readonly parties: number;
  readonly rounds: Sizes;
  /** Rounds of a protocol that takes long. */
  readonly slow: Sizes;
  /** Of a negotiation and of a vote, beside one question and beside what promises as much. */
  readonly goals?: { readonly plain: Goal; readonly byHand: Goal };
}

/** A protocol of ours, and what stands beside it. */
interface Protocol {
  readonly name: string;
  /** Holds one round and resolves when its caller has the outcome. Throws when it is not the one expected. */
  readonly hold: () => Promise<unknown>;
  /** What one would write by hand that promises nearest to as much. */
  readonly byHand: keyof ByHand;
  readonly isSlow?: boolean;
  readonly isLimited?: boolean;
}

async function compareRounds(stage: Stage, wanted: Wanted): Promise<Row> {
  await using table = await openTable(stage, wanted.parties);
  const comparisons: Comparison[] = [];
  for (const protocol of protocolsOf(table))
    comparisons.push(...(await compare(stage, table, protocol, wanted)));
  return {
    comparisons,
    notes: [
      'a round of ours is kept: its beginning and its end are stored events, and it resolves when the end is stored. A bare question keeps nothing, knows nobody, and believes everybody',
      'by hand: "kept" stores one message at the end; "signed" besides has every party sign its answer (Ed25519) and checks the signatures of a majority',
      'all parties are in one process, which makes and checks the signatures of all: they cost as much as on one core. raft and pbft are told to be as patient as that needs',
      'messages: all that the server is handed, replies and acknowledgements of the store included, counted in a round of its own',
    ],
  };
}

async function compare(
  stage: Stage,
  { byHand, idle, count }: Table,
  protocol: Protocol,
  { rounds, slow, goals }: Wanted,
): Promise<Comparison[]> {
  const { name, hold, isSlow = false, isLimited = false } = protocol;
  const timed = (once: () => Promise<unknown>) => async (): Promise<number> => {
    await idle();
    return await msOf(once);
  };
  const contenders = {
    ours: timed(hold),
    plain: timed(byHand.requestMany),
    byHand: timed(byHand[protocol.byHand]),
  };
  await takeTurns(isSlow ? 1 : 3, contenders, stage.signal);
  const figures = await takeTurns(scaled(stage, isSlow ? slow : rounds), contenders, stage.signal, {
    rotate: true,
  });
  const measured = { measure: name, unit: 'ms', ours: figures.ours };
  const limits = isLimited ? goals : undefined;
  return [
    {
      ...measured,
      baseline: { name: 'requestMany', figures: figures.plain },
      ...(limits === undefined ? {} : { goal: limits.plain }),
    },
    {
      ...measured,
      baseline: { name: `requestMany, ${protocol.byHand}`, figures: figures.byHand },
      ...(limits === undefined ? {} : { goal: limits.byHand }),
    },
    {
      measure: `${name}, messages`,
      unit: '',
      ours: [await count(hold)],
      baseline: { name: 'requestMany', figures: [await count(byHand.requestMany)] },
    },
  ];
}

function protocolsOf({ bus, space, keys }: Table): readonly Protocol[] {
  const parties = Object.keys(keys).map((party) => ({ party }));
  const members = Object.entries(keys).map(([party, key]) => ({ party, key }));
  const within = { timeoutMs: roundMs, requestTimeoutMs: roundMs };
  const faults = Math.floor((members.length - 1) / 3);
  const options = { timeoutMs: roundMs, ledger: ledgerId };
  const decide = (algorithm: string) => (): Promise<void> =>
    expectAgreed(decisionAlgorithm(algorithm).establish(bus, space, members, { threshold: 0.5 }, options));
  return [
    {
      name: 'negotiation',
      hold: () => expectAgreed(negotiateValue(bus, space, 'threshold', parties, within)),
      byHand: 'kept',
      isLimited: true,
    },
    { name: 'simple-majority', hold: decide('simple-majority'), byHand: 'signed', isLimited: true },
    {
      name: 'raft',
      hold: () => expectAgreed(establishRaft(bus, space, members, 1, { ...within, electionMs: patienceMs })),
      byHand: 'signed',
      isSlow: true,
    },
    { name: 'blockchain', hold: decide('blockchain'), byHand: 'signed', isSlow: true },
    { name: 'gossip', hold: decide('gossip'), byHand: 'signed', isSlow: true },
    {
      name: 'pbft',
      hold: () =>
        expectAgreed(establishPbft(bus, space, members, 1, { faults, timeoutMs: roundMs, viewMs: roundMs })),
      byHand: 'signed',
      isSlow: true,
    },
  ];
}

async function expectAgreed(held: Promise<{ readonly kind: string }>): Promise<void> {
  const { kind } = await held;
  if (kind !== 'agreed') throw new Error(`a round ended in ${kind}`);
}

async function msOf(hold: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await hold();
  return performance.now() - startedAt;
}
