/** A signed vote: what passes between who puts a question to the vote and a voter, as docs/protocol.md, "Votes", has it. */
import { isSignedBy, type Identity } from '@mabeam/bus';
import * as z from 'zod';
import type { ReadAnswer } from '../session/session.ts';
import { paperSchema, type BallotPaper, type Choice } from './paper.ts';

/** The name of the protocol in subjects and events. */
export const consensusProtocol = 'consensus';

/** What a vote is signed as. */
const purpose = 'mabeam.vote.1';

export const choiceSchema = z.union([z.null(), z.int().min(0)]);
export const voteSchema = z.strictObject({
  party: z.string(),
  accepts: choiceSchema,
  key: z.string(),
  signature: z.string(),
});

/** A vote that proves itself. */
export type SignedVote = z.infer<typeof voteSchema>;

const questionSchema = z.object({
  round: z.string(),
  withinMs: z.number().min(0).max(86_400_000),
  paper: paperSchema,
});

const answerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('abstain'), reason: z.string().max(1_000).optional() }),
  z.object({
    kind: z.literal('vote'),
    accepts: choiceSchema,
    key: z.string(),
    signature: z.string(),
    reason: z.string().max(1_000).optional(),
  }),
]);

/** A question as a voter reads it. */
export interface PaperQuestion {
  readonly paper: BallotPaper;
  readonly withinMs: number;
}

/** The question at the voter's end; undefined when it is none, or its paper is not for this round. */
export function readPaper(body: unknown): PaperQuestion | undefined {
  const question = questionSchema.safeParse(body).data;
  return question !== undefined && question.paper.round === question.round ? question : undefined;
}

/** Signs a choice on the paper with this digest. */
export function signVote(identity: Identity, digest: string, party: string, accepts: Choice): SignedVote {
  const signature = identity.sign(purpose, statementOf(digest, party, accepts));
  return { party, accepts, key: identity.publicKey, signature };
}

/** What is wrong with a vote on a paper: undefined when nothing is. `digest` is the paper's. */
export function voteProblem(paper: BallotPaper, digest: string, vote: SignedVote): string | undefined {
  const { party, accepts, key, signature } = vote;
  const voter = paper.electorate.find((member) => member.party === party);
  if (voter === undefined) return `${party} is not in the electorate`;
  if (voter.key !== undefined && voter.key !== key) return `${party} signed with another key than its own`;
  if (accepts !== null && accepts >= paper.alternatives.length)
    return `${party} accepts what is not on the paper`;
  if (isSignedBy(key, purpose, statementOf(digest, party, accepts), signature)) return undefined;
  return `the signature of ${party} is not valid`;
}

/** Reads the answer of a voter. */
export function readVote(
  paper: BallotPaper,
  digest: string,
  { party, body }: { readonly party: string; readonly body: unknown },
): ReadAnswer<SignedVote> {
  const answer = answerSchema.safeParse(body).data;
  if (answer === undefined) return { kind: 'invalid' };
  if (answer.kind === 'abstain') return { kind: 'abstained' };
  const { accepts, key, signature } = answer;
  const vote = { party, accepts, key, signature };
  return voteProblem(paper, digest, vote) === undefined
    ? { kind: 'value', value: vote }
    : { kind: 'invalid' };
}

function statementOf(paper: string, party: string, accepts: Choice): Readonly<Record<string, unknown>> {
  return { paper, party, accepts };
}
