/** How far a plan has come, kept in the space: written before anybody is asked on the strength of it. */
import { busErrors, errorsOf, parseJson, parseToken, putKey, readKey, type Bus } from '@mabeam/bus';
import { ensureRecords, recordsBucket } from '../session/records.ts';
import { recordSchema, type PlanRecord } from './messages.ts';

/** A record and the revision the next one must follow. */
export interface KeptRecord {
  readonly record: PlanRecord;
  readonly revision: number;
}

const busError = errorsOf(busErrors);

/**
 * The record of a plan, taken up where it was left, or begun. Throws `conflict` when another begins it just now, and `malformed-message`
 * when what is kept is no record.
 */
export async function openRecord(bus: Bus, space: string, round: string, goal: string): Promise<KeptRecord> {
  await ensureRecords(bus, space);
  const entry = await readKey(bus, recordsBucket(space), keyOf(round));
  if (entry?.operation === 'put') return { record: readRecord(round, entry.data), revision: entry.revision };
  const record: PlanRecord = {
    v: 1,
    round,
    goal,
    phase: 'dividing',
    acting: 0,
    offered: [],
    given: [],
    refused: [],
  };
  return await writeRecord(bus, space, { record, revision: entry?.revision ?? 0 }, {});
}

/** Writes a change of the record. Throws `conflict` when another conductor has gone on with the plan: stop then. */
export async function writeRecord(
  bus: Bus,
  space: string,
  { record, revision }: KeptRecord,
  change: Partial<PlanRecord>,
): Promise<KeptRecord> {
  const next = { ...record, ...change };
  const options = { expectLastSequence: revision };
  return {
    record: next,
    revision: await putKey(bus, recordsBucket(space), keyOf(record.round), next, options),
  };
}

function readRecord(round: string, data: Uint8Array): PlanRecord {
  const read = recordSchema.safeParse(parseJson(data));
  if (read.success) return read.data;
  const message = `what is kept of the plan of the round ${round} is no record of one; take a new round`;
  throw busError('malformed-message', message, { details: { round } });
}

function keyOf(round: string): string {
  return `plan.${parseToken('round', round)}`;
}
