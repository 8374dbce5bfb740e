/** What passes between the agents of the desk: the schemas each of them checks its input and output with. */
import { z } from 'zod';
import type { Label } from './mail-entry.ts';
import type { ParsedMail } from './mail.ts';
import type { Opinion } from './specialists/opinion.ts';
import type { Verdict } from './verdict.ts';

const label = z.enum(['ham', 'spam']);

const raw = z.union([z.string(), z.instanceof(Uint8Array)]);

/** A mail as it arrives, the task of the reader: the raw message in `raw`, or as the whole body. */
export const arrivedMail = z.union([z.object({ raw }), raw.transform((message) => ({ raw: message }))]);

/** A mail taken apart: what the judge and the specialists are asked about. */
export const parsedMail: z.ZodType<ParsedMail> = z.object({
  id: z.string(),
  subject: z.string(),
  from: z.string(),
  to: z.array(z.string()),
  date: z.string(),
  headers: z.array(z.tuple([z.string(), z.string()])),
  text: z.string(),
  html: z.enum(['none', 'beside', 'only']),
  // Facts and defects are the parser's own lists; the readers of a mail take what they know of them.
  htmlFacts: z.custom<ParsedMail['htmlFacts']>((value) => typeof value === 'object' && value !== null),
  links: z.array(z.object({ href: z.string(), text: z.string() })),
  size: z.number(),
  attachments: z.number(),
  defects: z.custom<ParsedMail['defects']>((value) => Array.isArray(value)),
});

/** What a specialist answers. */
export const opinion: z.ZodType<Opinion> = z.object({
  probability: z.number().min(0).max(1),
  reasons: z.array(z.string()),
  abstains: z.literal(true).exactOptional(),
});

/** What the judge answers: the verdict, and under which revision of the variables it was found. */
export interface Ruling extends Verdict {
  readonly id: string;
  /** Revision of the variables the judge went by. */
  readonly revision: number;
  readonly defects: readonly string[];
}

export const ruling: z.ZodType<Ruling> = z.object({
  id: z.string(),
  label,
  probability: z.number().min(0).max(1),
  opinions: z.record(z.string(), opinion),
  reason: z.string().exactOptional(),
  revision: z.number(),
  defects: z.array(z.string()),
});

/** What the members of the bench said of a mail: how likely it is spam. Who abstained, or was silent, is not in it. */
const said = z.record(z.string(), z.number().min(0).max(1));

/** What the judge tells the auditor. */
export const ruledMail = z.object({ mail: parsedMail, label, opinions: said.default({}) });

export type RuledMail = z.infer<typeof ruledMail>;

/** The event `event.verdict.<mail>.scored`: a labelled mail for those who learn, and what the verdict on it was. */
export interface ScoredVerdict {
  readonly mail: ParsedMail;
  /** What the mail truly is. */
  readonly label: Label;
  /** What the desk had said. */
  readonly verdict: Label;
  /** And what each of the bench had said: the probability of spam. Absent where nobody was asked. */
  readonly opinions?: Readonly<Record<string, number>>;
}

export const scoredVerdict: z.ZodType<ScoredVerdict> = z.object({
  mail: parsedMail,
  label,
  verdict: label,
  opinions: said.exactOptional(),
});

/** The events from which the auditor knows how good the desk has been. */
export const auditFilter = 'event.verdict.*.scored';

/** The events from which the learners learn: audited verdicts, and examples given beforehand. */
export const feedbackFilter = 'event.*.*.scored';
