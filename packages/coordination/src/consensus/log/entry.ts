/**
 * An append-only log: what an entry is, and the chain that binds it to all before it. Pure.
 *
 * Invariants
 *  G1  The place of an entry is how many messages the server has kept on the log's subject up to it, whatever they say: every reader
 *      counts the same.
 *  G2  `chain` is the digest of the whole log up to the entry, of every byte of it. Two readers with the same chain have read the same log.
 */
import { digestOf, parseToken, spaceNames, subjects, type StoredMessage } from '@mabeam/bus';
import { createHash } from 'node:crypto';
import { exactValue } from '../exact-text.ts';

/** How far a log has been read. */
export interface LogTip {
  /** Entries so far. */
  readonly index: number;
  /** Sequence of the last one in the space's stream of logs; 0 when there is none. */
  readonly sequence: number;
  /** Digest of the log so far. */
  readonly chain: string;
}

/** One entry, and with it the tip of the log that ends with it. */
export interface LogEntry extends LogTip {
  /** The chain of the log before it. */
  readonly before: string;
  /** SHA-256 of its bytes: 43 characters of base64url. */
  readonly digest: string;
  /** What it says; undefined when its bytes are not the canonical text of a JSON value: nothing of ours writes that. */
  readonly body: unknown;
  /** When the server kept it. */
  readonly at: Date;
}

/** The stream that keeps the logs of a space. */
export function logStream(space: string): string {
  return spaceNames(space).logs;
}

/** The subject of a log. Throws `invalid-id`. */
export function logSubject(space: string, log: string): string {
  return subjects(space).at(`log.${parseToken('log', log)}`);
}

/** The tip of a log in which nothing is yet. */
export function startOfLog(space: string, log: string): LogTip {
  return { index: 0, sequence: 0, chain: digestOf({ log, space }) };
}

/** The chain that an entry of this digest makes of the chain before it. */
export function chainAfter(before: string, digest: string): string {
  return digestOf([before, digest]);
}

/** The entry that follows a tip. */
export function entryAfter(
  tip: LogTip,
  { sequence, data, at }: Pick<StoredMessage, 'sequence' | 'data' | 'at'>,
): LogEntry {
  const digest = createHash('sha256').update(data).digest('base64url');
  const { chain: before, index } = tip;
  const chain = chainAfter(before, digest);
  return { index: index + 1, sequence, chain, before, digest, body: exactValue(data), at };
}
