/**
 * How right the members of the bench have been: of each its last audited opinions, on ham and on spam. Pure.
 *
 * R1 Everybody who has read the same audits has the same record: what counts is kept in the events, not in anybody's memory.
 * R2 Nobody is proven wrong by a few mistakes: it takes ten opinions on each label, and a balanced accuracy that lies three standard
 *    errors below that of a coin.
 */
import type { Label } from './mail-entry.ts';

/** Of one member: was it right, the oldest first? */
interface Hits {
  readonly ham: readonly boolean[];
  readonly spam: readonly boolean[];
}

/** The record of the members that have given opinions, by their ids. */
export type TrackRecord = ReadonlyMap<string, Hits>;

/** What the members said of one audited mail: how likely it was spam. Who abstained is not in it. */
export interface AuditedOpinions {
  readonly label: Label;
  readonly opinions?: Readonly<Record<string, number>> | undefined;
}

/** Opinions remembered of a member, on each label. */
const remembered = 30;
/** Below so many on either label a record proves nothing. */
const leastSeen = 10;
const standardErrors = 3;
/** At the weight of one of whom nothing is known; 1 is somebody who is always right. */
const unknownWeight = 0.5;
const leastWeight = 0.05;

/** A record of nobody. */
export function freshRecord(): TrackRecord {
  return new Map();
}

/** The record with one more audit in it. */
export function noteAudit(record: TrackRecord, { label, opinions = {} }: AuditedOpinions): TrackRecord {
  const next = new Map(record);
  for (const [member, probability] of Object.entries(opinions)) {
    const hits = record.get(member) ?? { ham: [], spam: [] };
    const isRight = probability >= 0.5 === (label === 'spam');
    next.set(member, { ...hits, [label]: [...hits[label], isRight].slice(-remembered) });
  }
  return next;
}

/** How right a member has been. */
export interface Standing {
  /** Balanced accuracy, 0 to 1: a coin has 0.5. One more hit and one more miss are counted on each label, so none is 0 or 1. */
  readonly accuracy: number;
  readonly standardError: number;
  /** Opinions on the label of which there are fewer. */
  readonly seen: number;
}

/** The standing of a member; undefined while it has not been seen on both labels. */
export function standingOf(record: TrackRecord, member: string): Standing | undefined {
  const hits = record.get(member);
  if (hits === undefined || hits.ham.length === 0 || hits.spam.length === 0) return undefined;
  const [ham, spam] = [shareOf(hits.ham), shareOf(hits.spam)];
  const variance = (ham * (1 - ham)) / hits.ham.length + (spam * (1 - spam)) / hits.spam.length;
  return {
    accuracy: (ham + spam) / 2,
    standardError: Math.sqrt(variance) / 2,
    seen: Math.min(hits.ham.length, hits.spam.length),
  };
}

/** Has a member been seen often enough to say anything about it? */
export function isKnown(record: TrackRecord, member: string): boolean {
  return (standingOf(record, member)?.seen ?? 0) >= leastSeen;
}

/** R2. */
export function isProvenWrong(record: TrackRecord, member: string): boolean {
  const standing = standingOf(record, member);
  if (standing === undefined || standing.seen < leastSeen) return false;
  return standing.accuracy + standardErrors * standing.standardError < 0.5;
}

/** The weight of a member's word, above 0 to 1: how far it is beyond a coin. */
export function weightOf(record: TrackRecord, member: string): number {
  const standing = standingOf(record, member);
  if (standing === undefined || standing.seen < leastSeen) return unknownWeight;
  return Math.max(leastWeight, 2 * standing.accuracy - 1);
}

function shareOf(hits: readonly boolean[]): number {
  return (hits.filter(Boolean).length + 1) / (hits.length + 2);
}
