/**
 * A scaling policy: when the replicas of an agent, or of the agents of a role, become more or fewer. Data, so that it travels; the
 * form in the bucket (`definition.scaling.<id>`) and in a definition file. It says what is wished, never more than the agents' bounds
 * and the pool allow.
 */
import { agentSpecSchema, type AgentSpec } from '@mabeam/agents';
import { idText } from '@mabeam/variables';
import { z } from 'zod';
import { orchestratorError } from '../errors.ts';
import { issueText } from './issues.ts';

/** Whose replicas a policy governs. */
export type ScalingTarget = { readonly agent: string } | { readonly role: AgentSpec['role'] };

/** When there are to be more replicas, when fewer. */
export interface ScalingPolicy {
  readonly v: 1;
  readonly id: string;
  readonly target: ScalingTarget;
  /**
   * What is looked at: `cpu` and `memory` (used / given, 0..1), `queue` (waiting work for each replica), or the name of a score.
   * `queue` without limits: as many replicas as the work that runs and waits keeps busy to four fifths.
   * Absent: up when cpu or memory is above 0.8 or the queue above 10; down when both are below 0.3 and nothing waits.
   */
  readonly metric?: string | undefined;
  readonly upAbove?: number | undefined;
  readonly downBelow?: number | undefined;
  /** Within the agents' own bounds, which hold in any case. */
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** How many replicas come or go at once. */
  readonly step: number;
  /** After a change nothing is changed for so long. */
  readonly cooldownMs: number;
  /** Fewer are wanted only when so many were never needed for so long. */
  readonly stabilizationMs: number;
}

/** A policy's fields, for the bucket and for the definition file alike. */
export const scalingShape = {
  target: z.union([
    z.strictObject({ agent: idText('an agent id') }),
    z.strictObject({ role: agentSpecSchema.shape.role.unwrap() }),
  ]),
  metric: z.string().min(1).optional(),
  upAbove: z.number().optional(),
  downBelow: z.number().optional(),
  min: z.int().min(0).optional(),
  max: z.int().min(1).optional(),
  step: z.int().min(1).default(1),
  cooldownMs: z.int().min(0).default(30_000),
  stabilizationMs: z.int().min(0).default(60_000),
};

const policySchema = z.object({ v: z.literal(1), id: idText('an id'), ...scalingShape });

const scalingPrefix = 'definition.scaling.';

/** The key of a scaling policy. */
export function scalingKey(policy: string): string {
  return `${scalingPrefix}${policy}`;
}

/** Is this the key of a scaling policy? */
export function isScalingKey(key: string): boolean {
  return key.startsWith(scalingPrefix);
}

/** Reads a policy out of the bucket; throws `scaling-policy-invalid` with the field at fault. */
export function parseScalingPolicy(value: unknown): ScalingPolicy {
  const parsed = policySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const why = issueText(parsed.error);
  throw orchestratorError('scaling-policy-invalid', `not a scaling policy: ${why}`, {
    details: { policy: value },
  });
}
