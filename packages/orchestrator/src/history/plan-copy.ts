/**
 * What is to be copied next: from the revisions that follow the last copied one to the events of the history. Pure.
 *
 * C1  Each revision becomes one event, in order, once.
 * C2  A number that is skipped is a revision that nobody can copy any more: it becomes part of a gap.
 */
import type { BucketEntry } from '@mabeam/bus';
import type { HistoryEvent, RecordedGap } from '@mabeam/variables';

/** What comes next in the history, and how far it reaches then. */
export interface CopyPlan {
  readonly events: readonly HistoryEvent[];
  readonly copied: number;
}

/** Plans the copying of the revisions after `copied`, given in order; `now` is when gaps are found. */
export function planCopy(copied: number, entries: readonly BucketEntry[], now: Date): CopyPlan {
  const events: HistoryEvent[] = [];
  let last = copied;
  for (const entry of entries) {
    if (entry.revision <= last) continue;
    if (entry.revision > last + 1)
      events.push({ kind: 'gap', from: last + 1, to: entry.revision - 1, at: now });
    events.push({ kind: 'revision', ...entry });
    last = entry.revision;
  }
  return { events, copied: last };
}

/** The first of these entries that are no more than so many bytes together; one at the least, however large. */
export function entriesWithin(entries: readonly BucketEntry[], maxBytes: number): readonly BucketEntry[] {
  let bytes = 0;
  const tooMany = entries.findIndex(({ data }, index) => {
    bytes += data.length;
    return index > 0 && bytes > maxBytes;
  });
  return tooMany < 0 ? entries : entries.slice(0, tooMany);
}

/** The plan with the keys that alone can have lost a revision named in its gaps. */
export function withSuspects({ copied, events }: CopyPlan, keys: readonly string[]): CopyPlan {
  const named = (gap: RecordedGap): RecordedGap => ({ ...gap, keys });
  return { copied, events: events.map((event) => (event.kind === 'gap' ? named(event) : event)) };
}
