/**
 * The outcome of a task: what the one accepted end says. Stored under `event.task.<id>.<agent>.completed|failed`
 * with the expectation that the task has none yet, so the server accepts exactly one, whoever else tries.
 */
import { z } from 'zod';
import { busError } from './errors.ts';
import type { ErrorBody } from './error.ts';
import type { StoredMessage } from './read-stream.ts';

interface OutcomeBase {
  readonly task: string;
  readonly agent: string;
  readonly instance: string;
  /** The delivery it answers: sequence of the task in its stream, and which attempt it was. */
  readonly delivery: { readonly sequence: number; readonly count: number };
}

/** What a worker ends a task with. */
export type TaskResult =
  | (OutcomeBase & { readonly kind: 'completed'; readonly output: unknown })
  | (OutcomeBase & { readonly kind: 'failed'; readonly error: ErrorBody; readonly input?: unknown });

/** A stored result. */
export type TaskOutcome = TaskResult & {
  /** Sequence in the outcome stream. */
  readonly sequence: number;
  /** When the server accepted it. */
  readonly at: Date;
};

const errorSchema = z
  .object({ code: z.string(), message: z.string(), retryable: z.boolean().default(false) })
  .loose();
const base = {
  task: z.string(),
  agent: z.string(),
  instance: z.string(),
  delivery: z.object({ sequence: z.number(), count: z.number() }),
};
const resultSchema = z.discriminatedUnion('kind', [
  z.object({ ...base, kind: z.literal('completed'), output: z.unknown() }),
  z.object({ ...base, kind: z.literal('failed'), error: errorSchema, input: z.unknown().optional() }),
]);

/** Reads an outcome; throws `malformed-message`. */
export function parseOutcome(message: StoredMessage): TaskOutcome {
  const parsed = resultSchema.safeParse(message.body());
  if (parsed.success) return { ...parsed.data, sequence: message.sequence, at: message.at };
  const details = { subject: message.subject, sequence: message.sequence };
  throw busError(
    'malformed-message',
    `${message.subject}: not a task outcome: ${z.prettifyError(parsed.error)}`,
    { details },
  );
}
