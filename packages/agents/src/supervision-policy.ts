/**
 * Supervision policies: what becomes of the agents that one supervisor watches when one of them fails. A policy stands with the
 * supervisor and governs its children; that of the space governs the agents without a supervisor. Plain data and its schema.
 */
import { z } from 'zod';

/** Which children are started again when one fails: it alone, all of them, or it and those started after it. */
export const supervisionStrategies = ['one-for-one', 'one-for-all', 'rest-for-one'] as const;

/** What is tried for an agent that failed. */
export const recoveryWays = ['restart', 'failover', 'degrade', 'migrate'] as const;

/** What happens when there were more failures than allowed. */
export const escalations = ['notify', 'stop-space', 'remove-agent'] as const;

/** What becomes of failed agents. */
export interface SupervisionPolicy {
  readonly strategy: (typeof supervisionStrategies)[number];
  /** So many failures within `windowMs` are recovered from; the next one escalates. */
  readonly maxFailures: number;
  readonly windowMs: number;
  readonly recovery: (typeof recoveryWays)[number];
  readonly escalation: (typeof escalations)[number];
  /** The wait before the first restart; doubled for each further one, up to `backoffMaxMs`. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
}

/** The schema of {@link SupervisionPolicy}; parsing fills the defaults. */
export const supervisionPolicySchema = z.strictObject({
  strategy: z.enum(supervisionStrategies).default('one-for-one'),
  maxFailures: z.int().min(0).default(3),
  windowMs: z.int().min(1).default(60_000),
  recovery: z.enum(recoveryWays).default('restart'),
  escalation: z.enum(escalations).default('notify'),
  backoffMs: z.int().min(0).default(100),
  backoffMaxMs: z.int().min(0).default(30_000),
});

/** The policy that governs where none is written. */
export function defaultSupervision(): SupervisionPolicy {
  return supervisionPolicySchema.parse({});
}
