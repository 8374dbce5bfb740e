/**
 * What is fixed before a committee begins: who decides with which keys, on what, and how many may lie. Its digest is the name of
 * the session that every signature is about. And the certificate that goes out into the world: paper and proof. Pure.
 */
import { digestOf, isId, isPublicKey, isSignedBy, parseId, parseToken } from '@mabeam/bus';
import { isJson, type Json } from '@mabeam/variables';
import * as z from 'zod';
import { coordinationError } from '../../errors.ts';
import { exactValue } from '../exact-text.ts';
import { committeeOf, type Committee } from './committee.ts';
import { isDecisionProof, pbftCertificateSchema } from './proof.ts';
import type { SignatureCheck } from './statement.ts';

/** What a statement is signed as. */
export const pbftPurpose = 'mabeam.pbft.1';

const jsonSchema = z.custom<Json>((value) => isJson(value), 'not JSON');

export const pbftPaperSchema = z.strictObject({
  v: z.literal(1),
  space: z.string(),
  round: z.string(),
  faults: z.int().min(0),
  /** How long the first view may take. */
  viewMs: z.int().min(1),
  electorate: z.array(z.strictObject({ party: z.string().refine(isId), key: z.string() })).max(1_000),
  alternatives: z.array(jsonSchema).min(1).max(256),
});

/** A paper. The electorate is in the order of its names. */
export type PbftPaper = z.infer<typeof pbftPaperSchema>;

/** A decision for everybody to verify. */
export interface PbftDecision {
  readonly paper: PbftPaper;
  readonly proof: z.infer<typeof pbftCertificateSchema>;
}

const decisionSchema = z.strictObject({ paper: pbftPaperSchema, proof: pbftCertificateSchema });

/**
 * Writes a paper. Throws `insufficient-agents`, `duplicate-participants`, `invalid-id` and `invalid-proposal` (no JSON, or a key
 * that is none).
 */
export function writePbftPaper(parts: Omit<PbftPaper, 'v'>): PbftPaper {
  const { electorate, alternatives, round } = parts;
  parseToken('round', round);
  for (const { party, key } of electorate) {
    parseId('party', party);
    if (isPublicKey(key)) continue;
    throw coordinationError('invalid-proposal', `the key of ${party} is no public key`, {
      details: { party },
    });
  }
  const paper = {
    v: 1 as const,
    ...parts,
    electorate: electorate.toSorted((a, b) => (a.party < b.party ? -1 : 1)),
  };
  if (!pbftPaperSchema.safeParse(paper).success) {
    const message = `what is proposed must be JSON, in 1 to 256 alternatives (${alternatives.length} here), times whole ms`;
    throw coordinationError('invalid-proposal', message);
  }
  committeeOfPaper(paper);
  return paper;
}

/** The committee of a paper. Throws `insufficient-agents` and `duplicate-participants` (a name or a key). */
export function committeeOfPaper(paper: PbftPaper): Committee {
  const { electorate, faults, alternatives } = paper;
  const keys = electorate.map(({ key }) => key);
  if (new Set(keys).size < keys.length) {
    throw coordinationError(
      'duplicate-participants',
      'two members of the committee have one key; nobody has two voices',
    );
  }
  const members = electorate.map(({ party }) => party);
  return committeeOf(digestOf(paper), members, { faults, alternatives: alternatives.length });
}

/** Tells by the keys of a paper who signed. */
export function signatureCheckOf({ electorate }: PbftPaper): SignatureCheck {
  const keys = new Map(electorate.map(({ party, key }) => [party, key]));
  return ({ statement, by, signature }) => {
    const key = keys.get(by);
    return key !== undefined && isSignedBy(key, pbftPurpose, statement, signature);
  };
}

/** Whether a decision holds. */
export type PbftVerification =
  | { readonly kind: 'valid'; readonly decision: PbftDecision; readonly value: Json }
  | { readonly kind: 'invalid'; readonly problem: string };

/**
 * Verifies a decision, offline, as a value or as its canonical text (or bytes): a quorum of the paper's keys committed to it, and
 * every view before it is accounted for. `keys` are those that the verifier knows; a paper that names others for them is not valid.
 * Nothing is thrown.
 */
export function verifyPbftDecision(
  decision: unknown,
  { keys = {} }: { readonly keys?: Readonly<Record<string, string>> } = {},
): PbftVerification {
  const read = decisionSchema.safeParse(exactValue(decision)).data;
  if (read === undefined) return { kind: 'invalid', problem: 'it does not have the form of a decision' };
  const { paper, proof } = read;
  const other = paper.electorate.find(({ party, key }) => Object.hasOwn(keys, party) && keys[party] !== key);
  if (other !== undefined)
    return { kind: 'invalid', problem: `the paper names another key for ${other.party}` };
  const value = paper.alternatives[proof.choice];
  if (value === undefined || !isProven(paper, proof)) {
    return { kind: 'invalid', problem: 'its proof does not carry it' };
  }
  return { kind: 'valid', decision: read, value };
}

function isProven(paper: PbftPaper, proof: PbftDecision['proof']): boolean {
  try {
    return isDecisionProof(committeeOfPaper(paper), proof, signatureCheckOf(paper));
  } catch {
    // A paper that makes no committee proves nothing.
    return false;
  }
}
