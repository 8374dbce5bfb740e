/**
 * Voting rules: ballots in, scores out. Pure.
 *
 *   plurality   the weight of the ballots that put it first
 *   borda       for each ballot, its weight times one more than the number of candidates ranked below it
 *   copeland    duels won, half a point for a draw (Copeland 1951)
 *
 * Promise: a voter's later ballot replaces its earlier one, so nobody gains by voting twice; the order of ballots and the names
 * of candidates change no score. Candidates that a ballot leaves out share its last place.
 */

/** The rules there are. */
export const votingRules = ['plurality', 'borda', 'copeland'] as const;

/** A rule's name. */
export type VotingRule = (typeof votingRules)[number];

/** One voter's opinion: candidates, the best first. */
export interface Ballot {
  readonly voter: string;
  readonly ranking: readonly string[];
  /** Above 0. Default 1. */
  readonly weight?: number;
}

/** The score of each candidate; ballots may name candidates that do not stand, which are passed over. */
export function countVotes(
  candidates: readonly string[],
  ballots: readonly Ballot[],
  rule: VotingRule,
): ReadonlyMap<string, number> {
  const counted = [...new Map(ballots.map((ballot) => [ballot.voter, ballot])).values()];
  const read = counted.map((ballot) => readBallot(ballot, candidates));
  const score = { plurality, borda, copeland }[rule];
  return new Map(candidates.map((candidate) => [candidate, score(candidate, candidates, read)]));
}

interface ReadBallot {
  readonly weight: number;
  /** Place by candidate, from 0; those left out share the last. */
  readonly places: ReadonlyMap<string, number>;
}

function readBallot({ ranking, weight = 1 }: Ballot, candidates: readonly string[]): ReadBallot {
  const standing = [...new Set(ranking)].filter((name) => candidates.includes(name));
  const places = new Map(candidates.map((name) => [name, standing.length]));
  for (const [place, name] of standing.entries()) places.set(name, place);
  return { weight, places };
}

function plurality(
  candidate: string,
  _candidates: readonly string[],
  ballots: readonly ReadBallot[],
): number {
  return ballots.reduce((sum, { places, weight }) => {
    const isFirst = places.get(candidate) === 0 && [...places.values()].filter((at) => at === 0).length === 1;
    return isFirst ? sum + weight : sum;
  }, 0);
}

/** Those who share a place share the points of the places they take: the mean. */
function borda(candidate: string, candidates: readonly string[], ballots: readonly ReadBallot[]): number {
  return ballots.reduce((sum, ballot) => {
    const below = candidates.filter((other) => isBefore(ballot, candidate, other)).length;
    const beside =
      candidates.filter((other) => placeOf(ballot, other) === placeOf(ballot, candidate)).length - 1;
    return sum + ballot.weight * (1 + below + beside / 2);
  }, 0);
}

function copeland(candidate: string, candidates: readonly string[], ballots: readonly ReadBallot[]): number {
  return candidates.reduce((sum, other) => {
    if (other === candidate) return sum;
    const lead = ballots.reduce((margin, ballot) => {
      if (isBefore(ballot, candidate, other)) return margin + ballot.weight;
      return isBefore(ballot, other, candidate) ? margin - ballot.weight : margin;
    }, 0);
    return sum + (Math.sign(lead) + 1) / 2;
  }, 0);
}

function isBefore(ballot: ReadBallot, one: string, other: string): boolean {
  return placeOf(ballot, one) < placeOf(ballot, other);
}

function placeOf({ places }: ReadBallot, candidate: string): number {
  return places.get(candidate) ?? places.size;
}
