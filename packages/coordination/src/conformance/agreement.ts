/**
 * The conformance suite of protocols in which several processes come to decide one thing: no two decisions, nothing that nobody
 * proposed, and a decision of everybody who is there once the network has healed.
 *
 *   for (const { name, run } of agreementConformance({ run: playMine })) test(name, run);
 *
 * The suite says what happens – who proposes what, how the network misbehaves, who crashes and when – and judges what is decided. How
 * it is played is the protocol's affair; a scenario has the form of the options of `simulate` (@mabeam/testing). Everything
 * comes from one seed. A case throws when the protocol breaks it, with the scenario.
 */
import { deepStrictEqual, ok } from 'node:assert/strict';
import { seededRandom, type Random } from '../negotiation/random.ts';
import { shuffled } from './negotiation.ts';

/** What happens in one run. */
export interface AgreementScenario {
  readonly seed: number;
  readonly members: readonly string[];
  /** What each member would like to be decided; some want the same. */
  readonly proposals: Readonly<Record<string, string>>;
  readonly weather: {
    readonly dropRate: number;
    readonly duplicateRate: number;
    readonly minDelayMs: number;
    readonly maxDelayMs: number;
    /** Between groups nothing passes meanwhile. */
    readonly partitions: readonly {
      readonly fromMs: number;
      readonly toMs: number;
      readonly groups: readonly (readonly string[])[];
    }[];
    /** From then on nothing is lost, doubled or cut off. */
    readonly healsAtMs: number;
  };
  /** Who stops when, and comes back when, with what it has kept; without `backAtMs` never. */
  readonly crashes: readonly { readonly party: string; readonly atMs: number; readonly backAtMs?: number }[];
  /** By then all who are there must have decided. */
  readonly untilMs: number;
}

/** What came of it. */
export interface AgreementRun {
  /** All that each member ever decided, in order. Who is not named decided nothing. */
  readonly decisions: Readonly<Record<string, readonly string[]>>;
}

/** How the suite is run. */
export interface AgreementOptions {
  /** Plays a scenario with the protocol that is judged. */
  readonly run: (scenario: AgreementScenario) => AgreementRun | Promise<AgreementRun>;
  /** So many members. Default 4. */
  readonly members?: number;
  /** So many of them may be down at once. Default 1. */
  readonly crashes?: number;
  /** Runs of each kind of scenario. Default 20. */
  readonly runs?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Time of a run. Default 60 000. */
  readonly untilMs?: number;
}

/** One thing that is true of a protocol, or `run` rejects. */
export interface AgreementCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

type Played = AgreementRun & { readonly scenario: AgreementScenario };
type Trouble = Partial<Pick<AgreementScenario, 'crashes'>> & {
  readonly weather?: Partial<AgreementScenario['weather']>;
};

const healsAtMs = 2_000;

/** The kinds of trouble. */
const troubles: Readonly<
  Record<string, (members: readonly string[], down: number, random: Random) => Trouble>
> = {
  'in calm weather': () => ({}),
  'under loss': (_, __, random) => ({ weather: { dropRate: 0.1 + random.unit() * 0.4 } }),
  'with messages that come twice': (_, __, random) => ({
    weather: { duplicateRate: 0.2 + random.unit() * 0.7 },
  }),
  'with messages that overtake each other': () => ({ weather: { minDelayMs: 0, maxDelayMs: 150 } }),
  'across a partition': (members, _, random) => ({ weather: { partitions: [partitionOf(members, random)] } }),
  'when some crash for good': (members, down, random) => ({ crashes: crashesOf(members, down, random) }),
  'when some crash and come back': (members, down, random) => ({
    crashes: crashesOf(members, down, random).map((crash) => ({
      ...crash,
      backAtMs: crash.atMs + 50 + random.unit() * 1_000,
    })),
  }),
  'under all of that at once': (members, down, random) => ({
    weather: {
      dropRate: random.unit() * 0.3,
      duplicateRate: random.unit() * 0.3,
      minDelayMs: 0,
      maxDelayMs: 80,
      partitions: [partitionOf(members, random)],
    },
    crashes: crashesOf(members, down, random).map((crash) => ({ ...crash, backAtMs: 1_500 })),
  }),
};

const truths: Readonly<Record<string, (played: Played) => void>> = {
  'nobody decides otherwise than another, or than before': ({ decisions, scenario }) => {
    const all = new Set(Object.values(decisions).flat());
    ok(all.size <= 1, `${[...all].join(' and ')} are decided ${show(scenario)}`);
  },
  'nothing is decided that nobody proposed': ({ decisions, scenario }) => {
    const proposed = new Set(Object.values(scenario.proposals));
    const invented = Object.values(decisions)
      .flat()
      .filter((decision) => !proposed.has(decision));
    deepStrictEqual(invented, [], show(scenario));
  },
  'everybody who is there has decided once it is over': ({ decisions, scenario }) => {
    const gone = new Set(
      scenario.crashes.flatMap(({ party, backAtMs }) => (backAtMs === undefined ? [party] : [])),
    );
    const undecided = scenario.members.filter(
      (party) => !gone.has(party) && (decisions[party] ?? []).length === 0,
    );
    deepStrictEqual(undecided, [], show(scenario));
  },
};

/** The cases a protocol must pass. */
export function agreementConformance(options: AgreementOptions): readonly AgreementCase[] {
  return Object.keys(troubles).flatMap((trouble) => {
    // One play is judged by all three, and not before it is asked for.
    let playing: Promise<readonly Played[]> | undefined;
    return Object.entries(truths).map(([truth, judge]) => ({
      name: `${trouble} ${truth}`,
      run: async () => {
        playing ??= playAll(options, trouble);
        for (const played of await playing) judge(played);
      },
    }));
  });
}

async function playAll(options: AgreementOptions, trouble: string): Promise<readonly Played[]> {
  const { runs = 20, seed = 1, run } = options;
  const played: Played[] = [];
  for (let i = 0; i < runs; i++) {
    const scenario = scenarioOf(options, trouble, seed * 1_000_003 + i);
    played.push({ scenario, ...(await run(scenario)) });
  }
  return played;
}

function scenarioOf(
  { members: count = 4, crashes = 1, untilMs = 60_000 }: AgreementOptions,
  trouble: string,
  seed: number,
): AgreementScenario {
  const random = seededRandom(seed);
  const members = Array.from({ length: count }, (_, i) => `p${i}`);
  const proposals = Object.fromEntries(
    members.map((party) => [party, random.pick(['red', 'green', 'blue'] as const)]),
  );
  const made = troubles[trouble]?.(members, crashes, random) ?? {};
  const calm = { dropRate: 0, duplicateRate: 0, minDelayMs: 1, maxDelayMs: 10, partitions: [], healsAtMs };
  return {
    seed,
    members,
    proposals,
    weather: { ...calm, ...made.weather },
    crashes: made.crashes ?? [],
    untilMs,
  };
}

/** Two groups, each of at least one, that cannot reach each other for a while. */
function partitionOf(
  members: readonly string[],
  random: Random,
): AgreementScenario['weather']['partitions'][number] {
  const mixed = shuffled(members, random);
  const cut = 1 + Math.floor(random.unit() * (members.length - 1));
  const fromMs = random.unit() * 60;
  return {
    fromMs,
    toMs: fromMs + 200 + random.unit() * 1_500,
    groups: [mixed.slice(0, cut), mixed.slice(cut)],
  };
}

function crashesOf(
  members: readonly string[],
  down: number,
  random: Random,
): readonly { readonly party: string; readonly atMs: number }[] {
  return shuffled(members, random)
    .slice(0, down)
    .map((party) => ({ party, atMs: random.unit() * 120 }));
}

function show(scenario: AgreementScenario): string {
  return `in ${JSON.stringify(scenario)}`;
}
