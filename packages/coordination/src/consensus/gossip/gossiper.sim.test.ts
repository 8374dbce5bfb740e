import {
  seededRandom,
  simulate,
  type PartyStep,
  type SimulatedParty,
  type SimulationRun,
} from '@mabeam/testing';
import { describe, expect, it, vi } from 'vitest';
import {
  compareVersions,
  digestOfEntries,
  holdEntry,
  mergeEntries,
  versionOf,
  type GossipEntry,
  type UnsignedEntry,
} from './entry.ts';
import { createGossiper, type Gossiper, type GossiperState, type GossiperStep } from './gossiper.ts';
import type { GossipMessage } from './message.ts';

// Whole runs: on a busy machine they take their time.
vi.setConfig({ testTimeout: 600_000 });

const isLong = process.env['MABEAM_LONG'] === '1';
type Party = SimulatedParty<GossiperState, GossipMessage>;

/** Ideal signatures: nobody writes for another, and no run spends its time on them. */
const sign = (entry: UnsignedEntry): GossipEntry => {
  const { party, key, value, at, count } = entry;
  return { ...entry, signature: `${party} ${key} ${JSON.stringify(value)} ${at} ${count}` };
};
const check = (entry: GossipEntry): boolean => entry.signature === sign(entry).signature;

interface Writing {
  readonly party: string;
  readonly key: string;
  readonly value: number;
  readonly atMs: number;
}

/** A member that writes at its times, by a wall clock that goes wrong by `skewMs`. */
function member(
  gossiper: Gossiper,
  { writings = [], skewMs = 0 }: { readonly writings?: readonly Writing[]; readonly skewMs?: number } = {},
): Party {
  return {
    initial: gossiper.initial,
    step: (state, input, nowMs): PartyStep<GossiperState, GossipMessage> => {
      const wallMs = 10_000 + nowMs + skewMs;
      const writing = input.kind === 'timer' ? writings[Number(input.timer.split(' ')[1])] : undefined;
      if (writing !== undefined) return gossiper.step(state, { kind: 'write', ...writing }, wallMs);
      const step: GossiperStep = gossiper.step(state, input, wallMs);
      if (input.kind !== 'start') return step;
      const due = writings.map(({ atMs }, i) => ({ timer: `write ${i}`, afterMs: atMs - nowMs }));
      return { ...step, timers: [...step.timers, ...due.filter(({ afterMs }) => afterMs >= 0)] };
    },
  };
}

/** Do all hold the same? */
const isOneDigest = (states: ReadonlyMap<string, GossiperState>): boolean =>
  new Set([...states.values()].map(({ digest }) => digest)).size === 1;

/** One run in which the network misbehaves until `healsAtMs`, and what was written in it. */
function run(seed: number): {
  readonly ended: SimulationRun<GossiperState>;
  readonly written: readonly GossipEntry[];
  readonly isCrashed: boolean;
  readonly wentBack: boolean;
} {
  const random = seededRandom(seed);
  const upTo = (n: number): number => Math.floor(random() * n);
  const size = 2 + upTo(7);
  const members = Array.from({ length: size }, (_, i) => `p${i}`);
  const healsAtMs = 600;
  const written: GossipEntry[] = [];
  const known = new Map<string, GossiperState>();
  let nowMs = 0;
  let wentBack = false;
  const noting = (entry: UnsignedEntry): GossipEntry => {
    const signed = sign(entry);
    written.push(signed);
    return signed;
  };
  const parties = new Map(
    members.map((party): [string, Party] => {
      const writings = Array.from({ length: upTo(4) }, (_, i) => ({
        party,
        key: ['a', 'b', 'c'][upTo(3)] ?? 'a',
        value: 10 * seed + i,
        atMs: upTo(500),
      }));
      const gossiper = createGossiper({
        self: party,
        members,
        everyMs: 50,
        seed,
        sign: noting,
        check,
        maxSkewMs: 400,
      });
      return [party, member(gossiper, { writings, skewMs: upTo(300) - 150 })];
    }),
  );
  const isCrashed = random() < 0.3;
  const half = members.filter((_, i) => i % 2 === 0);
  const ended = simulate<GossiperState, GossipMessage>(parties, {
    seed,
    weather: {
      dropRate: random() * 0.5,
      duplicateRate: random() * 0.5,
      maxDelayMs: 5 + random() * 80,
      partitions:
        random() < 0.5
          ? [{ fromMs: upTo(200), toMs: 500, groups: [half, members.filter((one) => !half.includes(one))] }]
          : [],
      healsAtMs,
    },
    crashes: isCrashed ? [{ party: members[0] ?? '', atMs: upTo(300), backAtMs: 400 }] : [],
    // A killed process remembers nothing.
    survives: (state) => ({ ...state, ...createGossiper({ self: '', members: [], sign, check }).initial }),
    untilMs: healsAtMs + 2_000,
    onStep: (party, state, atMs) => {
      nowMs = atMs;
      const before = known.get(party);
      known.set(party, state);
      // A killed process begins anew.
      const isNew = isCrashed && party === members[0] && state.rounds === 0;
      if (before !== undefined && !isNew && !isLater(before, state)) wentBack = true;
    },
    isOver: (states) => nowMs > healsAtMs && isOneDigest(states),
  });
  return { ended, written, isCrashed, wentBack };
}

/** Is of each key the same held, or something later? */
function isLater(before: GossiperState, { held }: GossiperState): boolean {
  return [...before.held].every(([key, was]) => {
    const is = held.get(key);
    return is !== undefined && compareVersions(versionOf(was), versionOf(is)) <= 0;
  });
}

describe('gossip under loss, delay, repetition, partition, skewed clocks and kills', () => {
  it('converges once the network heals, to the last writers of what was written and nothing else, and no member ever goes back', () => {
    const apart: number[] = [];
    const invented: number[] = [];
    const other: number[] = [];
    const back: number[] = [];
    let lost = 0;
    for (let seed = 0; seed < (isLong ? 5_000 : 200); seed++) {
      const { ended, written, isCrashed, wentBack } = run(seed);
      lost += ended.lost;
      if (wentBack) back.push(seed);
      if (!isOneDigest(ended.states)) apart.push(seed);
      const said = new Set(written.map(({ signature }) => signature));
      const [first] = ended.states.values();
      const held = [...(first?.held.values() ?? [])];
      if (!held.every(({ entry }) => said.has(entry.signature))) invented.push(seed);
      // What only a killed process held is lost with it; otherwise everything written counts.
      const all = digestOfEntries(mergeEntries(new Map(), written.map(holdEntry)));
      if (!isCrashed && first?.digest !== all) other.push(seed);
    }
    expect({ apart, invented, other, back }).toEqual({ apart: [], invented: [], other: [], back: [] });
    expect(lost).toBeGreaterThan(1_000);
  });
});

/** How many of its rounds a rumour takes to reach all of n. */
function roundsOf(n: number, seed: number, dropRate: number): number {
  const members = Array.from({ length: n }, (_, i) => `p${i}`);
  const parties = new Map(
    members.map((party, i): [string, Party] => {
      const gossiper = createGossiper({ self: party, members, everyMs: 50, seed, sign, check });
      const writings = i === 0 ? [{ party, key: 'a', value: 1, atMs: 0 }] : [];
      return [party, member(gossiper, { writings })];
    }),
  );
  const { nowMs } = simulate<GossiperState, GossipMessage>(parties, {
    seed,
    weather: { dropRate, minDelayMs: 1, maxDelayMs: 10 },
    untilMs: 60_000,
    maxSteps: 1_000_000,
    isOver: (states) => [...states.values()].every(({ held }) => held.size === 1),
  });
  return Math.ceil(nowMs / 50);
}

describe('a rumour', () => {
  /**
   * A push alone multiplies those who know by 1 + fanout = 4 at first, and pulls end what pushes leave over in log log n rounds
   * (Karp et al. 2000): ½·log₂ n + O(log log n). So c = 1 has as much again for the second term and for chance; and one round more,
   * for what is written just after a greeting.
   */
  it.each([4, 8, 16, 32, 64, 128, 256])('reaches all of %i within 1 + log2 n rounds, at fanout 3', (n) => {
    const runs = isLong ? 200 : n > 64 ? 2 : 5;
    const rounds = Array.from({ length: runs }, (_, seed) => roundsOf(n, seed, 0));
    expect(Math.max(...rounds)).toBeLessThanOrEqual(1 + Math.log2(n));
  });

  /** An exchange takes up to three messages, of which all arrive in half of the rounds (0.8³): twice as many rounds. */
  it.each([4, 16, 64])(
    'reaches all of %i within 1 + 2·log2 n rounds when a fifth of all messages are lost',
    (n) => {
      const rounds = Array.from({ length: isLong ? 200 : 4 }, (_, seed) => roundsOf(n, seed, 0.2));
      expect(Math.max(...rounds)).toBeLessThanOrEqual(1 + 2 * Math.log2(n));
    },
  );

  it('passes both ways in one exchange: a greeting, a summary, and a gift on either side', () => {
    const gossipers = new Map(pair().map((gossiper, i) => [i === 0 ? 'ada' : 'bob', gossiper]));
    const states = new Map(
      [...gossipers].map(([party, { initial, step }]) => [
        party,
        step(initial, { kind: 'write', key: party, value: party }, 1_000).state,
      ]),
    );
    const digest = states.get('ada')?.digest ?? '';
    const letters: { from: string; to: string; message: GossipMessage }[] = [
      { from: 'ada', to: 'bob', message: { kind: 'hello', digest } },
    ];
    const kinds: string[] = [];
    for (let letter = letters.shift(); letter !== undefined; letter = letters.shift()) {
      const { from, to, message } = letter;
      const [gossiper, state] = [gossipers.get(to), states.get(to)];
      if (gossiper === undefined || state === undefined) throw new Error(`nobody is called ${to}`);
      kinds.push(message.kind);
      const step = gossiper.step(state, { kind: 'message', from, message }, 1_000);
      states.set(to, step.state);
      letters.push(...step.sends.map((sent) => ({ from: to, ...sent })));
    }
    expect(kinds).toEqual(['hello', 'summary', 'give', 'give']);
    for (const { held } of states.values()) expect([...held.keys()].toSorted()).toEqual(['ada', 'bob']);
  });

  it('costs a greeting and nothing else once it has reached everybody', () => {
    const [ada, bob] = pair();
    const hello = ada.step(ada.initial, { kind: 'timer', timer: 'round' }, 1_000).sends;
    expect(hello).toEqual([{ to: 'bob', message: { kind: 'hello', digest: ada.initial.digest } }]);
    const message = { kind: 'hello', digest: ada.initial.digest } as const;
    expect(bob.step(bob.initial, { kind: 'message', from: 'ada', message }, 1_000).sends).toEqual([]);
  });
});

function pair(): readonly [Gossiper, Gossiper] {
  const members = ['ada', 'bob'];
  const make = (self: string): Gossiper => createGossiper({ self, members, sign, check });
  return [make('ada'), make('bob')];
}

describe('a member', () => {
  const give = (...entries: readonly GossipEntry[]): GossipMessage => ({ kind: 'give', entries, wants: [] });
  const [ada] = pair();
  const told = (message: GossipMessage, nowMs = 1_000, from = 'bob', state = ada.initial): GossiperState =>
    ada.step(state, { kind: 'message', from, message }, nowMs).state;
  const entry = { key: 'a', value: 1, at: 1_000, count: 0, party: 'bob' };

  it('drops what its party did not sign, and counts it', () => {
    const state = told(give({ ...entry, signature: 'mine' }, sign({ ...entry, key: 'b' })));
    expect([...state.held.keys()]).toEqual(['b']);
    expect(state.refused).toEqual({ forged: 1, ahead: 0 });
  });

  it('lets nothing in from more than 5 s ahead until its time has come, and its own clock stays where it is', () => {
    const early = give(sign({ ...entry, at: 9_000 }));
    const before = told(early);
    expect(before.held.size).toBe(0);
    expect(before.refused.ahead).toBe(1);
    expect(before.clock.at).toBe(0);
    expect(told(early, 4_000, 'bob', before).held.size).toBe(1);
  });

  it('writes later than all it has heard, although its wall clock is behind', () => {
    const heard = told(give(sign({ ...entry, at: 4_000 })));
    const { state } = ada.step(heard, { kind: 'write', key: 'a', value: 2 }, 1_000);
    expect(state.held.get('a')?.entry).toMatchObject({ value: 2, party: 'ada', at: 4_000 });
  });

  it('does not hear strangers', () => {
    expect(told(give(sign(entry)), 1_000, 'eve')).toBe(ada.initial);
  });

  it('that has sealed learns nothing more, seals nothing else, and still tells what it holds', () => {
    const held = told(give(sign(entry)));
    const sealed = ada.step(held, { kind: 'seal', digest: held.digest }, 1_000).state;
    expect(sealed.sealed).toBe(held.digest);
    expect(told(give(sign({ ...entry, at: 1_500 })), 2_000, 'bob', sealed).held).toBe(held.held);
    expect(ada.step(sealed, { kind: 'seal', digest: 'other' }, 1_000).state.sealed).toBe(held.digest);
    expect(ada.step(sealed, { kind: 'write', key: 'a', value: 9 }, 3_000).state).toBe(sealed);
    const hello = { kind: 'hello', digest: 'other' } as const;
    const { sends } = ada.step(sealed, { kind: 'message', from: 'bob', message: hello }, 1_000);
    expect(sends).toMatchObject([{ to: 'bob', message: { kind: 'summary' } }]);
  });

  it('seals only what it holds', () => {
    expect(ada.step(ada.initial, { kind: 'seal', digest: 'other' }, 0).state.sealed).toBeUndefined();
  });

  it('does not choke on values that have no canonical text', () => {
    const state = told(give({ ...entry, value: '\ud800', signature: '' }));
    expect(state.refused.forged).toBe(1);
  });

  it('gives much in portions, and the rest comes with the next greetings', () => {
    const [giver, taker] = pair();
    let from = giver.initial;
    for (let i = 0; i < 12; i++)
      from = giver.step(from, { kind: 'write', key: `k${i}`, value: 'x'.repeat(40_000) }, 1_000).state;
    let to = taker.initial;
    let greetings = 0;
    for (; to.digest !== from.digest && greetings < 20; greetings++) {
      const summary = {
        kind: 'summary',
        versions: [...to.held.values()].map(({ entry: one, mark }) => ({ ...one, mark })),
      };
      const { sends } = giver.step(
        from,
        { kind: 'message', from: 'bob', message: summary as GossipMessage },
        1_000,
      );
      for (const { message } of sends)
        to = taker.step(to, { kind: 'message', from: 'ada', message }, 1_000).state;
    }
    expect(greetings).toBeGreaterThan(1);
    expect(greetings).toBeLessThan(20);
  });
});
