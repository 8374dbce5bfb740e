/**
 * The exact award of bundles and its payments against an oracle of another kind: HiGHS, which knows nothing of our search. A profile's
 * optima – with everybody, and without each in turn – are blocks of one problem that share no variable, so one run of the solver
 * proves those of many profiles.
 */
import { describe, expect, it } from 'vitest';
import { solveProblem } from '../resources/solver.ts';
import { totalWeight, type BundleBid, type Position } from './position.ts';
import { seededRandom, type Random } from './random.ts';
import { strategyNamed } from './strategies.ts';
import { settleGiven, type Settlement } from './strategy.ts';
import { termsOf } from './terms.ts';

const isLong = process.env['MABEAM_LONG'] === '1';
const profileCount = isLong ? 10_000 : 150;
/** So many profiles in one problem. */
const together = 50;
const items = ['i', 'j', 'k', 'l', 'm'] as const;
/** Up to so many bids the award is exact. */
const mostBids = 12;

interface Bid extends BundleBid {
  readonly party: string;
}

/** Up to six parties with up to twelve bids on bundles of five items; amounts are whole, so that sums are exact. */
function drawBids(random: Random): readonly Bid[] {
  const size = 1 + Math.floor(random.unit() * 6);
  const count = Math.min(mostBids, 1 + Math.floor(random.unit() * 3 * size));
  return Array.from({ length: count }, (): Bid => {
    const bundle = items.filter(() => random.unit() < 0.4);
    const party = `p${Math.floor(random.unit() * size)}`;
    return {
      party,
      items: bundle.length === 0 ? [random.pick(items)] : bundle,
      amount: Math.floor(random.unit() * 40),
    };
  });
}

function award(bids: readonly Bid[]): Settlement {
  const positions = [...Map.groupBy(bids, ({ party }) => party)].map(([party, bundles]): Position => ({
    party,
    weight: 1,
    priority: 0,
    credit: Infinity,
    bundles,
  }));
  const terms = termsOf({ auction: { form: 'combinatorial' } }, totalWeight(positions));
  return settleGiven(strategyNamed('auction'), positions, terms);
}

/** The parties of a profile. */
const partiesIn = (bids: readonly Bid[]): readonly string[] =>
  [...new Set(bids.map(({ party }) => party))].toSorted();

/** One block: the best award of some bids, each of them a variable `x_<block>_<bid>`. */
function blockOf(
  bids: readonly Bid[],
  block: string,
): {
  readonly worth: readonly string[];
  readonly limits: readonly string[];
  readonly names: readonly string[];
} {
  const named = bids.map((bid, i) => ({ ...bid, name: `x_${block}_${i}` }));
  const atMostOnce = (what: string, chosen: readonly { readonly name: string }[]): readonly string[] =>
    chosen.length < 2 ? [] : [` c_${block}_${what}: ${chosen.map(({ name }) => name).join(' + ')} <= 1`];
  return {
    worth: named.map(({ amount, name }) => `+ ${amount} ${name}`),
    limits: [
      ...partiesIn(bids).flatMap((party) =>
        atMostOnce(
          party,
          named.filter((bid) => bid.party === party),
        ),
      ),
      ...items.flatMap((item) =>
        atMostOnce(
          item,
          named.filter((bid) => bid.items.includes(item)),
        ),
      ),
    ],
    names: named.map(({ name }) => name),
  };
}

/** The optimum of each block, proven by HiGHS. */
async function optima(blocks: ReadonlyMap<string, readonly Bid[]>): Promise<ReadonlyMap<string, number>> {
  const parts = [...blocks].map(([block, bids]) => blockOf(bids, block));
  const text = [
    'Maximize',
    ` worth: ${parts.flatMap(({ worth }) => worth).join(' ')}`,
    'Subject To',
    ...parts.flatMap(({ limits }) => limits),
    'Binary',
    ...parts.flatMap(({ names }) => names.map((name) => ` ${name}`)),
    'End',
    '',
  ].join('\n');
  const { status, columns } = await solveProblem(text, 60_000);
  expect(status).toBe('Optimal');
  return new Map(
    [...blocks].map(([block, bids]) => [
      block,
      bids.reduce((sum, { amount }, i) => sum + amount * Math.round(columns[`x_${block}_${i}`] ?? 0), 0),
    ]),
  );
}

/** What an award is worth to a party that is worth its bids to it, less what it pays. */
function gainOf(settlement: Settlement, party: string, truth: readonly Bid[]): number {
  if (settlement.kind !== 'agreed') return 0;
  const won = settlement.allocation?.[party];
  if (!Array.isArray(won)) return 0;
  const worth = truth
    .filter((bid) => bid.party === party && bid.items.every((item) => won.includes(item)))
    .map(({ amount }) => amount);
  return Math.max(0, ...worth) - (settlement.payments?.[party] ?? 0);
}

/** A profile with what HiGHS says of it: the optimum, and that without each party. */
interface Judged {
  readonly bids: readonly Bid[];
  readonly optimum: number;
  readonly without: ReadonlyMap<string, number>;
}

/** Draws so many profiles and has HiGHS judge them. */
async function judge(random: Random, count: number): Promise<readonly Judged[]> {
  const profiles = Array.from({ length: count }, () => drawBids(random));
  const blocks = new Map<string, readonly Bid[]>();
  for (const [i, bids] of profiles.entries()) {
    blocks.set(`${i}`, bids);
    for (const party of partiesIn(bids))
      blocks.set(
        `${i}_${party}`,
        bids.filter((bid) => bid.party !== party),
      );
  }
  const solved = await optima(new Map([...blocks].filter(([, bids]) => bids.length > 0)));
  return profiles.map((bids, i) => ({
    bids,
    optimum: solved.get(`${i}`) ?? 0,
    without: new Map(partiesIn(bids).map((party) => [party, solved.get(`${i}_${party}`) ?? 0])),
  }));
}

describe(`bundles in ${profileCount} random profiles, against the optimum of HiGHS`, () => {
  it('are awarded as well as can be, paid for as Clarke says, and nobody gains by a lie', async () => {
    const random = seededRandom(isLong ? Date.now() % 2 ** 31 : 7);
    let winners = 0;
    for (let done = 0; done < profileCount; done += together) {
      for (const { bids, optimum, without } of await judge(random, together)) {
        const settlement = award(bids);
        const shown = JSON.stringify(bids);
        const { payments = {}, details = {} } = settlement.kind === 'agreed' ? settlement : {};
        expect(details['welfare'] ?? 0, shown).toBe(optimum);
        for (const [party, best] of without) {
          // What it adds to the best for all is the most that a party can gain; by the truth it gains just that.
          const most = optimum - best;
          expect(gainOf(settlement, party, bids), shown).toBeCloseTo(most, 9);
          if (payments[party] !== undefined) winners += 1;
          const lie = drawBids(random).map((bid) => ({ ...bid, party }));
          const others = bids.filter((bid) => bid.party !== party);
          const lying = award([...others, ...lie.slice(0, mostBids - others.length)]);
          expect(gainOf(lying, party, bids), `${shown} against ${JSON.stringify(lie)}`).toBeLessThanOrEqual(
            most + 1e-9,
          );
        }
      }
    }
    expect(winners).toBeGreaterThan(profileCount);
  }, 900_000);
});
