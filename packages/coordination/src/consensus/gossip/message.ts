/** What members of a gossip send each other. */
import * as z from 'zod';
import { mostCount } from './clock.ts';
import { entrySchema, keySchema, mostKeys, type EntryVersion, type GossipEntry } from './entry.ts';

/** A message. What it says of entries is proven by the entries; all else is a hint, and costs at most an answer. */
export type GossipMessage =
  /** "This is the digest of what I hold." Answered by a summary where it differs. */
  | { readonly kind: 'hello'; readonly digest: string }
  /** "These versions do I hold." Answered by what is newer here, and what is wanted of there. */
  | { readonly kind: 'summary'; readonly versions: readonly EntryVersion[] }
  /** "Take these, and give me those." */
  | { readonly kind: 'give'; readonly entries: readonly GossipEntry[]; readonly wants: readonly string[] };

const versionSchema = z.strictObject({
  key: keySchema,
  at: z.int().min(0),
  count: z.int().min(0).max(mostCount),
  party: z.string(),
  mark: z.string(),
});

const messageSchema: z.ZodType<GossipMessage> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('hello'), digest: z.string() }),
  z.strictObject({ kind: z.literal('summary'), versions: z.array(versionSchema).max(2 * mostKeys) }),
  z.strictObject({
    kind: z.literal('give'),
    entries: z.array(entrySchema).max(2 * mostKeys),
    wants: z.array(keySchema).max(2 * mostKeys),
  }),
]);

/** Reads a message; undefined when it is none. */
export function readGossipMessage(body: unknown): GossipMessage | undefined {
  return messageSchema.safeParse(body).data;
}
