/** How a vote ended, with what is worth knowing of the way there: plain data, as it is kept. */
import type { MabeamError } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import * as z from 'zod';
import { coordinationError, type CoordinationErrorCode } from '../errors.ts';
import { participantSchema, type Participant } from '../session/session.ts';
import { verifyCertificate, type Certificate } from './certificate.ts';
import { paperDigest, type BallotPaper, type Choice, type CountingRule, type Standing } from './paper.ts';
import { choiceSchema, type SignedVote } from './vote.ts';

/** The ending of a vote. */
export type ConsensusEnding =
  /** Enough accept this. */
  | {
      readonly kind: 'agreed';
      readonly value: Json;
      readonly accepted: number;
      readonly certificate: Certificate;
    }
  /** The noes alone rule it out. */
  | { readonly kind: 'rejected'; readonly by: readonly string[]; readonly certificate: Certificate }
  /** Nothing has enough, and nobody is left to ask; for each algorithm its own name. */
  | { readonly kind: 'no-majority' | 'no-weighted-majority' | 'no-unanimity' }
  /** The deadline of the session came while votes were still awaited. */
  | { readonly kind: 'timeout' };

/** What is known of a vote beside its ending. */
export interface ConsensusRecord {
  readonly round: string;
  readonly algorithm: BallotPaper['algorithm'];
  /** What each party voted. Who is not named did not. */
  readonly votes: Readonly<Record<string, Choice>>;
  /** The weight behind each alternative, of `total`. */
  readonly support: readonly number[];
  readonly total: number;
  readonly participants: readonly Participant[];
  readonly durationMs: number;
}

/** How a vote ended. */
export type Consensus = ConsensusEnding & ConsensusRecord;

/** Puts the record of a vote together. */
export function consensusOf(
  paper: BallotPaper,
  poll: {
    readonly standing: Standing;
    readonly votes: ReadonlyMap<string, SignedVote>;
    readonly participants: readonly Participant[];
    readonly certificate: Certificate | undefined;
    readonly isOutOfTime: boolean;
    readonly durationMs: number;
  },
): Consensus {
  const { votes, participants, durationMs } = poll;
  const weightOf = (isIn: (choice: Choice | undefined) => boolean): number =>
    paper.electorate.reduce(
      (sum, { party, weight }) => (isIn(votes.get(party)?.accepts) ? sum + weight : sum),
      0,
    );
  const record: ConsensusRecord = {
    round: paper.round,
    algorithm: paper.algorithm,
    votes: Object.fromEntries([...votes.values()].map(({ party, accepts }) => [party, accepts])),
    support: paper.alternatives.map((_, i) => weightOf((choice) => choice === i)),
    total: weightOf(() => true),
    participants,
    durationMs,
  };
  return { ...record, ...endingOf(paper, poll) };
}

/** What it is called when nothing has enough; of a rule of one's own, as of a majority. */
function undecidedBy(algorithm: string): 'no-majority' | 'no-weighted-majority' | 'no-unanimity' {
  if (algorithm === 'weighted-voting') return 'no-weighted-majority';
  return algorithm === 'unanimous' ? 'no-unanimity' : 'no-majority';
}

function endingOf(
  paper: BallotPaper,
  {
    standing,
    votes,
    certificate,
    isOutOfTime,
  }: {
    readonly standing: Standing;
    readonly votes: ReadonlyMap<string, SignedVote>;
    readonly certificate: Certificate | undefined;
    readonly isOutOfTime: boolean;
  },
): ConsensusEnding {
  const value = standing.kind === 'accepted' ? paper.alternatives[standing.accepted] : undefined;
  if (standing.kind === 'accepted' && value !== undefined && certificate !== undefined) {
    return { kind: 'agreed', value, accepted: standing.accepted, certificate };
  }
  if (standing.kind === 'rejected' && certificate !== undefined) {
    const noes = [...votes.values()].filter(({ accepts }) => accepts === null);
    return { kind: 'rejected', by: noes.map(({ party }) => party).toSorted(), certificate };
  }
  if (standing.kind === 'open' && isOutOfTime) return { kind: 'timeout' };
  return { kind: undecidedBy(paper.algorithm) };
}

const recordShape = {
  round: z.string(),
  algorithm: z.string(),
  votes: z.record(z.string(), choiceSchema),
  support: z.array(z.number()),
  total: z.number(),
  participants: z.array(participantSchema),
  durationMs: z.number(),
};
const consensusSchema = z.discriminatedUnion('kind', [
  z.object({ ...recordShape, kind: z.literal('agreed'), certificate: z.unknown() }),
  z.object({
    ...recordShape,
    kind: z.literal('rejected'),
    by: z.array(z.string()),
    certificate: z.unknown(),
  }),
  z.object({
    ...recordShape,
    kind: z.enum(['no-majority', 'no-weighted-majority', 'no-unanimity', 'timeout']),
  }),
]);

/**
 * Reads how a vote on this paper ended, as somebody else has kept it: undefined when it is none, and when it is a decision without
 * its proof. That nothing was decided needs no proof, and has none.
 */
export function readConsensus(
  paper: BallotPaper,
  outcome: unknown,
  rules: readonly CountingRule[],
): Consensus | undefined {
  const read = consensusSchema.safeParse(outcome).data;
  if (read === undefined || read.round !== paper.round) return undefined;
  if (read.kind !== 'agreed' && read.kind !== 'rejected') return read;
  const verified = verifyCertificate(read.certificate, { rules });
  if (verified.kind === 'invalid') return undefined;
  const { certificate } = verified;
  const { decision } = certificate;
  if (paperDigest(certificate.paper) !== paperDigest(paper)) return undefined;
  if (read.kind === 'rejected') return decision.kind === 'rejected' ? { ...read, certificate } : undefined;
  const accepted = decision.kind === 'accepted' ? decision.accepted : undefined;
  const value = accepted === undefined ? undefined : paper.alternatives[accepted];
  if (accepted === undefined || value === undefined) return undefined;
  return { ...read, value, accepted, certificate };
}

/** The value that was agreed on; throws the code of the ending when there is none, with the votes that came. */
export function decidedValue(consensus: Consensus): Json {
  if (consensus.kind === 'agreed') return consensus.value;
  throw endingError(consensus);
}

function endingError(consensus: Exclude<Consensus, { kind: 'agreed' }>): MabeamError {
  const { round, votes, support, total, participants, kind } = consensus;
  const code: CoordinationErrorCode = kind;
  const message = `${reasonOf(consensus)} (round ${round})`;
  return coordinationError(code, message, { details: { round, votes, support, total, participants } });
}

function reasonOf(consensus: Exclude<Consensus, { kind: 'agreed' }>): string {
  const { support, total } = consensus;
  if (consensus.kind === 'rejected') return `${consensus.by.join(', ')} voted no`;
  const best = Math.max(0, ...support);
  if (consensus.kind === 'timeout')
    return `the time is up with ${best} of ${total} in favour; see who is missing`;
  return `${best} of ${total} in favour are not enough; see who is missing, or ask again`;
}
