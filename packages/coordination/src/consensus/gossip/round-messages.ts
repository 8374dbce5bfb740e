/** What who holds a gossip round asks its members, and what they answer, as docs/protocol.md, "Gossip", has it. */
import * as z from 'zod';
import { entrySchema, mostKeys } from './entry.ts';
import { gossipPaperSchema, type GossipPaper } from './paper.ts';

const askedSchema = z.object({
  round: z.string(),
  paper: gossipPaperSchema,
  endsInMs: z.number().min(0).max(86_400_000),
});
const sealSchema = z.object({ round: z.string(), digest: z.string() });
const holdSchema = z.object({ round: z.string() });

/** "Take part in this, and what do you hold?" */
export type ReportQuestion = z.infer<typeof askedSchema> & { readonly paper: GossipPaper };

const reportSchema = z.object({
  kind: z.literal('report'),
  digest: z.string(),
  rounds: z.int().min(0),
  changedIn: z.int().min(0),
});

/** What a member holds, and since which of its rounds. */
export type Report = z.infer<typeof reportSchema>;

const sealedSchema = z.object({ kind: z.literal('sealed'), signature: z.string() });
const entriesSchema = z.object({
  kind: z.literal('entries'),
  entries: z.array(entrySchema).max(2 * mostKeys),
});

export const gossipQuestions: {
  readonly report: z.ZodType<ReportQuestion>;
  readonly seal: typeof sealSchema;
  readonly entries: typeof holdSchema;
} = { report: askedSchema, seal: sealSchema, entries: holdSchema };

export const gossipAnswers: {
  readonly report: typeof reportSchema;
  readonly seal: typeof sealedSchema;
  readonly entries: typeof entriesSchema;
} = { report: reportSchema, seal: sealedSchema, entries: entriesSchema };
