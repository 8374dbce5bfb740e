/**
 * Negotiations among processes that fare badly: one behind a proxy that loses, doubles and delays, one killed -9 in mid-round, one stopped.
 * Each strategy ends in time, in an ending of its own, and what it agrees on is what the pure strategy makes of what was said.
 */
import {
  negotiateValue,
  settleGiven,
  strategyNamed,
  termsOf,
  type Answer,
  type Answers,
  type Position,
  type Settlement,
  type Stance,
  type StrategyName,
  type TermOptions,
} from '@mabeam/coordination';
import { openLossyProxy } from '@mabeam/testing';
import { expect, inject, onTestFinished, test } from 'vitest';
import { startFixture, type FixtureProcess } from './fixtures/processes.ts';
import { openStage } from './negotiation-stage.ts';

const isLong = process.env['MABEAM_LONG'] === '1';

/** What the parties say; the good one and the killed one in whole numbers, so that their part in a value shows. */
const stances = {
  good: {
    preferred: 4,
    bid: 5,
    bundles: [{ items: ['a'], amount: 5 }],
    orders: [{ side: 'sell', price: 3, quantity: 4 }],
  },
  killed: {
    preferred: 8,
    bid: 9,
    bundles: [{ items: ['a', 'b'], amount: 9 }],
    orders: [{ side: 'buy', price: 9, quantity: 2 }],
  },
  lossy: {
    preferred: 5,
    bid: 6,
    bundles: [{ items: ['b'], amount: 3 }],
    orders: [{ side: 'buy', price: 5, quantity: 3 }],
  },
  stopped: {
    preferred: 6,
    bid: 7,
    bundles: [{ items: ['a'], amount: 7 }],
    orders: [{ side: 'sell', price: 4, quantity: 2 }],
  },
} as const satisfies Readonly<Record<string, Stance>>;
type Name = keyof typeof stances;
const names: readonly Name[] = ['good', 'killed', 'lossy', 'stopped'];

/** Each strategy, the phase in which one is killed, and its own endings. */
const cases: readonly (readonly [StrategyName, TermOptions, string, readonly Settlement['kind'][]])[] = [
  ['weighted-consensus', {}, 'prefer', []],
  ['auction', { auction: { form: 'second-price' } }, 'bid', []],
  ['consensus', { maxRounds: 2 }, 'react', ['deadlocked']],
  ['hierarchical', {}, 'object', ['coordinator-unavailable']],
  ['market-based', {}, 'orders', ['no-trade']],
  ['genetic', {}, 'prefer', []],
];
const more: typeof cases = [
  ['auction', { auction: { form: 'combinatorial' } }, 'bid', ['no-winner']],
  ['auction', { auction: { form: 'english', increment: 4, rounds: 2 } }, 'price', ['no-winner']],
  ['auction', { auction: { form: 'dutch', start: 8, increment: 4 } }, 'price', ['no-winner']],
  ['consensus', { maxRounds: 2 }, 'prefer', ['deadlocked']],
  ['hierarchical', { hierarchy: { coordinator: 'killed' } }, 'decide', ['coordinator-unavailable']],
];

/** May a question in a phase have been answered by a party? Of the lossy and the stopped one nobody knows. */
type Says = (party: string, phase: string) => 'yes' | 'no' | 'maybe';

/** Every settlement that can come of what may have been said, as text. */
function possible(strategy: StrategyName, options: TermOptions, says: Says): readonly string[] {
  const rule = strategyNamed(strategy);
  const terms = termsOf(options, names.length);
  const settlements = new Set<string>();
  for (const present of choices(names, (party) => says(party, rule.opening))) {
    const positions = present.map((party): Position => ({
      party,
      weight: 1,
      priority: 0,
      credit: Infinity,
      ...stances[party],
    }));
    if (present.length < terms.quorum * names.length) {
      const needed = terms.quorum * names.length;
      settlements.add(textOf({ kind: 'no-quorum', present: present.length, needed }));
      continue;
    }
    // Goes through the proceeding anew for every course of answers: a generator cannot be wound back.
    const courses: (readonly (readonly string[])[])[] = [[]];
    for (let course = courses.pop(); course !== undefined; course = courses.pop()) {
      const ended = follow(rule.settle(positions, terms), course);
      if ('settlement' in ended) settlements.add(textOf(ended.settlement));
      else
        for (const answered of choices(ended.asked, (to) => says(to, ended.phase)))
          courses.push([...course, answered]);
    }
  }
  return [...settlements];
}

/** Where a proceeding is when in each of its rounds these have answered, as usual. */
function follow(
  proceeding: ReturnType<ReturnType<typeof strategyNamed>['settle']>,
  course: readonly (readonly string[])[],
): { readonly settlement: Settlement } | { readonly asked: readonly string[]; readonly phase: string } {
  let step = proceeding.next();
  for (const answered of course) {
    if (step.done === true) break;
    const usual = step.value.flatMap(({ to, usual: answer }): readonly (readonly [string, Answer])[] =>
      answer !== undefined && answered.includes(to) ? [[to, answer]] : [],
    );
    const answers: Answers = new Map(usual);
    step = proceeding.next(answers);
  }
  if (step.done === true) return { settlement: step.value };
  return { asked: step.value.map(({ to }) => to), phase: step.value[0]?.question.phase ?? '' };
}

/** The subsets of those who surely or perhaps said something. */
function choices<T extends string>(
  parties: readonly T[],
  says: (party: T) => ReturnType<Says>,
): readonly (readonly T[])[] {
  return parties.reduce<readonly (readonly T[])[]>(
    (subsets, party) => {
      const [without, withIt] = [subsets, subsets.map((subset) => [...subset, party])];
      return { yes: withIt, no: without, maybe: [...without, ...withIt] }[says(party)];
    },
    [[]],
  );
}

const textOf = (settlement: Settlement): string => {
  const { kind, value, winner, payments, present, rounds, values }: Partial<Record<string, unknown>> = {
    ...settlement,
  };
  return JSON.stringify({ kind, value, winner, payments, present, rounds, values });
};

async function party(
  space: string,
  name: Name,
  { url = inject('natsUrl'), silentIn = '' }: { readonly url?: string; readonly silentIn?: string } = {},
): Promise<FixtureProcess> {
  const running = startFixture('negotiation-party', url, [
    space,
    name,
    JSON.stringify(stances[name]),
    silentIn,
  ]);
  onTestFinished(() => running.kill());
  await running.line('ready');
  return running;
}

test(
  'each strategy ends in time in what the pure one makes of what was said, with one party killed, one stopped, one behind a bad network',
  async () => {
    await using stage = await openStage();
    await using proxy = await openLossyProxy(inject('natsUrl'), {
      seed: 6,
      drop: ({ subject }) => (subject.includes('.negotiation.') || subject.startsWith('_INBOX') ? 0.3 : 0),
      duplicate: () => 0.3,
      delayMs: () => 30,
    });
    const all = isLong ? [...cases, ...more, ...cases, ...more] : cases;
    const [stopped] = await Promise.all([
      party(stage.space, 'stopped'),
      party(stage.space, 'good'),
      party(stage.space, 'lossy', { url: proxy.url }),
    ]);
    // The next victim starts while the round before it is held.
    let coming = party(stage.space, 'killed', { silentIn: all[0]?.[2] ?? '' });
    for (const [i, [strategy, terms, phase, endings]] of all.entries()) {
      const victim = await coming;
      const running = negotiateValue(
        stage.bus,
        stage.space,
        'size',
        names.map((name) => ({ party: name })),
        {
          ...terms,
          strategy,
          requestTimeoutMs: 300,
          timeoutMs: 5_000,
        },
      );
      await victim.line(`asked ${phase}`);
      stopped.child.kill('SIGSTOP');
      await victim.kill();
      const negotiation = await running;
      stopped.child.kill('SIGCONT');
      const next = all[i + 1];
      if (next !== undefined) coming = party(stage.space, 'killed', { silentIn: next[2] });
      const { opening } = strategyNamed(strategy);
      const says: Says = (name, asked) => {
        if (name === 'good') return 'yes';
        if (name === 'killed') return phase !== opening && asked === opening ? 'yes' : 'no';
        return 'maybe';
      };
      expect(['agreed', 'no-quorum', ...endings], strategy).toContain(negotiation.kind);
      expect(possible(strategy, terms, says), strategy).toContain(textOf(negotiation));
      expect(negotiation.durationMs).toBeLessThan(8_000);
      expect(negotiation.participants.map((one) => one.party).toSorted()).toEqual(names);
      const outcomes = Object.fromEntries(negotiation.participants.map((one) => [one.party, one.outcome]));
      expect(outcomes).toMatchObject({ good: 'replied' });
      expect(['timeout', 'unavailable']).toContain(outcomes['killed']);
    }
    expect(proxy.counts.dropped + proxy.counts.duplicated).toBeGreaterThan(0);
  },
  isLong ? 300_000 : 120_000,
);

test('were all well, what they say would settle in just one way', () => {
  const well = possible('weighted-consensus', {}, () => 'yes');
  const positions = names.map((name): Position => ({
    party: name,
    weight: 1,
    priority: 0,
    credit: Infinity,
    ...stances[name],
  }));
  expect(well).toEqual([
    textOf(settleGiven(strategyNamed('weighted-consensus'), positions, termsOf({}, names.length))),
  ]);
  expect(possible('weighted-consensus', {}, () => 'maybe').length).toBeGreaterThan(5);
});
