/** What passes between a desk and its parties (docs/protocol.md, "Resources"), and how a book is kept. */
import { busErrors, errorsOf, isId } from '@mabeam/bus';
import { z } from 'zod';

/** The words for these conversations in subjects: to the desk, and to a holder (there the phase is the grant). */
export const resourceProtocol = 'resources';
export const grantProtocol = 'grant';

const party = z.string().refine(isId);
const amounts = z
  .record(z.string(), z.number().int().positive())
  .refine((all) => Object.keys(all).length > 0);
const conditions = z.array(
  z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('release-on-idle'), afterMs: z.number().positive() }),
    z.object({ kind: z.literal('share-with'), party }),
    z.object({ kind: z.literal('priority-preemption'), priority: z.number() }),
  ]),
);

/** A request to a desk. */
export const askSchema = z.object({
  request: z.string().min(1),
  party,
  amounts,
  priority: z.number().default(0),
  ttlMs: z.number().min(100).max(3_600_000).default(30_000),
  conditions: conditions.default([]),
  isPartial: z.boolean().default(false),
  /** How long to wait for what is not free. */
  waitMs: z.number().min(0).max(600_000).default(0),
});

/** A renewal by one holder; `used` since the last one. */
export const renewSchema = z.object({ grant: z.string(), party, used: z.boolean().default(false) });

/** A holder gives a grant back. */
export const releaseSchema = z.object({ grant: z.string(), party });

const leaving = z.object({ why: z.enum(['preempted', 'idle']), by: z.string().optional() });

/** A grant in a book and in an answer. */
const grantSchema = z.object({
  id: z.string(),
  request: z.string(),
  holders: z.array(party),
  amounts,
  priority: z.number(),
  ttlMs: z.number(),
  conditions,
  leaving: leaving.optional(),
});

/** A book as it is kept. */
export const bookSchema = z.object({
  v: z.literal(1),
  term: z.number(),
  beat: z.number(),
  nextGrant: z.number(),
  capacity: z.record(z.string(), z.number().int().min(0)),
  grants: z.array(grantSchema),
});

/** What a desk answers a request. */
export const askAnswerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('granted'), grant: grantSchema }),
  z.object({
    kind: z.literal('denied'),
    reason: z.enum(['over-capacity', 'exhausted']),
    free: z.record(z.string(), z.number()),
  }),
]);

/** What a desk answers a renewal. */
export const renewAnswerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('renewed') }),
  z.object({ kind: z.literal('leaving'), why: leaving.shape.why, by: z.string().optional() }),
  z.object({ kind: z.literal('gone') }),
]);

/** What a holder is told when its grant is taken away; it has `graceMs` from when it hears it. */
export const noticeSchema = z.object({
  grant: z.string(),
  why: leaving.shape.why,
  by: z.string().optional(),
  graceMs: z.number().min(0),
});

/** A notice to a holder. */
export type Notice = Readonly<z.infer<typeof noticeSchema>>;
/** What became of a request. */
export type AskAnswer = Readonly<z.infer<typeof askAnswerSchema>>;
/** What became of a renewal. */
export type RenewAnswer = Readonly<z.infer<typeof renewAnswerSchema>>;

const busError = errorsOf(busErrors);

/** A body as its schema has it. Throws `malformed-message`. */
export function readDeskBody<T>(schema: z.ZodType<T>, body: unknown, phase: string): T {
  const read = schema.safeParse(body);
  if (read.success) return read.data;
  throw unreadable(
    phase,
    read.error.issues.map(({ message, path }) => `${path.join('.')}: ${message}`).join('; '),
  );
}

/** The error for a message that cannot be read. */
export function unreadable(phase: string, why: string): Error {
  return busError('malformed-message', `${phase}: ${why}; see the protocol, "Resources"`, {
    details: { phase },
  });
}
