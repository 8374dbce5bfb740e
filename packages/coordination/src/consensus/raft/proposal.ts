/** What passes between who wants an operation done and a member of the group (docs/protocol.md, "Groups that keep a log"). */
import { isConversation } from '@mabeam/bus';
import { isJson, type Json } from '@mabeam/variables';
import * as z from 'zod';
import type { Applied } from './applying.ts';
import type { ProposalAnswer } from './node.ts';

const jsonSchema = z.custom<Json>((value) => isJson(value), 'not JSON');
const idSchema = z.string().refine((id) => isConversation(id));

const questionSchema = z.object({ id: idSchema, body: jsonSchema });
const errorSchema = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  status: z.number().exactOptional(),
  exit: z.number().exactOptional(),
  details: z.record(z.string(), z.unknown()).exactOptional(),
});
const leader = z.string().optional();
const answerSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('committed'),
    index: z.int().min(1),
    term: z.int().min(1),
    /** The chain of the log before it, and the entry itself: what a certificate is about. */
    before: z.string(),
    entry: jsonSchema,
    result: jsonSchema.optional(),
    error: errorSchema.optional(),
  }),
  z.object({ kind: z.literal('no-leader'), leader }),
  z.object({ kind: z.literal('deposed'), leader }),
  z.object({ kind: z.literal('no-quorum') }),
  z.object({ kind: z.literal('overloaded') }),
  z.object({ kind: z.literal('refused'), code: z.string(), message: z.string() }),
  z.object({ kind: z.literal('unknown') }),
]);

/** An operation that is proposed. */
export type ProposalQuestion = z.infer<typeof questionSchema>;

/** What a member answers: that it is done, with its result and its place; or why not. */
export type MemberAnswer =
  | {
      readonly kind: 'committed';
      readonly index: number;
      readonly term: number;
      readonly before: string;
      readonly entry: Json;
      readonly applied: Applied;
    }
  | Exclude<ProposalAnswer, { kind: 'committed' }>;

/** The phase in which operations are proposed. */
export const proposePhase = 'propose';

/** Reads a question; undefined when it is none. */
export function readProposal(body: unknown): ProposalQuestion | undefined {
  return questionSchema.safeParse(body).data;
}

/** An answer as it travels. */
export function writeAnswer(answer: MemberAnswer): Readonly<Record<string, unknown>> {
  if (answer.kind !== 'committed') return answer;
  const { applied, ...place } = answer;
  return applied.kind === 'done' ? { ...place, result: applied.result } : { ...place, error: applied.error };
}

/** Reads an answer; undefined when it is none. */
export function readMemberAnswer(body: unknown): MemberAnswer | undefined {
  const read = answerSchema.safeParse(body).data;
  if (read?.kind !== 'committed') return read;
  const { error, result = null, ...place } = read;
  return { ...place, applied: error === undefined ? { kind: 'done', result } : { kind: 'failed', error } };
}
