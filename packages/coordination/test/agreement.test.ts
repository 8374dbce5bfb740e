import { digestOf } from '@mabeam/bus';
import { seededRandom, simulate, type PartyStep, type SimulatedParty } from '@mabeam/testing';
import { expect, test } from 'vitest';
import {
  agreementConformance,
  committeeOf,
  createReplica,
  standingOf,
  writePaper,
  type AgreementRun,
  type AgreementScenario,
  type Choice,
  type PbftMessage,
} from '../src/index.ts';
import type { GossipEntry, UnsignedEntry } from '../src/consensus/gossip/entry.ts';
import { createGossiper, type GossiperState } from '../src/consensus/gossip/gossiper.ts';
import type { GossipMessage } from '../src/consensus/gossip/message.ts';
import { Register } from './pbft-stage.ts';
import { partiesOf } from './raft-stage.ts';

const runs = process.env['MABEAM_LONG'] === '1' ? 2_000 : 40;

/** Plays parties in a scenario, and notes what each decides. Who comes back has forgotten everything. */
function play<S, M>(
  { members, ...scenario }: AgreementScenario,
  parties: ReadonlyMap<string, SimulatedParty<S, M>>,
  decisionOf: (state: S) => string | undefined,
): AgreementRun {
  const decisions: Record<string, string[]> = {};
  const [initial] = [...parties.values()].map((party) => party.initial);
  const gone = scenario.crashes.filter(({ backAtMs }) => backAtMs === undefined).map(({ party }) => party);
  const awaited = members.filter((party) => !gone.includes(party));
  const lastBackMs = Math.max(0, ...scenario.crashes.map(({ atMs, backAtMs = atMs }) => backAtMs));
  let nowMs = 0;
  simulate(parties, {
    ...scenario,
    survives: (state) => initial ?? state,
    onStep: (party, state, atMs) => {
      nowMs = atMs;
      const decision = decisionOf(state);
      const before = decisions[party] ?? [];
      if (decision !== undefined && before.at(-1) !== decision) decisions[party] = [...before, decision];
    },
    isOver: (states) =>
      nowMs > lastBackMs &&
      awaited.every((party) => {
        const state = states.get(party);
        return state !== undefined && decisionOf(state) !== undefined;
      }),
  });
  return { decisions };
}

/** What is proposed, each thing once: the alternatives of a paper. */
const alternativesOf = ({ proposals }: AgreementScenario): readonly string[] => [
  ...new Set(Object.values(proposals)),
];

/** A committee in which each would rather have its own proposal, but takes any. */
function playPbft(scenario: AgreementScenario): AgreementRun {
  const alternatives = alternativesOf(scenario);
  const committee = committeeOf(`s${scenario.seed}`, scenario.members, { alternatives: alternatives.length });
  const register = new Register();
  const replicas = scenario.members.map((self) => {
    const own = alternatives.indexOf(scenario.proposals[self] ?? '');
    const accepts = [own, ...alternatives.keys()].filter((choice, i, all) => all.indexOf(choice) === i);
    const replica = createReplica({
      committee,
      self,
      accepts,
      sign: register.signerOf(self),
      check: register.check,
      viewMs: 200,
    });
    return [self, replica] as const;
  });
  return play<(typeof replicas)[0][1]['initial'], PbftMessage>(scenario, new Map(replicas), ({ decided }) =>
    decided === undefined ? undefined : alternatives[decided.choice],
  );
}

type Said = { readonly kind: 'ask' } | { readonly kind: 'vote'; readonly choice: Choice };
interface Asking {
  readonly votes: ReadonlyMap<string, Choice>;
  readonly told?: string | undefined;
}

/**
 * A vote in which everybody asks until there is an end, and the first end is kept, as the event stream does. All vote for the first
 * alternative; who has come back is of another mind.
 */
function playVotes(scenario: AgreementScenario): AgreementRun {
  const alternatives = alternativesOf(scenario);
  const paper = writePaper({
    space: 's',
    round: 'r-1',
    algorithm: 'simple-majority',
    electorate: scenario.members.map((party) => ({ party })),
    alternatives,
  });
  let kept: string | undefined;
  const started = new Map<string, number>();
  const partyOf = (self: string): SimulatedParty<Asking, Said> => ({
    initial: { votes: new Map() },
    step: (state, input): PartyStep<Asking, Said> => {
      if (input.kind === 'start') started.set(self, (started.get(self) ?? 0) + 1);
      if (input.kind === 'message' && input.message.kind === 'ask') {
        const choice = ((started.get(self) ?? 1) - 1) % alternatives.length;
        return { state, sends: [{ to: input.from, message: { kind: 'vote', choice } }], timers: [] };
      }
      if (input.kind !== 'message') {
        const sends = scenario.members.map((to) => ({ to, message: { kind: 'ask' as const } }));
        const timers = [{ timer: 'again', afterMs: 40 }];
        return { state: { ...state, told: kept }, sends: kept === undefined ? sends : [], timers };
      }
      const { from, message } = input;
      if (message.kind !== 'vote' || state.votes.has(from)) return { state, sends: [], timers: [] };
      const votes = new Map([...state.votes, [from, message.choice] as const]);
      const standing = standingOf(paper, { votes });
      if (standing.kind === 'accepted') kept ??= alternatives[standing.accepted];
      return { state: { votes, told: kept }, sends: [], timers: [] };
    },
  });
  const parties = new Map(scenario.members.map((self) => [self, partyOf(self)]));
  return play(scenario, parties, ({ told }) => told);
}

/**
 * A group whose log gets everybody's proposal, each as an operation; what is decided is the first of them. Log and client are reached from
 * both sides of a partition.
 */
function playRaft(scenario: AgreementScenario): AgreementRun {
  const { members, proposals, seed, weather } = scenario;
  const partitions = weather.partitions.map((partition) => ({
    ...partition,
    groups: partition.groups.map((group) => [...group, 'log', 'client']),
  }));
  // Longer than a message may take there and back; a group that is quicker has no leader for long.
  const wanted = { operations: members.length, singles: 0, electionMs: 400 };
  const parties = partiesOf(members, wanted, seededRandom(seed));
  return play({ ...scenario, weather: { ...weather, partitions } }, parties, ({ done: [first] }) =>
    first === undefined ? undefined : proposals[members[Number(first.id.slice('op-'.length))] ?? ''],
  );
}

/** Everybody writes its proposal under one key; what is decided is what everybody who is there holds in the end. */
function playGossip({ members, proposals, ...scenario }: AgreementScenario): AgreementRun {
  const sign = (entry: UnsignedEntry): GossipEntry => ({
    ...entry,
    signature: digestOf(['ideal', entry.party, entry.at, entry.count]),
  });
  const check = ({ signature, ...entry }: GossipEntry): boolean => signature === sign(entry).signature;
  const partyOf = (self: string): SimulatedParty<GossiperState, GossipMessage> => {
    const gossiper = createGossiper({ self, members, everyMs: 100, seed: scenario.seed, sign, check });
    return {
      initial: gossiper.initial,
      step: (state, input, nowMs) => {
        const wallMs = 10_000 + nowMs;
        if (input.kind !== 'start') return gossiper.step(state, input, wallMs);
        const value = proposals[self] ?? '';
        const written = gossiper.step(state, { kind: 'write', key: 'colour', value }, wallMs);
        const started = gossiper.step(written.state, input, wallMs);
        return { ...started, sends: [...written.sends, ...started.sends] };
      },
    };
  };
  const [first = ''] = members;
  const { states } = simulate(new Map(members.map((self) => [self, partyOf(self)])), {
    ...scenario,
    survives: () => partyOf(first).initial,
  });
  const gone = new Set(
    scenario.crashes.flatMap(({ party, backAtMs }) => (backAtMs === undefined ? [party] : [])),
  );
  const colours = [...states].flatMap(([self, { held }]) => {
    const value = held.get('colour')?.entry.value;
    return gone.has(self) || typeof value !== 'string' ? [] : [[self, [value]] as const];
  });
  return { decisions: Object.fromEntries(colours) };
}

for (const { name, run } of agreementConformance({ run: playRaft, runs, members: 5, crashes: 2 }))
  test(`raft: ${name}`, () => expect(run()).resolves.toBeUndefined(), 600_000);
for (const { name, run } of agreementConformance({
  run: playGossip,
  runs: runs / 4,
  members: 6,
  crashes: 2,
  untilMs: 4_000,
}))
  test(`gossip: ${name}`, () => expect(run()).resolves.toBeUndefined(), 600_000);
for (const { name, run } of agreementConformance({ run: playPbft, runs }))
  test(`pbft: ${name}`, () => expect(run()).resolves.toBeUndefined(), 600_000);
for (const { name, run } of agreementConformance({ run: playPbft, runs, members: 7, crashes: 1 }))
  test(`pbft of seven: ${name}`, () => expect(run()).resolves.toBeUndefined(), 600_000);
for (const { name, run } of agreementConformance({ run: playVotes, runs, members: 5, crashes: 2 }))
  test(`votes: ${name}`, () => expect(run()).resolves.toBeUndefined(), 600_000);

/** The names of the cases that a protocol breaks. */
async function broken(run: (scenario: AgreementScenario) => AgreementRun): Promise<readonly string[]> {
  const cases = agreementConformance({ run });
  const verdicts = await Promise.allSettled(cases.map((one) => one.run()));
  return cases.flatMap(({ name }, i) => (verdicts[i]?.status === 'rejected' ? [name] : []));
}

const everybody = (
  { members }: AgreementScenario,
  decide: (party: string) => readonly string[],
): AgreementRun => ({ decisions: Object.fromEntries(members.map((party) => [party, decide(party)])) });

test('the suite tells a protocol in which everybody decides for its own proposal', async () => {
  const own = await broken((scenario) => everybody(scenario, (party) => [scenario.proposals[party] ?? '']));
  expect(own).toHaveLength(8);
  expect(own[0]).toBe('in calm weather nobody decides otherwise than another, or than before');
});

test('the suite tells a protocol that decides for what nobody proposed', async () => {
  const invented = await broken((scenario) => everybody(scenario, () => ['pink']));
  expect(invented).toHaveLength(8);
  expect(invented[0]).toBe('in calm weather nothing is decided that nobody proposed');
});

test('the suite tells a protocol whose members change their mind', async () => {
  const fickle = await broken((scenario) => everybody(scenario, () => Object.values(scenario.proposals)));
  expect(fickle).toContain('under loss nobody decides otherwise than another, or than before');
});

/** The first member tells the others what it wants, once. */
function playTeller(scenario: AgreementScenario): AgreementRun {
  const [first = '', ...others] = scenario.members;
  const wish = scenario.proposals[first];
  const parties = new Map(
    scenario.members.map(
      (self): readonly [string, SimulatedParty<{ readonly told?: string | undefined }, string>] => [
        self,
        {
          initial: {},
          step: (state, input) => {
            if (input.kind === 'message') return { state: { told: input.message }, sends: [], timers: [] };
            if (self !== first || wish === undefined) return { state, sends: [], timers: [] };
            const sends = others.map((to) => ({ to, message: wish }));
            return { state: { told: wish }, sends, timers: [] };
          },
        },
      ],
    ),
  );
  return play(scenario, parties, ({ told }) => told);
}

test('the suite tells a protocol that says everything once, where messages are lost', async () => {
  const told = await broken(playTeller);
  expect(told).toContain('under loss everybody who is there has decided once it is over');
  expect(told.filter((name) => name.startsWith('in calm weather'))).toEqual([]);
});
