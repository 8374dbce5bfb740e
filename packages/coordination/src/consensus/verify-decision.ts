/**
 * What a certificate says, whatever the algorithm: verified offline, and told in one form. Each kind of certificate is known by its form.
 */
import type { CountingRule } from './paper.ts';
import { verifyCertificate } from './certificate.ts';
import { verifyGossipCertificate } from './gossip/paper.ts';
import { verifyLedgerCertificate } from './ledger/certificate.ts';
import { verifyPbftDecision } from './pbft/paper.ts';
import { verifyRaftDecision } from './raft/decision.ts';

/** What a verified certificate says, whatever the algorithm. */
export interface CertifiedDecision {
  readonly algorithm: string;
  readonly space: string;
  readonly round: string;
  readonly kind: 'agreed' | 'rejected';
  /** What was agreed on. */
  readonly value?: unknown;
  /** Who was asked. */
  readonly electorate: readonly string[];
  /** Who signed for it, and with which key. */
  readonly signers: Readonly<Record<string, string>>;
}

/** Whether a certificate holds; `problem` is for people. */
export type DecisionVerification =
  | { readonly kind: 'valid'; readonly decision: CertifiedDecision }
  | { readonly kind: 'invalid'; readonly problem: string };

/** What the verifier knows. */
export interface DecisionTrust {
  /** Public keys of parties: a certificate with others for them is not valid. */
  readonly keys?: Readonly<Record<string, string>> | undefined;
  /** Counting rules of one's own. */
  readonly rules?: readonly CountingRule[] | undefined;
}

/** How a certificate of a kind is known, and verified. */
interface Verifier {
  readonly hasForm: (certificate: Readonly<Record<string, unknown>>) => boolean;
  readonly verify: (certificate: unknown, trust: DecisionTrust) => DecisionVerification;
}

const verifiers: readonly Verifier[] = [
  {
    hasForm: ({ votes, decision }) => votes !== undefined && decision !== undefined,
    verify: (given, trust) => {
      const verified = verifyCertificate(given, trust);
      if (verified.kind === 'invalid') return verified;
      const { paper, decision, votes } = verified.certificate;
      const isAccepted = decision.kind === 'accepted';
      const side = votes.filter(({ accepts }) => accepts === (isAccepted ? decision.accepted : null));
      const value = isAccepted ? paper.alternatives[decision.accepted] : undefined;
      return valid(paper, paper.algorithm, {
        kind: isAccepted ? 'agreed' : 'rejected',
        ...(value === undefined ? {} : { value }),
        signers: Object.fromEntries(side.map(({ party, key }) => [party, key])),
      });
    },
  },
  {
    hasForm: ({ proof }) => proof !== undefined,
    verify: (given, { keys = {} }) => {
      const verified = verifyPbftDecision(given, { keys });
      if (verified.kind === 'invalid') return verified;
      const { paper, proof } = verified.decision;
      const by = proof.commits.map((commit) => commit.by);
      return valid(paper, 'pbft', { kind: 'agreed', value: verified.value, signers: keysIn(paper, by) });
    },
  },
  {
    hasForm: ({ seals }) => seals !== undefined,
    verify: (given, { keys = {} }) => {
      const verified = verifyGossipCertificate(given, { keys });
      if (verified.kind === 'invalid') return verified;
      const { paper, seals } = verified.certificate;
      const signers = keysIn(
        paper,
        seals.map(({ party }) => party),
      );
      return valid(paper, 'gossip', { kind: 'agreed', value: verified.value, signers });
    },
  },
  {
    hasForm: ({ receipts, share }) => receipts !== undefined && share === 'two-thirds',
    verify: (given, { keys = {} }) => {
      const verified = verifyLedgerCertificate(given, { keys });
      if (verified.kind === 'invalid') return verified;
      const { block, certificate } = verified;
      const signers = keysIn(
        certificate,
        certificate.receipts.map(({ party }) => party),
      );
      const paper = { ...certificate, round: block.operation };
      return valid(paper, 'blockchain', { kind: 'agreed', value: block.changes, signers });
    },
  },
  {
    hasForm: ({ receipts, share }) => receipts !== undefined && share === 'majority',
    verify: (given, { keys = {} }) => {
      const verified = verifyRaftDecision(given, { keys });
      if (verified.kind === 'invalid') return verified;
      const { certificate, id, value } = verified;
      const signers = keysIn(
        certificate,
        certificate.receipts.map(({ party }) => party),
      );
      return valid({ ...certificate, round: id }, 'raft', { kind: 'agreed', value, signers });
    },
  },
];

/**
 * Verifies a certificate of whichever algorithm, offline, as a value, or as its canonical text or bytes, of which no byte may be
 * another. Nothing is thrown, unless a rule of one's own throws.
 */
export function verifyDecision(certificate: unknown, trust: DecisionTrust = {}): DecisionVerification {
  const read = parsed(certificate);
  const verifier = read === undefined ? undefined : verifiers.find(({ hasForm }) => hasForm(read));
  return (
    verifier?.verify(certificate, trust) ?? {
      kind: 'invalid',
      problem: 'it does not have the form of any certificate',
    }
  );
}

function valid(
  paper: {
    readonly space: string;
    readonly round: string;
    readonly electorate: readonly { readonly party: string }[];
  },
  algorithm: string,
  rest: Pick<CertifiedDecision, 'kind' | 'value' | 'signers'>,
): DecisionVerification {
  const { space, round } = paper;
  const electorate = paper.electorate.map(({ party }) => party);
  return { kind: 'valid', decision: { algorithm, space, round, electorate, ...rest } };
}

/** The keys that these parties have on a paper. */
function keysIn(
  { electorate }: { readonly electorate: readonly { readonly party: string; readonly key: string }[] },
  parties: readonly string[],
): Readonly<Record<string, string>> {
  const named = electorate.filter(({ party }) => parties.includes(party));
  return Object.fromEntries(named.map(({ party, key }) => [party, key]));
}

/** The fields of a certificate, also of one that comes as text or bytes; what is no object of JSON has none. */
function parsed(certificate: unknown): Readonly<Record<string, unknown>> | undefined {
  try {
    const isBytes = certificate instanceof Uint8Array;
    const text = isBytes ? new TextDecoder().decode(certificate) : certificate;
    const value: unknown = typeof text === 'string' ? JSON.parse(text) : text;
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
