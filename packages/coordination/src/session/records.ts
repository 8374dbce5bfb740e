/**
 * The bucket in which a space's coordination keeps what must outlive its processes: schedules, books, plans. It is a bucket of
 * its own: the space's first one is copied by every process and guards its change sets by a space-wide expectation, which books
 * that change all the time would break.
 *
 *   schedule.<id>   who takes turns (conflicts/schedule.ts)
 *   book.<desk>     what is granted (resources/book.ts)
 *   plan.<round>    how far a plan has come (hierarchy/record.ts)
 */
import {
  bucketStream,
  ensureStreams,
  hasStream,
  spaceNames,
  spaceStreams,
  subjects,
  type Bus,
} from '@mabeam/bus';

/** The bucket's name. */
export function recordsBucket(space: string): string {
  return spaceNames(space).coordination;
}

/** Where the server repeats a key's new revisions. */
export function recordSubject(space: string, key: string): string {
  return subjects(space).at(`record.${key}`);
}

/** Creates the bucket in a space from before there was one; one that is there is left alone. Throws `store-failed`. */
export async function ensureRecords(bus: Bus, space: string): Promise<void> {
  const name = bucketStream(recordsBucket(space));
  if (await hasStream(bus, name)) return;
  await ensureStreams(
    bus,
    spaceStreams(space).filter((definition) => definition.name === name),
  );
}
