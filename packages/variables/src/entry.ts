/**
 * Entries: a value as it stands in the bucket (ruling R2): JSON, so that a shell and a Python script read it too.
 *
 *   {"v":1, "value":0.7, "definitionRevision":12, "by":"operator", "at":"2026-01-31T12:00:00.000Z", "cause":"quieter", "candidate"?:{…}}
 *
 * Promise: reading never throws; what is not an entry of version 1 is named, fields we do not know are left out.
 */
import { isJson, isPlainObject, maxJsonDepth, type Json } from './json.ts';
import type { Problem } from './problem.ts';

/** A value on trial: a reader takes it by `hash(salt, conversation)` for a `share` of its conversations (R16). */
export interface Candidate {
  readonly value: Json;
  readonly share: number;
  readonly salt: string;
}

/** A value with its provenance. */
export interface ValueEntry {
  readonly v: 1;
  readonly value: Json;
  /** Revision of the definition it was validated against; 0 when both were written in one change set. */
  readonly definitionRevision: number;
  /** Who wrote it. */
  readonly by: string;
  /** When, as ISO time, by the writer's clock. */
  readonly at: string;
  /** Why: a short text, or {@link triggerCause}. */
  readonly cause: string;
  readonly candidate?: Candidate | undefined;
}

/** What reading bytes came to. */
export type ReadEntry =
  | { readonly kind: 'entry'; readonly entry: ValueEntry }
  | { readonly kind: 'malformed'; readonly problem: Problem };

const utf8 = new TextDecoder('utf-8', { fatal: true });
const isoTime =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** The bytes of an entry. */
export function encodeEntry(entry: ValueEntry): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(entry));
}

/** The entry in these bytes, or what is wrong with them (`invalid-entry`, naming the field). */
export function decodeEntry(bytes: Uint8Array): ReadEntry {
  const body = readJson(bytes);
  if (body === undefined)
    return malformed('', 'the bytes are not JSON text; write an entry as JSON in UTF-8');
  const { json } = body;
  if (!isPlainObject(json)) return malformed('', `the entry: is not an object; ${cure}`);
  const wrong = wrongField(json) ?? wrongCandidate(json['candidate']);
  if (wrong !== undefined) return malformed(wrong.field, `${wrong.field}: ${wrong.what}; ${cure}`);
  return { kind: 'entry', entry: entryIn(json) };
}

/** The JSON in these bytes; undefined when they are not UTF-8 JSON text. */
export function readJson(bytes: Uint8Array): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(utf8.decode(bytes)) };
  } catch {
    return undefined;
  }
}

/** The cause of a change that a trigger brought about: its CloudEvents identity as JSON text. */
export function triggerCause(source: string, id: string): string {
  return JSON.stringify({ kind: 'trigger', source, id });
}

const cure = 'write {v: 1, value, definitionRevision, by, at, cause}';

interface WrongField {
  readonly field: string;
  readonly what: string;
}

/** The first field that is not as it should be; by hand, for this is read at every revision, mostly by code that is not warm yet. */
function wrongField(body: Readonly<Record<string, unknown>>): WrongField | undefined {
  const { v, value, definitionRevision, by, at, cause } = body;
  if (v !== 1) return { field: 'v', what: 'is not 1' };
  if (!isJson(value)) return { field: 'value', what: `is not JSON of at most ${maxJsonDepth} levels` };
  if (!Number.isSafeInteger(definitionRevision) || Number(definitionRevision) < 0)
    return { field: 'definitionRevision', what: 'is not a revision' };
  if (typeof by !== 'string' || by === '') return { field: 'by', what: 'is not the name of a writer' };
  if (typeof at !== 'string' || !isoTime.test(at) || Number.isNaN(Date.parse(at)))
    return { field: 'at', what: 'is not an ISO time with its offset' };
  return typeof cause === 'string' ? undefined : { field: 'cause', what: 'is not a text' };
}

function wrongCandidate(candidate: unknown): WrongField | undefined {
  if (candidate === undefined) return undefined;
  if (!isPlainObject(candidate)) return { field: 'candidate', what: 'is not an object' };
  const { value, share, salt } = candidate;
  if (!isJson(value))
    return { field: 'candidate.value', what: `is not JSON of at most ${maxJsonDepth} levels` };
  if (typeof share !== 'number' || !(share >= 0 && share <= 1))
    return { field: 'candidate.share', what: 'is not a number from 0 to 1' };
  return typeof salt === 'string' ? undefined : { field: 'candidate.salt', what: 'is not a text' };
}

/** The known fields of a body in which nothing is wrong. */
function entryIn(body: Readonly<Record<string, unknown>>): ValueEntry {
  // wrongField and wrongCandidate have looked at each field.
  const { value, definitionRevision, by, at, cause, candidate } = body as unknown as ValueEntry;
  const entry = { v: 1, value, definitionRevision, by, at, cause } as const;
  if (candidate === undefined) return entry;
  return { ...entry, candidate: { value: candidate.value, share: candidate.share, salt: candidate.salt } };
}

function malformed(field: string, message: string): ReadEntry {
  return { kind: 'malformed', problem: { code: 'invalid-entry', field, message } };
}
