/**
 * Reading revisions of a space's bucket, wherever they are: in the history, and what is not copied yet in the bucket.
 *
 * The history is in the order of revisions, so the first one that is wanted is found by halving.
 */
import {
  bucketStream,
  entryOf,
  MabeamError,
  readKeyHistory,
  readLastMessage,
  readStreamOnce,
  spaceNames,
  subjects,
  type BucketEntry,
  type Bus,
} from '@mabeam/bus';
import {
  historyMarks,
  readHistory,
  readHistoryEvent,
  type HistoryEvent,
  type RecordedGap,
  type RecordedRevision,
} from '@mabeam/variables';

/** Revisions in order, and what is lost between them. */
export interface ReadRevisions {
  readonly revisions: readonly RecordedRevision[];
  readonly gaps: readonly RecordedGap[];
}

/** Which revisions, the ends included. */
export interface RevisionRange {
  readonly from: number;
  readonly to: number;
}

/** Reads the revisions of a space in a range. Throws what the bus throws. */
export async function readRevisions(bus: Bus, space: string, range: RevisionRange): Promise<ReadRevisions> {
  const copied = await readCopied(bus, space, range);
  const last = copied.revisions.at(-1)?.revision ?? copied.gaps.at(-1)?.to ?? 0;
  const kept: RecordedRevision[] = [];
  const { bucket } = spaceNames(space);
  const from = Math.max(range.from, last + 1);
  for await (const message of readStreamOnce(bus, bucketStream(bucket), { from })) {
    if (message.sequence > range.to) break;
    kept.push(recorded(entryOf(bucket, message)));
  }
  return { revisions: [...copied.revisions, ...kept], gaps: copied.gaps };
}

/** Reads all revisions of a key, oldest first, as far as anybody has them. Throws what the bus throws. */
export async function readKeyRevisions(bus: Bus, space: string, key: string): Promise<ReadRevisions> {
  const kept = await readKeyHistory(bus, spaceNames(space).bucket, key);
  const { gaps, revisions } = await readHistory(bus, space, key);
  const has = new Set(kept.map(({ revision }) => revision));
  const older = revisions.filter(({ revision }) => !has.has(revision));
  const all = [...older, ...kept.map(recorded)].toSorted((a, b) => a.revision - b.revision);
  return { revisions: all, gaps };
}

/** Reads what the history has of all keys that fit a pattern (`*` for a token). Throws what the bus throws. */
export async function readRecordedLike(
  bus: Bus,
  space: string,
  pattern: string,
): Promise<readonly RecordedRevision[]> {
  const filter = subjects(space).history(pattern);
  const found: RecordedRevision[] = [];
  for await (const message of readStreamOnce(bus, spaceNames(space).history, { filter })) {
    const event = readHistoryEvent(message);
    if (event?.kind === 'revision') found.push(event);
  }
  return found;
}

function recorded(entry: BucketEntry): RecordedRevision {
  return { kind: 'revision', ...entry };
}

async function readCopied(bus: Bus, space: string, { from, to }: RevisionRange): Promise<ReadRevisions> {
  const revisions: RecordedRevision[] = [];
  const gaps: RecordedGap[] = [];
  try {
    const stream = spaceNames(space).history;
    const first = await findSequence(bus, space, from);
    for await (const message of readStreamOnce(bus, stream, { from: first })) {
      const event = readHistoryEvent(message);
      if (event === undefined || firstOf(event) > to) {
        if (event !== undefined) break;
      } else if (event.kind === 'gap') gaps.push(event);
      else if (event.kind === 'revision') revisions.push(event);
    }
  } catch (error) {
    if (!(error instanceof MabeamError) || error.code !== 'stream-missing') throw error;
  }
  return { revisions, gaps };
}

/** A sequence of the history from which everything from a revision on follows, with little before it. */
async function findSequence(bus: Bus, space: string, revision: number): Promise<number> {
  const stream = spaceNames(space).history;
  const { at } = subjects(space);
  const replaced = await readLastMessage(bus, stream, at(historyMarks.replaced));
  const end = await readLastMessage(bus, stream, at('event.variable.>'));
  let low = (replaced?.sequence ?? 0) + 1;
  let high = (end?.sequence ?? 0) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await firstEvent(bus, stream, middle);
    if (found !== undefined && lastOf(found) < revision) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function firstEvent(bus: Bus, stream: string, from: number): Promise<HistoryEvent | undefined> {
  for await (const message of readStreamOnce(bus, stream, { from })) {
    const event = readHistoryEvent(message);
    if (event !== undefined) return event;
  }
  return undefined;
}

function firstOf(event: HistoryEvent): number {
  return event.kind === 'gap' ? event.from : event.kind === 'revision' ? event.revision : 0;
}

function lastOf(event: HistoryEvent): number {
  return event.kind === 'gap' ? event.to : event.kind === 'revision' ? event.revision : 0;
}
