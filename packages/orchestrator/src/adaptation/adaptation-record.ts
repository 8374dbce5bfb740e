/**
 * The record of an adaptation, key `adaptation.<hash of the trigger's identity>`: what a trigger led to, once and for all.
 * It is written in the same atomic batch as the change itself, with the expectation that it does not exist yet; so a
 * trigger acts at most once, whoever delivers it how often.
 */
import { z } from 'zod';
import type { Evidence } from '../rollout/evidence.ts';
import { rolloutSchema } from '../rollout/rollout-schema.ts';
import type { Rollout } from '../rollout/rollout.ts';
import { voteSchema, type AdaptationVote } from './vote-record.ts';

/** One change of a variable by a rule. */
export interface AdaptationChange {
  readonly rule: string;
  readonly variable: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** All outcomes an adaptation may have. */
const outcomes = [
  'voting',
  'committed',
  'applied',
  'noop',
  'cooldown',
  'no-rule',
  'frozen',
  'malformed',
  'evaluating',
  'success',
  'partial-success',
  'failure',
  'rolled-back',
  'superseded',
] as const;

/**
 * `voting`: the change in `proposal` is put to the vote, and nothing is changed yet. `committed`: the change is written; `applied`: and
 * every agent runs with it. `noop`, `cooldown`, `no-rule`, `frozen` and `malformed` changed nothing and are final. `evaluating`: a
 * guard judges the change; what follows it are the outcomes of a rollout. A `failure` whose `changes` are empty is a proposal that was
 * not ratified; a `superseded` one whose `changes` are empty was called off before its vote could count.
 */
export type AdaptationOutcome = (typeof outcomes)[number];

/** What came of one trigger, kept under `adaptation.<hash>`; it is why a trigger acts once. */
export interface AdaptationRecord {
  readonly v: 1;
  readonly source: string;
  readonly id: string;
  /** The name of the trigger, or the kind of the event, `<noun>.<id>.<verb>`. */
  readonly trigger: string;
  /** The first rule that changed something; each change names its own. Empty when none did. */
  readonly rule: string;
  readonly changes: readonly AdaptationChange[];
  readonly outcome: AdaptationOutcome;
  readonly reason?: string | undefined;
  /** What is proposed while it is voted on, and what was proposed and not done. */
  readonly proposal?: AdaptationChange | undefined;
  /** The vote that decided about it, or is to. */
  readonly vote?: AdaptationVote | undefined;
  /** When it was written, ISO. */
  readonly at: string;
  /** When the broker stored the trigger, ISO. */
  readonly triggeredAt: string;
  readonly committedAt?: string | undefined;
  readonly appliedAt?: string | undefined;
  /** When somebody has taken it back by hand, ISO. */
  readonly undoneAt?: string | undefined;
  /** The revision of the change; present when the change has been found applied (it is unknown before its own commit). */
  readonly revision?: number | undefined;
  /** The trace the adaptation belongs to, so that a successor continues it. */
  readonly traceparent?: string | undefined;
  /** The part of the change that is judged, or was; absent: none is. */
  readonly rollout?: Rollout | undefined;
  /** When the event of its outcome was stored; until then the leader stores it. Only of the outcomes of a rollout. */
  readonly announcedAt?: string | undefined;
}

/** The body of `event.adaptation.<hash>.applied`. */
export interface AdaptationApplied {
  readonly id: string;
  readonly source: string;
  readonly trigger: string;
  readonly rule: string;
  readonly changes: readonly AdaptationChange[];
  readonly revision: number;
  readonly triggeredAt: string;
  readonly committedAt: string;
  readonly appliedAt: string;
  readonly triggerToAppliedMs: number;
}

/** The body of `event.adaptation.<hash>.<outcome>`, of the outcomes of a rollout. */
export interface AdaptationDecided {
  readonly id: string;
  readonly source: string;
  readonly trigger: string;
  readonly rule: string;
  readonly changes: readonly AdaptationChange[];
  readonly outcome: AdaptationOutcome;
  readonly reason?: string | undefined;
  readonly evidence?: Evidence | undefined;
}

const change = z.object({ rule: z.string(), variable: z.string(), from: z.unknown(), to: z.unknown() });

const recordSchema = z.object({
  v: z.literal(1),
  source: z.string(),
  id: z.string(),
  trigger: z.string(),
  rule: z.string(),
  changes: z.array(change),
  outcome: z.enum(outcomes),
  reason: z.string().optional(),
  proposal: change.optional(),
  vote: voteSchema.optional(),
  at: z.string(),
  triggeredAt: z.string(),
  committedAt: z.string().optional(),
  appliedAt: z.string().optional(),
  undoneAt: z.string().optional(),
  revision: z.number().optional(),
  traceparent: z.string().optional(),
  rollout: rolloutSchema.optional(),
  announcedAt: z.string().optional(),
});

const prefix = 'adaptation.';

/** The key of the adaptation with this identity hash. */
export function adaptationKey(hash: string): string {
  return `${prefix}${hash}`;
}

/** The hash in an adaptation's key; undefined for any other key. */
export function adaptationHash(key: string): string | undefined {
  return key.startsWith(prefix) ? key.slice(prefix.length) : undefined;
}

/** Reads a record; throws when a stranger has written something else there. */
export function parseAdaptationRecord(value: unknown): AdaptationRecord {
  return recordSchema.parse(value);
}
