/**
 * How many replicas of an agent are wanted now: `scale.<agent>`, written by people and by the orchestrator. Without one the agent's
 * definition says. Whoever reads keeps the number within the definition's bounds, so that a stale entry never exceeds them.
 */
import type { AgentSpec } from '@mabeam/agents';
import { isId } from '@mabeam/bus';
import { z } from 'zod';
import { issueText } from '../definition/issues.ts';
import { orchestratorError } from '../errors.ts';

/** How many replicas are wanted, and who wants them. */
export interface ScaleEntry {
  readonly v: 1;
  readonly replicas: number;
  readonly by: string;
  /** ISO time by the writer's clock. */
  readonly at: string;
  readonly cause: string;
}

const entrySchema = z.object({
  v: z.literal(1),
  replicas: z.int().min(0),
  by: z.string().min(1).max(128),
  at: z.iso.datetime({ offset: true }),
  cause: z.string(),
});

const scalePrefix = 'scale.';

/** The key of an agent's scale. */
export function scaleKey(agent: string): string {
  return `${scalePrefix}${agent}`;
}

/** The agent whose scale a key holds; undefined for other keys. */
export function scaledAgent(key: string): string | undefined {
  const agent = key.startsWith(scalePrefix) ? key.slice(scalePrefix.length) : '';
  return isId(agent) ? agent : undefined;
}

/** Reads a scale out of the bucket; throws `scale-invalid` with the field at fault. */
export function parseScaleEntry(value: unknown): ScaleEntry {
  const parsed = entrySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const why = issueText(parsed.error);
  throw orchestratorError('scale-invalid', `not a scale: ${why}`, { details: { scale: value } });
}

/** The replicas that ought to run: those of the scale within the bounds, those of the definition without one or without bounds. */
export function wantedReplicas(
  { replicas, bounds }: Pick<AgentSpec, 'replicas' | 'bounds'>,
  scale: Pick<ScaleEntry, 'replicas'> | undefined,
): number {
  if (scale === undefined || bounds === undefined) return replicas;
  return Math.min(bounds.max, Math.max(bounds.min, scale.replicas));
}
