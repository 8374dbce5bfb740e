/**
 * The guard of a change: by which metric, how long and how strictly it is judged whether the change made things worse. Plain data, as it
 * stands in an adaptation record and on a command line.
 */
import { z } from 'zod';
import type { RuleGuard } from '../adaptation/adaptation-rule.ts';

/** A rule's guard and, for a canary, the share of conversations that see the change meanwhile. */
export interface Guard extends RuleGuard {
  /** Above 0, at most 1; absent: everybody sees it, and before is compared with after. */
  readonly share?: number | undefined;
}

/** The schema of {@link Guard}; parsing fills the defaults: three windows, 5 %, one false alarm in a hundred. */
export const guardSchema = z.strictObject({
  metric: z.string().min(1).max(128),
  direction: z.enum(['above', 'below']).describe('On which side of its former level the metric is bad'),
  windowMs: z.int().min(1),
  windows: z.int().min(1).max(100).default(3),
  tolerance: z.number().min(0).max(1).default(0.05),
  alpha: z.number().gt(0).max(0.5).default(0.01),
  share: z.number().gt(0).max(1).optional(),
});
