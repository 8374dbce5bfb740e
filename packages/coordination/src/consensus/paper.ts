/**
 * A ballot paper: everything that is fixed before the first vote – who votes, with what weight, on what, by which rule. Voters sign
 * its digest, so a vote counts for this paper and for no other. And the rule itself: where a vote stands. Pure.
 */
import { digestOf, isId, isPublicKey, isToken, parseId, parseToken } from '@mabeam/bus';
import { isJson, type Json } from '@mabeam/variables';
import * as z from 'zod';
import { coordinationError } from '../errors.ts';

/** How votes are counted; each asks for a share of the whole electorate, whether it votes or not. */
export const voteAlgorithms = ['simple-majority', 'weighted-voting', 'unanimous'] as const;

/** One of them. */
export type VoteAlgorithm = (typeof voteAlgorithms)[number];

/** A rule of one's own; `voteConformance` says what it must keep. */
export interface CountingRule {
  /** A token, and none of ours: voters and verifiers know the rule by it. */
  readonly name: string;
  /** Where a vote stands, by nothing but the paper and what counts so far. */
  readonly standing: (paper: BallotPaper, count: Count) => Standing;
}

const jsonSchema = z.custom<Json>((value) => isJson(value), 'not JSON');
/** Within these, sums of weights and shares of them are exact but for rounding; beyond they overflow or vanish. */
const leastWeight = 1e-300;
const largestWeight = 1e300;
const voterSchema = z.strictObject({
  party: z.string().refine(isId),
  weight: z.number().min(leastWeight).max(largestWeight),
  /** The public key that alone may sign for it. Without one, any key may, and the verifier has to know whose it is. */
  key: z.string().optional(),
});

export const paperSchema = z
  .strictObject({
    v: z.literal(1),
    space: z.string(),
    round: z.string(),
    /** The name of the rule: one of ours, or a token. */
    algorithm: z.string().refine(isToken),
    /** The share of the weight that must be exceeded; weighted votes have one, and rules of one's own may. */
    threshold: z.number().min(0).lt(1).optional(),
    electorate: z.array(voterSchema).min(1).max(10_000),
    alternatives: z.array(jsonSchema).min(1).max(256),
  })
  .refine(countsAsItSays, 'where heads are counted, nobody has more than one and there is no threshold');

/** A paper comes from its asker, who may write "simple-majority" above weights of its own choice: that is no paper. */
function countsAsItSays({
  algorithm,
  electorate,
  threshold,
}: {
  readonly algorithm: string;
  readonly electorate: readonly { readonly weight: number }[];
  readonly threshold?: number | undefined;
}): boolean {
  const countsHeads = algorithm === 'simple-majority' || algorithm === 'unanimous';
  return !countsHeads || (threshold === undefined && electorate.every(({ weight }) => weight === 1));
}

/** A ballot paper. The electorate is in the order of its names. */
export type BallotPaper = z.infer<typeof paperSchema>;

/** A member of the electorate. */
export type Voter = BallotPaper['electorate'][number];

/** A member as it is handed in. */
export interface VotingParty {
  readonly party: string;
  /** Above 0 (1e-300 to 1e300); counts in weighted votes only. Default 1. */
  readonly weight?: number | undefined;
  /** Its public key, if it is known before. */
  readonly key?: string | undefined;
  /** `json` for a party without our library; no part of the paper. In votes only. Default `envelope`. */
  readonly wire?: 'envelope' | 'json' | undefined;
}

/** What a paper is made of. */
export interface PaperParts {
  readonly space: string;
  readonly round: string;
  readonly algorithm: VoteAlgorithm | CountingRule;
  readonly threshold?: number | undefined;
  readonly electorate: readonly VotingParty[];
  readonly alternatives: readonly Json[];
}

const defaultThreshold = 0.5;

/**
 * Writes a paper. Throws `no-participants`, `duplicate-participants` (a name or a key twice: nobody has two votes), `invalid-id`,
 * `invalid-weights` and `invalid-proposal`.
 */
export function writePaper(parts: PaperParts): BallotPaper {
  const { space, round } = parts;
  const algorithm = ruleName(parts.algorithm);
  const isOwn = typeof parts.algorithm === 'object';
  const isWeighted = isOwn || algorithm === 'weighted-voting';
  const { threshold = defaultThreshold } = parts;
  if (!(threshold >= 0 && threshold < 1)) {
    throw coordinationError(
      'invalid-weights',
      `a threshold of ${threshold} is no share; give one from 0, below 1`,
    );
  }
  if (!(parts.alternatives.length <= 256 && parts.alternatives.every((value) => isJson(value)))) {
    throw coordinationError('invalid-proposal', 'what is proposed must be JSON, in at most 256 alternatives');
  }
  return {
    v: 1,
    space,
    round: parseToken('round', round),
    algorithm,
    ...(isWeighted && !(isOwn && parts.threshold === undefined) ? { threshold } : {}),
    electorate: votersOf(parts.electorate, isWeighted),
    alternatives: [...parts.alternatives],
  };
}

function votersOf(parties: readonly VotingParty[], isWeighted: boolean): Voter[] {
  if (parties.length === 0) throw coordinationError('no-participants', 'nobody votes; name a party');
  const voters = parties.map(({ party, weight = 1, key }): Voter => {
    parseId('party', party);
    if (!(weight >= leastWeight && weight <= largestWeight)) {
      const message = `the weight of ${party} is ${weight}; give a number above 0 (up to 1e300), or leave the party out`;
      throw coordinationError('invalid-weights', message, { details: { party, weight } });
    }
    if (key !== undefined && !isPublicKey(key)) {
      throw coordinationError('invalid-proposal', `the key of ${party} is no public key`, {
        details: { party },
      });
    }
    return { party, weight: isWeighted ? weight : 1, ...(key === undefined ? {} : { key }) };
  });
  const names = voters.flatMap(({ party, key }) => (key === undefined ? [party] : [party, key]));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    const message = `${twice} is in the electorate twice; nobody has two votes`;
    throw coordinationError('duplicate-participants', message, { details: { twice } });
  }
  return voters.toSorted((a, b) => (a.party < b.party ? -1 : 1));
}

/** What voters sign of the paper. */
export function paperDigest(paper: BallotPaper): string {
  return digestOf(paper);
}

/** A vote: which alternative is accepted, or `null` for none of them. */
export type Choice = number | null;

/** Where a vote stands. `rejected`: the noes alone rule an acceptance out; `hopeless`: no alternative can get enough any more. */
export type Standing =
  | { readonly kind: 'accepted'; readonly accepted: number }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'hopeless' }
  | { readonly kind: 'open' };

/** What counts so far: one choice a party, and who will not vote any more. */
export interface Count {
  readonly votes: ReadonlyMap<string, Choice>;
  readonly silent?: ReadonlySet<string> | undefined;
}

/**
 * Where the vote stands by one of our rules. It depends on nothing but the last choice of each member: names outside the electorate and
 * alternatives that are not on the paper count for nothing. Once accepted or rejected, no further vote changes that – not of
 * who is silent now either, for another asker may hear it. Throws `unknown-strategy` for a paper of a rule that is none of ours.
 */
export function standingOf(paper: BallotPaper, { votes, silent = new Set() }: Count): Standing {
  const { electorate, alternatives } = paper;
  const weightOf = (isIn: (voter: Voter) => boolean): number =>
    electorate.reduce((sum, voter) => (isIn(voter) ? sum + voter.weight : sum), 0);
  const total = weightOf(() => true);
  const unheard = weightOf(({ party }) => !votes.has(party));
  const pending = weightOf(({ party }) => !votes.has(party) && !silent.has(party));
  const support = alternatives.map((_, i) => weightOf(({ party }) => votes.get(party) === i));
  const needed = neededOf(paper, total);
  const isOut = (weight: number): boolean => !needed(weight);
  const isFinal = (i: number, own: number, others: number): boolean =>
    needed(own) &&
    support.every(
      (weight, j) => j === i || isOut(weight + others) || isAhead(own, weight + others, i < j, total),
    );
  const accepted = support.findIndex((weight, i) => isFinal(i, weight, unheard));
  if (accepted >= 0) return { kind: 'accepted', accepted };
  const noes = weightOf(({ party }) => votes.get(party) === null);
  if (isOut(total - noes)) return { kind: 'rejected' };
  const hasHope = support.some((weight, i) => isFinal(i, weight + pending, unheard - pending));
  return hasHope ? { kind: 'open' } : { kind: 'hopeless' };
}

/** Where the vote stands by the rule of its paper; undefined when the rule is none of ours and not among `rules`. */
export function standingBy(
  rules: readonly CountingRule[],
  paper: BallotPaper,
  count: Count,
): Standing | undefined {
  if (isOurs(paper.algorithm)) return standingOf(paper, count);
  return rules.find(({ name }) => name === paper.algorithm)?.standing(paper, count);
}

/** The name by which papers know a rule. Throws `invalid-proposal` for one of one's own that is called like one of ours. */
export function ruleName(algorithm: VoteAlgorithm | CountingRule): string {
  if (typeof algorithm === 'string') return algorithm;
  const name = parseToken('rule', algorithm.name);
  if (!isOurs(name)) return name;
  throw coordinationError('invalid-proposal', `a rule of your own cannot be called ${name}; rename it`, {
    details: { rule: name },
  });
}

function isOurs(name: string): name is VoteAlgorithm {
  return voteAlgorithms.some((algorithm) => algorithm === name);
}

/** Sums of fractions are off by less than this share; a tie must not become a majority by rounding. */
const rounding = 1e-9;

/** More than the threshold of all: ⌊N/2⌋+1 of N for a simple majority; everything, where all must agree. */
function neededOf(
  { algorithm, threshold = defaultThreshold }: BallotPaper,
  total: number,
): (weight: number) => boolean {
  if (algorithm === 'unanimous') return (weight) => weight >= total * (1 - rounding);
  if (algorithm !== 'simple-majority' && algorithm !== 'weighted-voting') {
    const message = `votes are counted by ${algorithm}, which is none of ours; hand the rule in`;
    throw coordinationError('unknown-strategy', message, { details: { algorithm } });
  }
  // Of a threshold so near to 1 that rounding would put it beyond, everything is more.
  return (weight) => weight > total * Math.min(threshold + rounding, 1 - rounding);
}

/** Of two that both have enough – below a threshold of a half there may be – the heavier is ahead, of a tie the earlier on the paper. */
function isAhead(own: number, other: number, isEarlier: boolean, total: number): boolean {
  return isEarlier ? own >= other - total * rounding : own > other + total * rounding;
}
