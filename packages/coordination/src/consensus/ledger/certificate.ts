/**
 * The certificate of a block: its electorate has signed it, and two thirds of it have read it in its place in the log. Pure.
 *
 * The block alone shows that it was agreed on; the receipts show that it is what the log has there, so of two blocks that were signed
 * for one height no more than one has a certificate, as long as less than a third of the electorate lies.
 */
import {
  certifyEntry,
  verifyLogCertificate,
  type LogCertificate,
  type Receipt,
  type ReceiptSubject,
} from '../log/receipt.ts';
import type { LogEntry } from '../log/entry.ts';
import { blockSchema, hashOfBlock, rootOfChanges, type Block, type LedgerMember } from './block.ts';
import type { LedgerTrust } from './chain.ts';
import { signersProblem } from './inclusion.ts';

/** A block in its place in the log of its ledger, with the receipts of its electorate. */
export type LedgerCertificate = LogCertificate;

/** The log in which a ledger is kept. */
export function ledgerLog(ledger: string): string {
  return `ledger-${ledger}`;
}

/** A block, and where it is kept. */
export interface PlacedBlock {
  readonly block: Block;
  readonly hash: string;
  readonly place: Pick<LogEntry, 'index' | 'before' | 'digest'>;
  /** Who had to sign it. */
  readonly signers: readonly LedgerMember[];
}

/** Of what the members of a ledger give receipts. */
export function receiptSubject({ block, place, signers }: PlacedBlock): ReceiptSubject {
  const { space, ledger } = block;
  return { space, log: ledgerLog(ledger), entry: place, electorate: [...signers], share: 'two-thirds' };
}

/** Writes the certificate of a block that was read in its place. The receipts have been checked one by one. */
export function certifyBlock(placed: PlacedBlock, receipts: readonly Receipt[]): LedgerCertificate {
  const { index, before } = placed.place;
  return certifyEntry({ ...receiptSubject(placed), entry: { index, before, body: placed.block } }, receipts);
}

/** Whether a certificate holds. */
export type LedgerCertificateVerification =
  | {
      readonly kind: 'valid';
      readonly block: Block;
      readonly hash: string;
      readonly certificate: LedgerCertificate;
    }
  | { readonly kind: 'invalid'; readonly problem: string };

/**
 * Verifies the certificate of a block, offline, as a value or as its canonical text (or bytes). `keys` are the public keys of parties
 * as the verifier knows them. Nothing is thrown.
 */
export function verifyLedgerCertificate(
  certificate: unknown,
  { keys = {} }: Pick<LedgerTrust, 'keys'> = {},
): LedgerCertificateVerification {
  const verified = verifyLogCertificate(certificate, { keys });
  if (verified.kind === 'invalid') return verified;
  const { electorate, entry, log, share, space } = verified.certificate;
  const block = blockSchema.safeParse(entry).data;
  if (block === undefined || block.space !== space || ledgerLog(block.ledger) !== log)
    return { kind: 'invalid', problem: 'it is of no block of this log' };
  if (share !== 'two-thirds') return { kind: 'invalid', problem: 'its receipts are of less than two thirds' };
  const problem =
    signersProblem(block, electorate, keys) ??
    (block.root === rootOfChanges(block.changes) && block.size === block.changes.length
      ? undefined
      : 'its changes do not fit its root');
  if (problem !== undefined) return { kind: 'invalid', problem };
  return { kind: 'valid', block, hash: hashOfBlock(block), certificate: verified.certificate };
}
