/**
 * The record of an agent's failures, key `recovery.<agent>`: which of its lives have failed, which failures have no replacement yet, which
 * lives of others end with them, and whether the agent is out of the graph or given up. Written by the leader alone, fenced; all that a
 * successor needs to go on. Plain data and its schema.
 */
import { escalations, supervisionStrategies } from '@mabeam/agents';
import { isId } from '@mabeam/bus';
import { z } from 'zod';
import { issueText } from '../definition/issues.ts';
import { orchestratorError } from '../errors.ts';

const time = z.iso.datetime({ offset: true });
const ordinal = z.int().min(0);

const name = z.string();

const failure = z.object({
  ordinal,
  incarnation: z.string(),
  node: z.string(),
  /** When its host saw it, or else the leader. */
  at: time,
  /** `ended`: its host saw it end; `lost`: its host is gone, which is no fault of the agent's and not counted against it. */
  kind: z.enum(['ended', 'lost']),
  reason: z.string(),
  /** What was decided. */
  outcome: z.enum([
    'restarting',
    'migrating',
    'failed-over',
    'degraded',
    'failed-fast',
    'ended',
    'escalated',
  ]),
  strategy: z.enum(supervisionStrategies),
  supervisor: name.optional(),
  escalation: z.enum(escalations).optional(),
  /** The variable whose `onFailure` said so. */
  variable: name.optional(),
  /** The spare that takes its place. */
  replacement: name.optional(),
  /** The agents whose lives end with it. */
  renewed: z.array(name),
});

const life = z.object({ agent: z.string(), ordinal, incarnation: z.string() });

const recovered = z.object({
  ordinal,
  /** The life that failed, and the one that follows it. */
  incarnation: z.string(),
  successor: z.string(),
  recoveryMs: z.number().min(0),
  at: time,
});

const givenUp = z.object({
  why: z.enum(['degraded', 'failed-fast', 'removed', 'space-stopped']),
  /** Of the definition by which it failed; with another one it is tried again. */
  definitionRevision: z.int().min(0),
  at: time,
});

const recordSchema = z.object({
  v: z.literal(1),
  /** Oldest first: those of the window that is counted, and the last one of each instance. */
  failures: z.array(failure),
  /** Failures whose replacement is not ready yet. */
  open: z.array(
    z.object({ ordinal, incarnation: z.string(), detectedAt: time, replacement: name.optional() }),
  ),
  /** Lives of other agents that are to end because this one has failed; each is named once, and it ends once. */
  renew: z.array(life),
  /** Since when the agent is left out of the graph. */
  absentSince: time.optional(),
  givenUp: givenUp.optional(),
  /** When there were last more failures than allowed. */
  escalatedAt: time.optional(),
  /** The last failure that was recovered from. */
  last: recovered.optional(),
});

/** What is known of the failures of one agent. */
export type RecoveryRecord = Readonly<z.infer<typeof recordSchema>>;

/** A life of an agent that has failed, and what was decided. */
export type AgentFailure = Readonly<z.infer<typeof failure>>;

/** A failure whose replacement is ready: how long that took, from the detection on. */
export type Recovered = Readonly<z.infer<typeof recovered>>;

/** One life of an instance. */
export type InstanceLife = Readonly<z.infer<typeof life>>;

/** Why an agent is not started any more. */
export type GivenUp = Readonly<z.infer<typeof givenUp>>;

/** A record with the revision of its key. */
export interface StoredRecovery {
  readonly revision: number;
  readonly record: RecoveryRecord;
}

const prefix = 'recovery.';

/** The key of an agent's record. */
export function recoveryKey(agent: string): string {
  return `${prefix}${agent}`;
}

/** The agent whose record a key holds; undefined for other keys. */
export function recoveringAgent(key: string): string | undefined {
  const agent = key.startsWith(prefix) ? key.slice(prefix.length) : '';
  return isId(agent) ? agent : undefined;
}

/** The record of an agent that has never failed. */
export function emptyRecovery(): RecoveryRecord {
  return { v: 1, failures: [], open: [], renew: [] };
}

/** Reads a record out of the bucket; throws `recovery-invalid` with the field at fault. */
export function parseRecovery(value: unknown): RecoveryRecord {
  const parsed = recordSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw orchestratorError('recovery-invalid', `not a record of failures: ${issueText(parsed.error)}`);
}
