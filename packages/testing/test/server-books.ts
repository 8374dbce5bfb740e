/** What the server has in the end: the truth that the participants' accounts are compared with. */
import {
  bucketStream,
  lastSequence,
  openEvents,
  openReplica,
  readKey,
  readStreamOnce,
  spaceNames,
  subjects,
  type Bus,
} from '@mabeam/bus';

export interface Books {
  /** Last revision of the bucket. */
  readonly revision: number;
  /** Each key's newest revision and text, read from the leader of the stream. */
  readonly entries: ReadonlyMap<string, { readonly revision: number; readonly text: string }>;
  /** How many outcomes each task has. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** Outcomes of a later delivery than the first. */
  readonly redelivered: number;
  readonly openTasks: number;
  /** The events in the order of the stream. */
  readonly events: readonly { readonly id: string; readonly sequence: number }[];
}

/** Reads the books of a space. */
export async function readBooks(bus: Bus, space: string): Promise<Books> {
  const { bucket, outcomes: outcomeStream, tasks } = spaceNames(space);
  const outcomes = new Map<string, number>();
  let redelivered = 0;
  for await (const message of readStreamOnce(bus, outcomeStream)) {
    const [, , , , task = ''] = message.subject.split('.');
    outcomes.set(task, (outcomes.get(task) ?? 0) + 1);
    const body = message.json();
    const text = JSON.stringify(body);
    if (!text.includes('"count":1')) redelivered++;
  }
  let open = 0;
  for await (const _ of readStreamOnce(bus, tasks)) open++;
  const events: { id: string; sequence: number }[] = [];
  const read = openEvents(bus, space).read({ filter: 'event.note.*.written' });
  for await (const { sequence, subject } of read) events.push({ id: subject.split('.')[4] ?? '', sequence });
  return {
    revision: await lastSequence(bus, bucketStream(bucket)),
    entries: await readEntries(bus, space),
    outcomes,
    redelivered,
    openTasks: open,
    events,
  };
}

async function readEntries(bus: Bus, space: string): Promise<Books['entries']> {
  const { bucket } = spaceNames(space);
  await using replica = await openReplica(bus, { bucket, prefix: subjects(space).at('variable') });
  const entries = new Map<string, { revision: number; text: string }>();
  for (const { key } of replica.entries()) {
    const entry = await readKey(bus, bucket, key);
    if (entry !== undefined)
      entries.set(key, { revision: entry.revision, text: Buffer.from(entry.data).toString() });
  }
  return entries;
}
