/** What a group has decided, for everybody to verify: an operation in its place, with the receipts of a majority. Pure. */
import type { Json } from '@mabeam/variables';
import { verifyLogCertificate, type LogCertificate } from '../log/receipt.ts';
import { readRaftEntry, sealOf } from './entry.ts';
import { groupDigest, raftLog, writeRaftPaper, type RaftPaper } from './paper.ts';

/** Whether a decision holds; `problem` is for people. */
export type RaftVerification =
  | {
      readonly kind: 'valid';
      readonly certificate: LogCertificate;
      readonly group: string;
      /** The operation. */
      readonly value: Json;
      readonly id: string;
      readonly index: number;
      readonly term: number;
      readonly leader: string;
    }
  | { readonly kind: 'invalid'; readonly problem: string };

/**
 * Verifies a decision of a group, offline: a majority of its electorate has read and applied the operation in this place of this log, and
 * the leader it names signed it. Text or bytes must be the canonical text. `keys` are those that the verifier knows. Nothing is thrown.
 */
export function verifyRaftDecision(
  decision: unknown,
  options: { readonly keys?: Readonly<Record<string, string>> } = {},
): RaftVerification {
  const verified = verifyLogCertificate(decision, options);
  if (verified.kind === 'invalid') return verified;
  const { certificate } = verified;
  const paper = paperOf(certificate);
  const entry = readRaftEntry(certificate.entry);
  if (paper === undefined || certificate.share !== 'majority' || entry?.kind !== 'operation')
    return invalid('it is not about an operation of a group');
  if (entry.group !== groupDigest(paper)) return invalid('its operation is of another group');
  if (!sealOf(paper).isOperation(entry)) return invalid('its leader did not sign the operation');
  const { body: value, id, leader, term } = entry;
  return {
    kind: 'valid',
    certificate,
    group: paper.group,
    value,
    id,
    index: certificate.index,
    term,
    leader,
  };
}

function paperOf({ electorate, log, space }: LogCertificate): RaftPaper | undefined {
  const prefix = raftLog('');
  if (!log.startsWith(prefix)) return undefined;
  try {
    return writeRaftPaper({ space, group: log.slice(prefix.length), electorate });
  } catch {
    // What makes no group has decided nothing.
    return undefined;
  }
}

function invalid(problem: string): RaftVerification {
  return { kind: 'invalid', problem };
}
