/** What a trigger leads to: the record of its adaptation, waited for until it is final. */
import { openReplica, parseJson, readKey, spaceNames, subjects } from '@mabeam/bus';
import {
  adaptationKey,
  identityHash,
  parseAdaptationRecord,
  readTrigger,
  type AdaptationRecord,
  type TriggerMessage,
} from '@mabeam/orchestrator';
import { commandError } from './errors.ts';
import type { Place } from './session.ts';

/** A trigger's outcome; `isOld` when its identity had acted before and the trigger did nothing. */
export interface TriggerOutcome {
  readonly record: AdaptationRecord;
  readonly isOld: boolean;
}

/** Did this trigger's identity act already? Asked before it is published. */
export async function hasActed({ bus, space }: Place, trigger: TriggerMessage): Promise<boolean> {
  const { bucket } = spaceNames(space);
  return (await readKey(bus, bucket, keyOf(trigger)))?.operation === 'put';
}

/** The final record of a published trigger, at most `withinMs` later. Throws `adaptation-pending`. */
export async function followTrigger(
  { bus, space }: Place,
  trigger: TriggerMessage,
  withinMs: number,
): Promise<AdaptationRecord> {
  const key = keyOf(trigger);
  const { bucket } = spaceNames(space);
  await using replica = await openReplica(bus, { bucket, prefix: subjects(space).at('variable') });
  const found = Promise.withResolvers<AdaptationRecord>();
  const look = (): void => {
    const entry = replica.get(key);
    const record = entry === undefined ? undefined : parseAdaptationRecord(parseJson(entry.data));
    if (record !== undefined && record.outcome !== 'committed') found.resolve(record);
  };
  using _changes = replica.onChange(look);
  look();
  const message = `no orchestrator has dealt with the trigger after ${withinMs} ms; it is kept and will be, see "mabeam ps" for the leader`;
  const timer = setTimeout(() => found.reject(commandError('adaptation-pending', message)), withinMs);
  try {
    return await found.promise;
  } finally {
    clearTimeout(timer);
  }
}

function keyOf(trigger: TriggerMessage): string {
  return adaptationKey(identityHash(readTrigger(trigger)));
}
