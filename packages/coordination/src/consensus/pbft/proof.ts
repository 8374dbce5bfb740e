/**
 * What members prove to each other and to third parties: that a choice was prepared, that a new view may propose it, that it was
 * decided; and, when more lied than the committee stands, who. Pure.
 *
 * Invariants
 *  P1  A proof names a quorum of different members, all about one session, view and choice.
 *  P2  Every view but the first is justified: by a quorum that left the views before it, and by the last choice that one of them
 *      was prepared for. So a certificate tells the whole way to its decision, and two that differ convict somebody.
 */
import * as z from 'zod';
import { quorumOf, type Committee } from './committee.ts';
import {
  signedSchemas,
  type Commit,
  type Prepare,
  type SignatureCheck,
  type Signed,
  type ViewChange,
} from './statement.ts';

/** Why a view may propose its choice. */
export interface Justification {
  readonly changes: readonly Signed<ViewChange>[];
  /** Of the last prepared choice among them; absent when nobody was prepared. */
  readonly proof?: PreparedProof | undefined;
}

/** A quorum prepared a choice in a view. */
export interface PreparedProof {
  readonly view: number;
  readonly choice: number;
  readonly prepares: readonly Signed<Prepare>[];
  readonly justification?: Justification | undefined;
}

/** A quorum committed to a choice in a view: it is decided. */
export interface PbftCertificate {
  readonly session: string;
  readonly view: number;
  readonly choice: number;
  readonly commits: readonly Signed<Commit>[];
  readonly justification?: Justification | undefined;
}

export const justificationSchema: z.ZodType<Justification> = z.lazy(() =>
  z.strictObject({ changes: z.array(signedSchemas.viewChange).max(1_000), proof: preparedSchema.optional() }),
);
export const preparedSchema: z.ZodType<PreparedProof> = z.lazy(() =>
  z.strictObject({
    view: z.int().min(0),
    choice: z.int().min(0),
    prepares: z.array(signedSchemas.prepare).max(1_000),
    justification: justificationSchema.optional(),
  }),
);
export const pbftCertificateSchema: z.ZodType<PbftCertificate> = z.strictObject({
  session: z.string(),
  view: z.int().min(0),
  choice: z.int().min(0),
  commits: z.array(signedSchemas.commit).max(1_000),
  justification: justificationSchema.optional(),
});

/** Does the certificate show that the committee decided so? */
export function isDecisionProof(
  committee: Committee,
  certificate: PbftCertificate,
  check: SignatureCheck,
): boolean {
  const { session, view, choice, commits, justification } = certificate;
  const isAbout = ({ statement }: Signed<Commit>): boolean =>
    statement.view === view && statement.choice === choice;
  return (
    session === committee.session &&
    choice < committee.alternatives &&
    isQuorum(committee, commits, check) &&
    commits.every(isAbout) &&
    isJustified(committee, { view, choice, justification }, check)
  );
}

/** Was the choice prepared? */
export function isPreparedProof(committee: Committee, proof: PreparedProof, check: SignatureCheck): boolean {
  const { view, choice, prepares } = proof;
  return (
    choice < committee.alternatives &&
    isQuorum(committee, prepares, check) &&
    prepares.every(({ statement }) => statement.view === view && statement.choice === choice) &&
    isJustified(committee, proof, check)
  );
}

/** May this choice be proposed in this view? In the first, any. */
export function isJustified(
  committee: Committee,
  { view, choice, justification }: Pick<PreparedProof, 'view' | 'choice' | 'justification'>,
  check: SignatureCheck,
): boolean {
  if (view === 0) return justification === undefined;
  if (justification === undefined) return false;
  const { changes, proof } = justification;
  if (!isQuorum(committee, changes, check) || !changes.every(({ statement }) => statement.view === view))
    return false;
  if (changes.some(({ statement }) => (statement.prepared?.view ?? -1) >= view)) return false;
  const last = lastPrepared(changes);
  if (last < 0) return proof === undefined;
  return (
    proof?.view === last &&
    proof.choice === choice &&
    changes.some(
      ({ statement }) => statement.prepared?.view === last && statement.prepared.choice === choice,
    ) &&
    isPreparedProof(committee, proof, check)
  );
}

/** The last view in which one of them was prepared; -1 when none was. */
export function lastPrepared(changes: readonly Signed<ViewChange>[]): number {
  return Math.max(-1, ...changes.map(({ statement }) => statement.prepared?.view ?? -1));
}

/**
 * Who is convicted by two certificates of one session that decide differently: at least f+1 members, each by its own signatures,
 * none of them honest. Empty when the two do not contradict each other. Both must have been verified (`isDecisionProof`).
 *
 * The earlier decision is of view v. Walk the justifications of the later one down to the last one at or after v: there a quorum
 * either took another choice in v itself, or left v saying that it had not been prepared there. Whoever is in that quorum and
 * committed in v lied, and two quorums share f+1.
 */
export function culpritsOf(one: PbftCertificate, other: PbftCertificate): readonly string[] {
  if (one.session !== other.session || one.choice === other.choice) return [];
  const [early, late] = one.view <= other.view ? [one, other] : [other, one];
  const contrary = contraryTo(early.view, late.view, late.commits, late.justification);
  const committed = new Set(early.commits.map(({ by }) => by));
  return [...new Set(contrary.filter((by) => committed.has(by)))].toSorted();
}

function contraryTo(
  earlyView: number,
  view: number,
  voices: readonly Signed[],
  justification: Justification | undefined,
): readonly string[] {
  if (view === earlyView || justification === undefined) return voices.map(({ by }) => by);
  const { changes, proof } = justification;
  if (proof === undefined || proof.view < earlyView) return changes.map(({ by }) => by);
  return contraryTo(earlyView, proof.view, proof.prepares, proof.justification);
}

function isQuorum(committee: Committee, voices: readonly Signed[], check: SignatureCheck): boolean {
  const authors = new Set(voices.map(({ by }) => by));
  return (
    authors.size === voices.length &&
    voices.length >= quorumOf(committee) &&
    voices.every((voice) => isOfMember(committee, voice) && check(voice))
  );
}

/** Is it about this session and by one of its members? */
export function isOfMember({ session, members }: Committee, { statement, by }: Signed): boolean {
  return statement.session === session && members.includes(by);
}
