/**
 * A rollout: a change under guard, as data, from its commit to its decision.
 *
 *   beginRollout ──► plan ── one fenced commit: record + writes ──► evaluating ── judgeRollout at each look ──► verdict ── the same ──► decided
 *
 * L1 The record and the writes of a step are one batch, so a step has happened or has not. Whoever leads next finds the record and
 *    judges from it and the observations; nothing else is remembered anywhere.
 * L2 A canary leaves the value as it is and carries the candidate beside it (R16); everything else is the value itself.
 * L3 Every write expects the revision the variable has now, and is made only while what stands there is this rollout's own (R17).
 */
import { sameJson, type Candidate, type Json, type VariableKind } from '@mabeam/variables';
import type { Evidence } from './evidence.ts';
import type { Guard } from './guard.ts';

/** One variable's change under guard. */
export interface RolloutChange {
  readonly variable: string;
  readonly from: Json;
  readonly to: Json;
}

/** A change that is wished, with what is known of its variable. */
export interface ProposedChange extends RolloutChange {
  readonly kind: VariableKind;
  /** The revision its value's key has now; 0 when nothing has been written. */
  readonly expect: number;
}

/** What a rollout ended in. `failure`: nothing of it is left, for want of anybody or anything to judge it by. */
export type RolloutOutcome = 'success' | 'partial-success' | 'failure' | 'rolled-back' | 'superseded';

/** A rollout as it stands in its adaptation's record. JSON. */
export interface Rollout {
  readonly v: 1;
  /** The hash of the adaptation; the salt of a canary, too. */
  readonly id: string;
  readonly mode: 'canary' | 'before-after';
  readonly guard: Guard;
  /** At least one; all are begun, promoted or taken back together. */
  readonly changes: readonly RolloutChange[];
  /** The cause of every entry it writes; no other writer's has the same. */
  readonly cause: string;
  /** ISO. */
  readonly committedAt: string;
  /** Absent while it is evaluated. */
  readonly decision?: { readonly outcome: RolloutOutcome; readonly evidence: Evidence } | undefined;
}

/** An entry to be written, if the variable's key still has the revision `expect`. */
export interface RolloutWrite {
  readonly variable: string;
  readonly value: Json;
  /** Absent: the entry carries none. */
  readonly candidate?: Candidate | undefined;
  readonly expect: number;
}

/** What stands in the bucket for one variable now. */
export interface StandingValue {
  readonly value: Json;
  readonly candidate?: Candidate | undefined;
  /** The cause of the entry; empty when nothing has been written. */
  readonly cause: string;
  readonly revision: number;
}

/** How a rollout is to be begun. */
export interface RolloutPlan {
  readonly rollout: Rollout;
  /** To be committed in one batch with the record. */
  readonly writes: readonly RolloutWrite[];
  /** Why a canary that was asked for is none; people are told. */
  readonly notice?: { readonly code: 'canary-unsupported'; readonly message: string } | undefined;
}

/** What is to be guarded, who it is, and how its entries are to be recognised. */
export interface Proposal {
  /** The hash of the adaptation it belongs to. */
  readonly id: string;
  /** `triggerCause`, or any text that no other change has. */
  readonly cause: string;
  /** At least one; a variable once. */
  readonly changes: readonly ProposedChange[];
}

const structural: ReadonlySet<VariableKind> = new Set([
  'agent-selection',
  'communication-topology',
  'coordination-pattern',
  'resource-allocation',
]);

/** May a value of this kind differ from conversation to conversation? What gives a team its structure may not. */
export function isCanaryKind(kind: VariableKind): boolean {
  return !structural.has(kind);
}

/**
 * The plan of a guarded change: a canary when the guard names a share below 1 and every kind allows it, else everybody at once,
 * guarded by comparing with before. Pure; it does not ask whether the change is allowed (bounds.ts, `planChanges`).
 */
export function beginRollout(proposal: Proposal, guard: Guard, now: Date): RolloutPlan {
  const { cause, changes, id } = proposal;
  const whole = changes.find(({ kind }) => !isCanaryKind(kind));
  const isCanary = whole === undefined && guard.share !== undefined && guard.share < 1;
  const share = isCanary ? guard.share : undefined;
  const rollout: Rollout = {
    v: 1,
    id,
    mode: share === undefined ? 'before-after' : 'canary',
    guard,
    changes: changes.map(({ from, to, variable }) => ({ variable, from, to })),
    cause,
    committedAt: now.toISOString(),
  };
  const writes = changes.map(({ expect, from, to, variable }) =>
    share === undefined
      ? { variable, value: to, expect }
      : { variable, value: from, candidate: { value: to, share, salt: id }, expect },
  );
  if (whole === undefined || guard.share === undefined) return { rollout, writes };
  const message = `${whole.variable} is of kind ${whole.kind}, which is one for the whole team; before is compared with after instead`;
  return { rollout, writes, notice: { code: 'canary-unsupported', message } };
}

/** Is what stands there what this rollout has written, or has somebody written since (L3)? */
export function isOwn(rollout: Rollout, change: RolloutChange, standing: StandingValue | undefined): boolean {
  if (standing?.cause !== rollout.cause) return false;
  const { candidate, value } = standing;
  if (rollout.mode === 'before-after') return candidate === undefined && sameJson(value, change.to);
  return (
    candidate?.salt === rollout.id && sameJson(candidate.value, change.to) && sameJson(value, change.from)
  );
}
