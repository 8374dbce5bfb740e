/**
 * Whole negotiations – session, questions, strategy – on a bus that loses and delays, in simulated time: what is agreed on is what the
 * pure strategy makes of exactly those answers that came in time.
 */
import { busErrors, errorsOf, type Bus } from '@mabeam/bus';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { positionOf, type NegotiatingParty } from './electorate.ts';
import { readGivenAnswer, readStance, type GivenAnswer } from './messages.ts';
import { negotiateValue, type NegotiationOptions } from './negotiate.ts';
import { totalWeight } from './position.ts';
import { seededRandom, type Random } from './random.ts';
import { strategyNamed, type StrategyName } from './strategies.ts';
import type { Answer, Settlement } from './strategy.ts';
import { termsOf, type TermOptions } from './terms.ts';
import type { ValueRange } from './value-range.ts';

const isLong = process.env['MABEAM_LONG'] === '1';
const busError = errorsOf(busErrors);

/** How long a question is open. Answers come well before or well after. */
const windowMs = 100;

/** What arrived of a party, question by question: undefined where nothing did in time. */
type Heard = ReadonlyMap<string, readonly unknown[]>;

/** What becomes of a question to a party. */
interface Fate {
  readonly answer: unknown;
  /** Default: never. */
  readonly afterMs?: number | undefined;
  /** There is nobody: that is said at once. */
  readonly isAbsent?: boolean;
}

/** A bus on which questions meet the fates that `fateOf` says, and what was heard in time. */
function faultyBus(fateOf: (party: string, phase: string) => Fate): {
  readonly bus: Bus;
  readonly heard: Heard;
} {
  const heard = new Map<string, unknown[]>();
  const request: Bus['request'] = async (subject, _body, options) => {
    const { timeoutMs = 0, signal } = options ?? {};
    const [party = '', , phase = ''] = subject.split('.').slice(3);
    const { answer, afterMs = Infinity, isAbsent = false } = fateOf(party, phase);
    heard.set(party, [...(heard.get(party) ?? []), afterMs < windowMs ? answer : undefined]);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (isAbsent) reject(busError('no-responders', 'nobody is there'));
    else if (afterMs < timeoutMs) setTimeout(() => resolve(answer), afterMs);
    else setTimeout(() => reject(busError('deadline-exceeded', 'no answer')), timeoutMs);
    signal?.addEventListener('abort', () => reject(busError('cancelled', 'nobody waits')), { once: true });
    return await promise;
  };
  const stored = { stream: 'events', sequence: 1, duplicate: false };
  const bus = { connected: true, publish: () => undefined, store: async () => stored, request };
  // Of the whole bus a negotiation uses these four.
  return { bus: bus as unknown as Bus, heard };
}

const cases: readonly (readonly [StrategyName, TermOptions, readonly Settlement['kind'][]])[] = [
  ['weighted-consensus', {}, ['no-feasible-value']],
  ['auction', {}, ['no-winner', 'no-feasible-value']],
  ['auction', { auction: { form: 'second-price', reserve: 0.3 } }, ['no-winner', 'no-feasible-value']],
  ['auction', { auction: { form: 'english', increment: 0.3 } }, ['no-winner', 'no-feasible-value']],
  ['auction', { auction: { form: 'dutch', increment: 0.3 } }, ['no-winner', 'no-feasible-value']],
  ['auction', { auction: { form: 'combinatorial' } }, ['no-winner', 'no-feasible-value']],
  ['consensus', { maxRounds: 4 }, ['deadlocked', 'no-feasible-value']],
  ['hierarchical', { hierarchy: { clusterSize: 2 } }, ['coordinator-unavailable', 'no-feasible-value']],
  ['market-based', {}, ['no-trade', 'no-feasible-value']],
  ['genetic', { genetic: { population: 8, generations: 4 } }, ['no-feasible-value']],
];

interface Play {
  readonly parties: readonly NegotiatingParty[];
  readonly options: NegotiationOptions & { readonly strategy: StrategyName };
  readonly fateOf: (party: string, phase: string) => Fate;
}

/** A negotiation drawn by a seed. */
function draw(seed: number, strategy: StrategyName, terms: TermOptions): Play {
  const random = seededRandom(seed);
  const size = 1 + Math.floor(random.unit() * 6);
  const areWords = random.unit() < 0.3;
  const parties = Array.from({ length: size }, (_, i) => ({
    party: `p${i}`,
    weight: random.pick([1, 1, 2, 0.5]),
    priority: random.pick([0, 0, 1]),
  }));
  const gone = new Set<string>();
  const [lossRate, deathRate] = [random.unit() * 0.5, random.pick([0, 0.1])];
  const fateOf = (party: string, phase: string): Fate => {
    if (random.unit() < deathRate) gone.add(party);
    if (gone.has(party)) return random.pick([{ answer: undefined }, { answer: undefined, isAbsent: true }]);
    const answer = answerOf(phase, random, areWords);
    if (random.unit() >= lossRate)
      return { answer, afterMs: 1 + Math.floor(random.unit() * (windowMs - 10)) };
    return random.pick<Fate>([
      { answer },
      { answer, isAbsent: true },
      // Late, some while others are being asked the next question.
      { answer, afterMs: windowMs + 5 + Math.floor(random.unit() * 150) },
      { answer: { kind: 'nonsense' }, afterMs: 3 },
      { answer: { kind: 'abstain' }, afterMs: 3 },
    ]);
  };
  const constraints = random.pick<ValueRange>([{}, { min: 1, max: 8 }, { min: 0, max: 10, step: 0.5 }]);
  const quorum = random.pick([0.5, 0.5, 0, 1]);
  return { parties, fateOf, options: { ...terms, strategy, constraints, quorum, seed } };
}

function answerOf(phase: string, random: Random, areWords: boolean): unknown {
  const value = areWords ? random.pick(['red', 'blue', 'green']) : Math.floor(random.unit() * 40) / 4;
  const amount = (): number => Math.floor(random.unit() * 20);
  const items = random.pick([['a'], ['b'], ['a', 'b'], ['b', 'c']]);
  const side = random.pick(['buy', 'sell'] as const);
  const orders = [{ side, price: amount(), quantity: 1 + amount() }];
  const bundles = [{ items, amount: amount() }];
  const pick = (...answers: [GivenAnswer, ...GivenAnswer[]]): GivenAnswer => random.pick(answers);
  switch (phase) {
    case 'react':
      return pick({ kind: 'accept' }, { kind: 'counter', value }, { kind: 'delegate' });
    case 'price':
      return pick({ kind: 'accept' }, { kind: 'decline' }, { kind: 'delegate' });
    case 'decide':
      return pick({ kind: 'decision', value }, { kind: 'accept' }, { kind: 'delegate' });
    case 'object':
      return pick({ kind: 'accept' }, { kind: 'object', value }, { kind: 'delegate' });
    default:
      return { kind: 'stance', preferred: value, bid: amount() / 10, bundles, orders };
  }
}

/** What the pure strategy makes of what was heard in time: each party's answers in the order in which it was asked. */
function settleHeard({ parties, options }: Play, heard: Heard): Settlement {
  const strategy = strategyNamed(options.strategy);
  const terms = termsOf(options, totalWeight(parties.map(({ weight = 1 }) => ({ weight }))));
  const left = new Map([...heard].map(([party, answers]) => [party, [...answers]]));
  const next = (party: string): unknown => left.get(party)?.shift();
  const positions = parties.flatMap((party) => {
    const read = readStance(next(party.party), Infinity);
    return read.kind === 'value' ? [positionOf({ ...party, utility: undefined }, read.value)] : [];
  });
  const [present, needed] = [totalWeight(positions), terms.quorum * terms.invitedWeight];
  if (positions.length === 0 || present < needed * (1 - 1e-12)) return { kind: 'no-quorum', present, needed };
  const proceeding = strategy.settle(positions, terms);
  let step = proceeding.next();
  while (step.done !== true) {
    const answers = new Map<string, Answer>();
    for (const { to, question, usual } of step.value) {
      const read = readGivenAnswer(question.phase, next(to));
      const meant = read.kind !== 'value' ? undefined : read.value.kind === 'delegate' ? usual : read.value;
      if (meant !== undefined) answers.set(to, meant);
    }
    step = proceeding.next(answers);
  }
  return step.value;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Holds a negotiation to its end, in no time. */
async function hold(
  play: Play,
  more: NegotiationOptions = {},
): Promise<{ readonly negotiation: Awaited<ReturnType<typeof negotiateValue>>; readonly heard: Heard }> {
  const { bus, heard } = faultyBus(play.fateOf);
  const options = { requestTimeoutMs: windowMs, round: 'r', ...play.options, ...more };
  const running = negotiateValue(bus, 's', 'size', play.parties, options);
  await vi.runAllTimersAsync();
  return { negotiation: await running, heard };
}

const runs = isLong ? 2_000 : 100;

describe.each(cases)('%s %j', (strategy, terms, endings) => {
  const allowed = new Set<string>(['agreed', 'no-quorum', ...endings]);

  it('comes to what the pure strategy makes of the answers that came in time, whatever is lost or late', async () => {
    const kinds = new Set<string>();
    for (let seed = 1; seed <= runs; seed++) {
      const play = draw(seed, strategy, terms);
      const { negotiation, heard } = await hold(play);
      const said = `seed ${seed}`;
      kinds.add(negotiation.kind);
      expect(allowed, said).toContain(negotiation.kind);
      expect(negotiation, said).toMatchObject(settleHeard(play, heard));
      const named = negotiation.participants.map(({ party }) => party);
      expect(named.toSorted(), said).toEqual(play.parties.map(({ party }) => party).toSorted());
    }
    expect(kinds.size).toBeGreaterThan(1);
  }, 600_000);

  it('ends at its deadline wherever that falls, in an ending of its own', async () => {
    for (let seed = 1; seed <= runs / 2; seed++) {
      const timeoutMs = 20 + ((seed * 37) % 400);
      const { negotiation } = await hold(draw(seed, strategy, terms), { timeoutMs });
      expect(allowed, `seed ${seed}`).toContain(negotiation.kind);
      expect(negotiation.durationMs, `seed ${seed}`).toBeLessThanOrEqual(timeoutMs + 1);
    }
  }, 600_000);
});
