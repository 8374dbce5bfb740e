/**
 * Entries: a value as it stands in the bucket (ruling R2): JSON, so that a shell and a Python script read it too.
 *
 *   {"v":1, "value":0.7, "definitionRevision":12, "by":"operator", "at":"2026-01-31T12:00:00.000Z", "cause":"quieter", "candidate"?:{…}}
 *
 * Promise: reading never throws; what is not an entry of version 1 is named, fields we do not know are left out.
 */
import * as z from 'zod';
import { isJson, maxJsonDepth, type Json } from './json.ts';
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

const json = z.custom<Json>((value) => isJson(value), `is not JSON of at most ${maxJsonDepth} levels`);
const entrySchema = z.object({
  v: z.literal(1),
  value: json,
  definitionRevision: z.int().min(0),
  by: z.string().min(1),
  at: z.iso.datetime({ offset: true }),
  cause: z.string(),
  candidate: z.object({ value: json, share: z.number().min(0).max(1), salt: z.string() }).optional(),
});

/** The bytes of an entry. */
export function encodeEntry(entry: ValueEntry): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(entry));
}

/** The entry in these bytes, or what is wrong with them (`invalid-entry`, naming the field). */
export function decodeEntry(bytes: Uint8Array): ReadEntry {
  const body = readJson(bytes);
  if (body === undefined)
    return malformed('', 'the bytes are not JSON text; write an entry as JSON in UTF-8');
  const parsed = entrySchema.safeParse(body.json);
  if (parsed.success) return { kind: 'entry', entry: parsed.data };
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') ?? '';
  const what = `${field === '' ? 'the entry' : field}: ${issue?.message ?? 'malformed'}`;
  return malformed(field, `${what}; write {v: 1, value, definitionRevision, by, at, cause}`);
}

/** The JSON in these bytes; undefined when they are not UTF-8 JSON text. */
export function readJson(bytes: Uint8Array): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch {
    return undefined;
  }
}

/** The cause of a change that a trigger brought about: its CloudEvents identity as JSON text. */
export function triggerCause(source: string, id: string): string {
  return JSON.stringify({ kind: 'trigger', source, id });
}

function malformed(field: string, message: string): ReadEntry {
  return { kind: 'malformed', problem: { code: 'invalid-entry', field, message } };
}
