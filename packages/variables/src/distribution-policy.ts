/** Distribution policies: on how many nodes a variable is kept, and what its readers may rely on. Plain data. */
import * as z from 'zod';
import { idText } from './id-text.ts';

/** What a reader on another node may rely on. */
export const consistencies = ['strong', 'causal', 'session', 'eventual'] as const;

/** What becomes of writes that did not know of each other. */
export const conflictRules = ['last-writer-wins', 'vector-clocks', 'consensus', 'merge-function'] as const;

/** Where a variable is kept, and how its copies agree. */
export interface DistributionPolicy {
  /** The nodes it is kept on; any when none are listed. */
  readonly nodes: readonly string[];
  readonly replicas: number;
  readonly consistency: (typeof consistencies)[number];
  readonly conflict: (typeof conflictRules)[number];
}

/** The schema of {@link DistributionPolicy}; parsing fills the defaults. */
export const distributionPolicySchema = z.strictObject({
  nodes: z.array(idText('a node id')).default([]),
  replicas: z.int().min(1).default(3),
  consistency: z.enum(consistencies).default('strong'),
  conflict: z.enum(conflictRules).default('last-writer-wins'),
});
