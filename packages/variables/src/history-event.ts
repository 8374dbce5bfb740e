/**
 * What the history of a space is made of (ruling R8): its messages and their subjects. Pure.
 *
 * Every revision of the space's bucket becomes one message, in order; what the bucket had overwritten before it could be copied
 * becomes a gap. With each batch of them the place is written up to which the bucket is copied.
 *
 * E1  Reading never throws: what a stranger has put there is no record.
 * E2  A revision carries its whole entry, unless that is too large for one message; then it says how large it was.
 */
import { jsonBytes, subjects, type BucketEntry } from '@mabeam/bus';
import * as z from 'zod';
import { readJson } from './entry.ts';

/** A revision of a key. `data` is empty when the entry was left out. */
export interface RecordedRevision extends BucketEntry {
  readonly kind: 'revision';
  /** Size of an entry that was left out (E2). */
  readonly omittedBytes?: number | undefined;
}

/** Revisions that are not in the history: the bucket had them no more when it was copied. */
export interface RecordedGap {
  readonly kind: 'gap';
  readonly from: number;
  readonly to: number;
  /** Only keys that had as many revisions as the bucket keeps can have lost some: these. Absent: not known. */
  readonly keys?: readonly string[] | undefined;
  /** When it was found. */
  readonly at: Date;
}

/** Another bucket took the place of the one that was copied: what comes before this counts by other revisions. */
export interface BucketReplaced {
  readonly kind: 'replaced';
  /** Up to which revision the former one was copied. */
  readonly copied: number;
  readonly at: Date;
}

/** What the history of a space keeps: a revision, revisions that were lost, or that the bucket is another one now. */
export type HistoryEvent = RecordedRevision | RecordedGap | BucketReplaced;

/** How far a bucket is copied. */
export interface HistoryPosition {
  /** When the bucket was created, as the server says: another time is another bucket. */
  readonly created: string;
  /** The last revision that is copied, or known to be lost. */
  readonly copied: number;
}

/** The subjects of what is no revision, relative to a space. */
export const historyMarks = {
  gap: 'event.variable.history.gap.found',
  replaced: 'event.variable.history.bucket.replaced',
  position: 'event.variable.history.position.moved',
} as const;

/** A message of the history, ready to be stored. */
export interface HistoryMessage {
  readonly subject: string;
  readonly data: Uint8Array;
}

/** The message of a history event; an entry beyond `maxBytes` is left out (E2). */
export function historyMessage(space: string, event: HistoryEvent, maxBytes: number): HistoryMessage {
  const { at, history } = subjects(space);
  switch (event.kind) {
    case 'gap':
      return {
        subject: at(historyMarks.gap),
        data: jsonBytes({ v: 1, from: event.from, to: event.to, keys: event.keys, at: event.at }),
      };
    case 'replaced':
      return {
        subject: at(historyMarks.replaced),
        data: jsonBytes({ v: 1, copied: event.copied, at: event.at }),
      };
    case 'revision': {
      const { batch, data, key, operation, revision } = event;
      const head = { v: 1, key, revision, operation, at: event.at, batch };
      const whole = jsonBytes({ ...head, ...entryParts(event) });
      const isTooLarge = whole.length > maxBytes;
      const body = isTooLarge ? jsonBytes({ ...head, omittedBytes: data.length }) : whole;
      return { subject: history(key), data: body };
    }
  }
}

/** The entry as the JSON it is; anything else in base64. */
function entryParts({ data, omittedBytes, operation }: RecordedRevision): Readonly<Record<string, unknown>> {
  if (operation === 'delete') return {};
  if (omittedBytes !== undefined) return { omittedBytes };
  const read = readJson(data);
  return read === undefined ? { base64: Buffer.from(data).toString('base64') } : { entry: read.json };
}

const date = z.iso.datetime().transform((text) => new Date(text));
const number = z.int().min(0);
const revisionSchema = z.object({
  key: z.string().min(1),
  revision: number,
  operation: z.enum(['put', 'delete']),
  at: date,
  batch: z.string().optional(),
  entry: z.unknown().optional(),
  base64: z.base64().optional(),
  omittedBytes: number.optional(),
});
const gapSchema = z.object({ from: number, to: number, keys: z.array(z.string()).optional(), at: date });
const replacedSchema = z.object({ copied: number, at: date });
const positionSchema = z.object({ created: z.string(), copied: number });

/** The history event in a message of the history; undefined when it is none (E1). */
export function readHistoryEvent(message: HistoryMessage): HistoryEvent | undefined {
  const body = readJson(message.data)?.json;
  const relative = message.subject.split('.').slice(2).join('.');
  if (relative === historyMarks.gap) {
    const read = gapSchema.safeParse(body);
    return read.success ? { kind: 'gap', ...read.data } : undefined;
  }
  if (relative === historyMarks.replaced) {
    const read = replacedSchema.safeParse(body);
    return read.success ? { kind: 'replaced', ...read.data } : undefined;
  }
  const read = revisionSchema.safeParse(body);
  return read.success ? revisionOf(read.data) : undefined;
}

function revisionOf(body: z.infer<typeof revisionSchema>): RecordedRevision {
  const { at, base64, batch, entry, key, omittedBytes, operation, revision } = body;
  const isWhole = operation === 'put' && omittedBytes === undefined;
  const whole = base64 === undefined ? jsonBytes(entry ?? null) : Buffer.from(base64, 'base64');
  return {
    kind: 'revision',
    key,
    revision,
    operation,
    at,
    data: isWhole ? whole : new Uint8Array(0),
    ...(batch === undefined ? {} : { batch }),
    ...(omittedBytes === undefined ? {} : { omittedBytes }),
  };
}

/** The position in the bytes of its message; undefined when there is none. */
export function readHistoryPosition(data: Uint8Array): HistoryPosition | undefined {
  return positionSchema.safeParse(readJson(data)?.json).data;
}
