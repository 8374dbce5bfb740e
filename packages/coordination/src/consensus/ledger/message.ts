/** What passes between who proposes a block and a member that signs it, as docs/protocol.md, "Ledgers", has it. */
import * as z from 'zod';
import type { ReadAnswer } from '../../session/session.ts';
import { draftSchema, isVoteOf, type BlockDraft, type BlockVote } from './block.ts';

/** The name of the protocol in events. */
export const ledgerProtocol = 'ledger';

const questionSchema = z.object({ round: z.string(), draft: draftSchema });
const answerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('signed'), signature: z.string() }),
  z.object({ kind: z.literal('refused'), reason: z.string().max(1_000).optional() }),
  z.object({ kind: z.literal('stale'), height: z.int().min(-1) }),
  z.object({ kind: z.literal('abstain') }),
]);

/** A member's word on a draft. `stale`: it follows another block than the last one that the member has read. */
export type DraftAnswer =
  | { readonly kind: 'signed'; readonly vote: BlockVote }
  | { readonly kind: 'refused'; readonly reason?: string | undefined }
  | { readonly kind: 'stale'; readonly height: number };

/** The draft that a question is about; undefined when it is none. */
export function readDraftQuestion(body: unknown): BlockDraft | undefined {
  return questionSchema.safeParse(body).data?.draft;
}

/** Reads a member's answer. A signature that is not its own is none. */
export function readDraftAnswer(
  draft: BlockDraft,
  { party, key, body }: { readonly party: string; readonly key: string | undefined; readonly body: unknown },
): ReadAnswer<DraftAnswer> {
  const answer = answerSchema.safeParse(body).data;
  if (answer === undefined) return { kind: 'invalid' };
  if (answer.kind === 'abstain') return { kind: 'abstained' };
  if (answer.kind !== 'signed') return { kind: 'value', value: answer };
  const vote = { party, signature: answer.signature };
  return isVoteOf(draft, vote, key)
    ? { kind: 'value', value: { kind: 'signed', vote } }
    : { kind: 'invalid' };
}
