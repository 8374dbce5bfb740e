/** The form of a rollout in the bucket: what is read there is checked before it is judged. */
import { isJson, type Json } from '@mabeam/variables';
import { z } from 'zod';
import { evidenceSchema } from './evidence.ts';
import { guardSchema } from './guard.ts';
import type { Rollout } from './rollout.ts';

const json = z.custom<Json>((value) => isJson(value), 'is not JSON');
const outcomes = ['success', 'partial-success', 'failure', 'rolled-back', 'superseded'] as const;

/** The schema of a {@link Rollout}, to be part of an adaptation record's. */
export const rolloutSchema: z.ZodType<Rollout> = z.object({
  v: z.literal(1),
  id: z.string().min(1),
  mode: z.enum(['canary', 'before-after']),
  guard: guardSchema,
  changes: z.array(z.object({ variable: z.string().min(1), from: json, to: json })).min(1),
  cause: z.string(),
  committedAt: z.iso.datetime({ offset: true }),
  decision: z.object({ outcome: z.enum(outcomes), evidence: evidenceSchema }).optional(),
});
