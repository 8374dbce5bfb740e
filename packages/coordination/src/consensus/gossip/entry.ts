/**
 * What is gossiped: signed entries of a map, and how two maps become one. Pure.
 *
 * Promise: merging is commutative, associative and idempotent – of each key the last writer's entry stays, by a total order of
 * entries – so members that heard the same things, in whatever order and however often, hold the same. An entry proves who wrote it.
 */
import { canonicalText, digestOf, isSignedBy, type Identity } from '@mabeam/bus';
import { isJson, type Json } from '@mabeam/variables';
import * as z from 'zod';
import { compareTimes, mostCount, type HybridTime } from './clock.ts';

/** What an entry is signed as. */
const purpose = 'mabeam.gossip.1';

/** The longest canonical text of a value. */
const longestValue = 65_536;
/** The most keys of a map. */
export const mostKeys = 2_048;

const keyPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export const jsonSchema: z.ZodType<Json> = z.custom<Json>((value) => isJson(value), 'not JSON');
export const keySchema: z.ZodType<string> = z.string().regex(keyPattern);

export const entrySchema = z.strictObject({
  key: keySchema,
  value: jsonSchema,
  /** When it was written: a hybrid time. */
  at: z.int().min(0),
  count: z.int().min(0).max(mostCount),
  /** Who wrote it. */
  party: z.string(),
  signature: z.string(),
});

/** An entry. */
export type GossipEntry = z.infer<typeof entrySchema>;
/** An entry before it is signed. */
export type UnsignedEntry = Omit<GossipEntry, 'signature'>;

/** An entry as it is held: with the digest of its content, which stands for it in digests and decides ties. */
export interface Held {
  readonly entry: GossipEntry;
  readonly mark: string;
}

/** A map: what is held, by key. */
export type HeldEntries = ReadonlyMap<string, Held>;

/** Which entry of a key is held. */
export interface EntryVersion extends HybridTime {
  readonly key: string;
  readonly party: string;
  readonly mark: string;
}

/** Is this how a key is written, and the value one that can be gossiped? */
export function isEntry(key: string, value: unknown): value is Json {
  return keyPattern.test(key) && isJson(value) && textLength(value) <= longestValue;
}

/** Signs an entry. `scope` names the conversation: what is signed in one is worth nothing in another. */
export function signEntry(identity: Identity, scope: string, entry: UnsignedEntry): GossipEntry {
  return { ...entry, signature: identity.sign(purpose, statementOf(scope, entry)) };
}

/** Did its party write this entry in this conversation? `keys` are the public keys of the parties that may write. */
export function isByItsParty(scope: string, entry: GossipEntry, keys: ReadonlyMap<string, string>): boolean {
  const key = keys.get(entry.party);
  return (
    key !== undefined &&
    isEntry(entry.key, entry.value) &&
    isSignedBy(key, purpose, statementOf(scope, entry), entry.signature)
  );
}

/** Takes an entry into the hand. */
export function holdEntry(entry: GossipEntry): Held {
  const { key, value, at, count, party } = entry;
  return { entry, mark: digestOf({ key, value, at, count, party }) };
}

/** Which entry this is. */
export function versionOf({ entry, mark }: Held): EntryVersion {
  const { key, at, count, party } = entry;
  return { key, at, count, party, mark };
}

/**
 * Below 0 when `one` gives way: the later time stays, of equal times the greater party id, and of two entries that one party wrote
 * at one time – it lied – the one with the greater digest.
 */
export function compareVersions(one: EntryVersion, other: EntryVersion): number {
  return (
    compareTimes(one, other) || compareTexts(one.party, other.party) || compareTexts(one.mark, other.mark)
  );
}

/** Both maps as one; the very map `held` when nothing in the other is new. */
export function mergeEntries(held: HeldEntries, arriving: Iterable<Held>): HeldEntries {
  let merged: Map<string, Held> | undefined;
  for (const one of arriving) {
    const { key } = one.entry;
    const known = (merged ?? held).get(key);
    if (known !== undefined && compareVersions(versionOf(known), versionOf(one)) >= 0) continue;
    merged ??= new Map(held);
    merged.set(key, one);
  }
  return merged ?? held;
}

/** The entries in the order of their keys. */
export function sortedEntries(held: HeldEntries): readonly Held[] {
  return [...held.values()].toSorted((a, b) => compareTexts(a.entry.key, b.entry.key));
}

/** What stands for a map: equal exactly when the maps are. */
export function digestOfEntries(held: HeldEntries): string {
  return digestOf(sortedEntries(held).map(({ mark }) => mark));
}

function statementOf(scope: string, entry: UnsignedEntry): Readonly<Record<string, unknown>> {
  const { key, value, at, count, party } = entry;
  return { scope, key, value, at, count, party };
}

function textLength(value: Json): number {
  try {
    return canonicalText(value).length;
  } catch {
    // Deeper, or with broken characters: no canonical text, so too long for any.
    return Infinity;
  }
}

function compareTexts(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
