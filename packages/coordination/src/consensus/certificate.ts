/**
 * A certificate: a decision with the signed votes it rests on, which anybody verifies without asking anybody.
 *
 * Promise: a certificate that verifies was voted for, by the keys it names, on exactly its paper, as its rule demands. Whose the
 * keys are is not for the certificate to say: the electorate names them, or the verifier does.
 */
import { digestOf } from '@mabeam/bus';
import * as z from 'zod';
import { exactValue } from './exact-text.ts';
import { paperDigest, paperSchema, standingBy, type BallotPaper, type CountingRule } from './paper.ts';
import { voteProblem, voteSchema, type SignedVote } from './vote.ts';

const decisionSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('accepted'), accepted: z.int().min(0) }),
  z.strictObject({ kind: z.literal('rejected') }),
]);

const certificateSchema = z.strictObject({
  v: z.literal(1),
  paper: paperSchema,
  decision: decisionSchema,
  votes: z.array(voteSchema),
  /** From the first question to the decision. */
  durationMs: z.int().min(0),
  /** SHA-256 of the canonical text of everything else. */
  hash: z.string(),
});

/** A certificate. */
export type Certificate = z.infer<typeof certificateSchema>;

/** Writes the certificate of a decision. */
export function certify(
  paper: BallotPaper,
  decision: Certificate['decision'],
  { votes, durationMs }: { readonly votes: readonly SignedVote[]; readonly durationMs: number },
): Certificate {
  const sorted = votes.toSorted((a, b) => (a.party < b.party ? -1 : 1));
  const body = { v: 1 as const, paper, decision, votes: sorted, durationMs: Math.round(durationMs) };
  return { ...body, hash: digestOf(body) };
}

/** What the verifier knows. */
export interface VerifyOptions {
  readonly keys?: Readonly<Record<string, string>> | undefined;
  readonly rules?: readonly CountingRule[] | undefined;
}

/** Whether a certificate holds; `problem` is for people. */
export type Verification =
  | { readonly kind: 'valid'; readonly certificate: Certificate }
  | { readonly kind: 'invalid'; readonly problem: string };

/**
 * Verifies a certificate, offline, as a value or as its canonical text (or bytes). `keys` are the public keys of parties as the
 * verifier knows them: a vote of a party that is named there must be by that key. `rules` are those that are none of ours; a
 * certificate by a rule that is not known cannot be verified. Nothing is thrown, whatever is handed in, unless a rule of one's own throws.
 */
export function verifyCertificate(
  certificate: unknown,
  { keys = {}, rules = [] }: VerifyOptions = {},
): Verification {
  const read = certificateSchema.safeParse(exactValue(certificate)).data;
  if (read === undefined) return invalid('it does not have the form of a certificate');
  const { hash, ...body } = read;
  const { paper, votes, decision } = read;
  if (digestOf(body) !== hash) return invalid('its hash does not fit');
  if (!isOrdered(paper.electorate) || !isOrdered(votes))
    return invalid('a party is named twice or out of order');
  const signers = new Set(votes.map(({ key }) => key));
  if (signers.size !== votes.length) return invalid('one key votes for two parties');
  const digest = paperDigest(paper);
  for (const vote of votes) {
    const known = Object.hasOwn(keys, vote.party) ? keys[vote.party] : undefined;
    const isOther = known !== undefined && known !== vote.key;
    const problem = isOther ? `${vote.party} signed with another key` : voteProblem(paper, digest, vote);
    if (problem !== undefined) return invalid(problem);
  }
  const count = { votes: new Map(votes.map(({ party, accepts }) => [party, accepts])) };
  const standing = standingBy(rules, paper, count);
  if (standing === undefined)
    return invalid(`votes are counted by ${paper.algorithm}, a rule not known here`);
  const isSame =
    standing.kind === decision.kind &&
    (standing.kind !== 'accepted' || decision.kind !== 'accepted' || standing.accepted === decision.accepted);
  return isSame ? { kind: 'valid', certificate: read } : invalid('its votes do not carry its decision');
}

function invalid(problem: string): Verification {
  return { kind: 'invalid', problem };
}

function isOrdered(named: readonly { readonly party: string }[]): boolean {
  return named.every(({ party }, i) => i === 0 || (named[i - 1]?.party ?? '') < party);
}
