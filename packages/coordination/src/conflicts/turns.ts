/**
 * Turns in real time: a schedule that is kept in the space, and the slots as they come. Whoever follows it sees each change at
 * its instant, and who begins to follow in the middle begins with the slot that is running.
 */
import { deleteKey, parseJson, parseToken, pause, putKey, readKey, type Bus } from '@mabeam/bus';
import { isJson, type Json } from '@mabeam/variables';
import { z } from 'zod';
import { coordinationError } from '../errors.ts';
import { ensureRecords, recordsBucket, recordSubject } from '../session/records.ts';
import { slotAt, type Schedule, type Slot } from './schedule.ts';

/** The furthest time of a `Date`, either way: beyond, clocks do not count in milliseconds any more. */
const furthestMs = 8.64e15;
const stored = z.object({
  v: z.literal(1),
  startMs: z.number().min(-furthestMs).max(furthestMs),
  slotMs: z.number().min(1).max(furthestMs),
  turns: z.array(z.object({ party: z.string(), value: z.custom<Json>((value) => isJson(value)) })).min(1),
});

/** Keeps a schedule, whatever was there; resolves with its revision. Throws `invalid-conflict` when it is none. */
export async function storeSchedule(
  bus: Bus,
  space: string,
  id: string,
  schedule: Schedule,
): Promise<number> {
  const read = stored.safeParse({ v: 1, ...schedule });
  if (!read.success)
    throw coordinationError(
      'invalid-conflict',
      `schedule ${id}: it needs a start, slots of at least 1 ms and a turn`,
    );
  await ensureRecords(bus, space);
  return await putKey(bus, recordsBucket(space), keyOf(id), read.data);
}

/** The schedule kept under an id; undefined when there is none. */
export async function readSchedule(bus: Bus, space: string, id: string): Promise<Schedule | undefined> {
  const entry = await readKey(bus, recordsBucket(space), keyOf(id));
  if (entry?.operation !== 'put') return undefined;
  return stored.safeParse(parseJson(entry.data)).data;
}

/** Ends a schedule. */
export async function endSchedule(bus: Bus, space: string, id: string): Promise<void> {
  await deleteKey(bus, recordsBucket(space), keyOf(id));
}

/**
 * Yields the running slot and then each as it begins, by this machine's clock, until the schedule is ended or the signal aborts.
 * A schedule that is replaced counts at once. Slots that pass while the reader is busy are left out: what is yielded runs.
 */
export async function* followSchedule(
  bus: Bus,
  space: string,
  id: string,
  { signal, now = Date.now }: { readonly signal: AbortSignal; readonly now?: () => number },
): AsyncGenerator<Slot, void> {
  let news = new AbortController();
  await using _listening = bus.subscribe(recordSubject(space, keyOf(id)), () => news.abort());
  await bus.flush();
  let shown = '';
  while (!signal.aborted) {
    news = new AbortController();
    const schedule = await readSchedule(bus, space, id);
    if (schedule === undefined) return;
    const slot = slotAt(schedule, now());
    const text = JSON.stringify(slot);
    if (slot !== undefined && text !== shown) yield slot;
    shown = text;
    const waitMs = (slot?.toMs ?? schedule.startMs) - now();
    await pause(Math.min(longestTimerMs, Math.max(0, waitMs)), AbortSignal.any([signal, news.signal]));
  }
}

/** A timer cannot wait longer; it is then set again. */
const longestTimerMs = 2 ** 31 - 1;

function keyOf(id: string): string {
  return `schedule.${parseToken('schedule', id)}`;
}
