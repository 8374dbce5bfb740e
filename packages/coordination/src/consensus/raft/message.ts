/** What members of a group send each other. Any of it may be lost, doubled or late. */
import * as z from 'zod';

const term = z.int().min(1);
const messageSchema = z.discriminatedUnion('kind', [
  /** A candidate asks for a vote for its term; the signature is its own vote, so nobody asks in its name. */
  z.strictObject({ kind: z.literal('ask-vote'), term, signature: z.string() }),
  z.strictObject({ kind: z.literal('vote'), term, signature: z.string() }),
  /** The leader is there; `sentMs` is its own clock, and comes back as it is. */
  z.strictObject({ kind: z.literal('beat'), term, sentMs: z.number() }),
  z.strictObject({ kind: z.literal('alive'), term, sentMs: z.number() }),
]);

/** A message. */
export type RaftMessage = z.infer<typeof messageSchema>;

/** Reads a message; undefined when it is none. */
export function readRaftMessage(body: unknown): RaftMessage | undefined {
  return messageSchema.safeParse(body).data;
}
