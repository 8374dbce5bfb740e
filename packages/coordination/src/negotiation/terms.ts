/** The terms of a negotiation: what all strategies and each of them may be told, with their defaults. */
import { coordinationError } from '../errors.ts';
import { rangeProblem, type ValueRange } from './value-range.ts';

/** The forms of an auction. `second-price` is a sealed bid whose winner pays what the next one offered. */
export type AuctionForm = 'sealed-bid' | 'second-price' | 'english' | 'dutch' | 'combinatorial';

/** What the winner of an auction pays; `vcg`: what its presence costs the others. */
export type PaymentRule = 'first-price' | 'second-price' | 'vcg';

/** How an auction is held. */
export interface AuctionTerms {
  /** Default `sealed-bid`. */
  readonly form?: AuctionForm | undefined;
  /** Default `first-price`; for bundles `vcg`. Clock auctions have their own: the price on the clock. */
  readonly payment?: PaymentRule | undefined;
  /** Nothing is sold below. Default 0. */
  readonly reserve?: number | undefined;
  /** Where the clock begins: default 0 (english), the highest known limit, or 1 if that is more (dutch). */
  readonly start?: number | undefined;
  /** How far the clock moves. Default 0.1. */
  readonly increment?: number | undefined;
  /** How often the price rises at most (english). Default 10. */
  readonly rounds?: number | undefined;
  /** Up to so many bids on bundles the best award is found exactly, beyond greedily. Default 12. */
  readonly exactUpTo?: number | undefined;
}

/** How rounds towards consensus go. */
export interface ConsensusTerms {
  /** They agree when they differ by at most this part of the range. Default 0.01. */
  readonly tolerance?: number | undefined;
}

/** How a hierarchy is built. */
export interface HierarchyTerms {
  /** Who has the last word; default: the first by rank. It need not be one of the parties. */
  readonly coordinator?: string | undefined;
  /** Who takes over, in this order; default: the parties by rank. */
  readonly deputies?: readonly string[] | undefined;
  /** Parties below one head. Default 5. */
  readonly clusterSize?: number | undefined;
  /** Levels of heads at most, the coordinator's included. Default 4. */
  readonly maxLevels?: number | undefined;
}

/** How a market clears. */
export interface MarketTerms {
  /** Where in the span of clearing prices the price lies: 0 the buyers' end, 1 the sellers'. Default 0.5. */
  readonly priceShare?: number | undefined;
}

/** How the genetic search runs. */
export interface GeneticTerms {
  /** Default 32. */
  readonly population?: number | undefined;
  /** Default 30. */
  readonly generations?: number | undefined;
  /** It ends after so many generations without progress. Default 10. */
  readonly stagnation?: number | undefined;
  /** Default 0.1. */
  readonly mutationRate?: number | undefined;
}

/** The terms that one may set; all have defaults. */
export interface TermOptions {
  readonly constraints?: ValueRange | undefined;
  /** Seed of everything that is drawn. Default 0. */
  readonly seed?: number | undefined;
  /** Rounds towards consensus at most. Default 10. */
  readonly maxRounds?: number | undefined;
  /** What part of the weight must take part. Default 0.5. */
  readonly quorum?: number | undefined;
  /** What the weights are multiplied by, by party (`learnReliabilities`). Weighted consensus only. */
  readonly reliabilities?: Readonly<Record<string, number>> | undefined;
  readonly auction?: AuctionTerms | undefined;
  readonly consensus?: ConsensusTerms | undefined;
  readonly hierarchy?: HierarchyTerms | undefined;
  readonly market?: MarketTerms | undefined;
  readonly genetic?: GeneticTerms | undefined;
}

/** The terms as a strategy sees them. */
export interface Terms {
  readonly range: ValueRange;
  readonly seed: number;
  readonly maxRounds: number;
  readonly quorum: number;
  /** Weight of all who were invited. */
  readonly invitedWeight: number;
  readonly reliabilities: Readonly<Record<string, number>>;
  readonly auction: {
    readonly form: AuctionForm;
    readonly payment: PaymentRule;
    readonly reserve: number;
    readonly start?: number;
    readonly increment: number;
    readonly rounds: number;
    readonly exactUpTo: number;
  };
  readonly consensus: { readonly tolerance: number };
  readonly hierarchy: HierarchyTerms & { readonly clusterSize: number; readonly maxLevels: number };
  readonly market: { readonly priceShare: number };
  readonly genetic: {
    readonly population: number;
    readonly generations: number;
    readonly stagnation: number;
    readonly mutationRate: number;
  };
}

/** Sums of what was multiplied by it stay finite. */
const largestFactor = 1e300;

/** The longest that a clock may tick. */
const mostTicks = 10_000;

/** Fills in the defaults. Throws `invalid-negotiation`. */
export function termsOf(options: TermOptions, invitedWeight: number): Terms {
  const { constraints = {}, seed = 0, maxRounds = 10, quorum = 0.5, reliabilities = {} } = options;
  const { consensus, hierarchy, market, genetic } = options;
  const terms: Terms = {
    range: presentLimits(constraints),
    seed,
    maxRounds,
    quorum,
    invitedWeight,
    reliabilities,
    auction: auctionTerms(options.auction),
    consensus: { tolerance: consensus?.tolerance ?? 0.01 },
    hierarchy: {
      ...hierarchy,
      clusterSize: hierarchy?.clusterSize ?? 5,
      maxLevels: hierarchy?.maxLevels ?? 4,
    },
    market: { priceShare: market?.priceShare ?? 0.5 },
    genetic: {
      population: genetic?.population ?? 32,
      generations: genetic?.generations ?? 30,
      stagnation: genetic?.stagnation ?? 10,
      mutationRate: genetic?.mutationRate ?? 0.1,
    },
  };
  const problem = termsProblem(terms);
  if (problem === undefined) return terms;
  throw coordinationError('invalid-negotiation', `${problem}; correct the options`);
}

/** The limits that are there, so that what travels has no empty fields. */
function presentLimits({ min, max, step, enum: values }: ValueRange): ValueRange {
  return {
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(step === undefined ? {} : { step }),
    ...(values === undefined ? {} : { enum: values }),
  };
}

function auctionTerms(given: AuctionTerms = {}): Terms['auction'] {
  const { form = 'sealed-bid', start } = given;
  const usual = form === 'combinatorial' ? 'vcg' : form === 'second-price' ? 'second-price' : 'first-price';
  return {
    form,
    payment: given.payment ?? usual,
    reserve: given.reserve ?? 0,
    ...(start === undefined ? {} : { start }),
    increment: given.increment ?? 0.1,
    rounds: given.rounds ?? 10,
    exactUpTo: given.exactUpTo ?? 12,
  };
}

function termsProblem(terms: Terms): string | undefined {
  const { range, seed, maxRounds, quorum, reliabilities, consensus, hierarchy, market, genetic } = terms;
  const wrong = rangeProblem(range);
  if (wrong !== undefined) return `constraints: ${wrong}`;
  if (!Number.isFinite(seed)) return 'the seed is a finite number';
  if (!isCount(maxRounds)) return 'maxRounds is a whole number from 1 up';
  if (!isShare(quorum)) return 'the quorum lies between 0 and 1';
  if (!Object.values(reliabilities).every((factor) => factor > 0 && factor <= largestFactor))
    return 'a reliability is a number above 0, of at most 1e300';
  if (!isShare(consensus.tolerance)) return 'the tolerance lies between 0 and 1';
  if (!isCount(hierarchy.maxLevels) || !isCount(hierarchy.clusterSize) || hierarchy.clusterSize < 2)
    return 'clusterSize is a whole number from 2 up, maxLevels one from 1 up';
  if (!isShare(market.priceShare)) return 'priceShare lies between 0 and 1';
  if (![genetic.population, genetic.generations, genetic.stagnation].every(isCount))
    return 'population, generations and stagnation are whole numbers from 1 up';
  if (!isShare(genetic.mutationRate)) return 'the mutation rate lies between 0 and 1';
  return auctionProblem(terms.auction);
}

function auctionProblem(auction: Terms['auction']): string | undefined {
  const { form, payment, reserve, start = 0, increment, rounds, exactUpTo } = auction;
  if (!(Number.isFinite(reserve) && reserve >= 0 && Number.isFinite(start) && start >= 0))
    return 'reserve and start are numbers from 0 up';
  if (!(Number.isFinite(increment) && increment > 0)) return 'the increment is a number above 0';
  if (!isCount(rounds) || rounds > mostTicks) return `rounds is a whole number from 1 to ${mostTicks}`;
  if (!Number.isSafeInteger(exactUpTo) || exactUpTo < 0) return 'exactUpTo is a whole number from 0 up';
  if (form === 'combinatorial' && payment === 'second-price')
    return 'bundles are paid for by first-price or vcg';
  if (form === 'combinatorial' && reserve > 0) return 'an auction of bundles has no reserve';
  if (form === 'second-price' && payment === 'first-price')
    return 'the form second-price is paid for by second-price';
  return (start - reserve) / increment > mostTicks
    ? `the clock would tick more than ${mostTicks} times`
    : undefined;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

function isShare(value: number): boolean {
  return value >= 0 && value <= 1;
}
