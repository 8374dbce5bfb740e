/**
 * A guarded change on a view of the space: what is to be wished for, and what stands there now. Pure; the bridge between the plain
 * data of a rollout and the variables.
 */
import { triggerCause, type SpaceView, type WishedValue } from '@mabeam/variables';
import type { AdaptationRecord } from '../adaptation/adaptation-record.ts';
import { findLaggards, type Situation } from '../adaptation/settlement.ts';
import type { StoredAdaptation } from '../state/space-state.ts';
import type { Guard } from './guard.ts';
import type { Arrival } from './judge.ts';
import {
  beginRollout,
  type Rollout,
  type RolloutChange,
  type RolloutPlan,
  type RolloutWrite,
  type StandingValue,
} from './rollout.ts';

/** Whose change it is. */
export interface Identity {
  readonly source: string;
  readonly id: string;
  /** Of both. */
  readonly hash: string;
}

/**
 * The rollout of changes whose `to` is normalised and valid, on a view. Variables that are not there are left out: whoever plans the
 * writes is told of them.
 */
export function proposeRollout(
  view: SpaceView,
  {
    changes,
    guard,
    identity,
  }: {
    readonly identity: Identity;
    readonly changes: readonly RolloutChange[];
    readonly guard: Guard;
  },
  now: Date,
): RolloutPlan {
  const { hash, id, source } = identity;
  const proposed = changes.flatMap((change) => {
    const state = view.variables.get(change.variable);
    return state === undefined ? [] : [{ ...change, kind: state.definition.kind, expect: state.keyRevision }];
  });
  return beginRollout({ id: hash, cause: triggerCause(source, id), changes: proposed }, guard, now);
}

/** The wishes that bring these writes about, on the view they were made for. */
export function wishesOf(writes: readonly RolloutWrite[]): readonly WishedValue[] {
  return writes.map(({ candidate, value, variable }) => ({ id: variable, value, candidate }));
}

/** What stands there for the variables of a rollout. */
export function standingOf(view: SpaceView, { changes }: Rollout): ReadonlyMap<string, StandingValue> {
  return new Map(
    changes.flatMap(({ variable }) => {
      const state = view.variables.get(variable);
      if (state === undefined) return [];
      const { candidate, entry, keyRevision, value } = state;
      const cause = entry?.cause ?? '';
      return [[variable, { value, candidate, cause, revision: keyRevision }] as const];
    }),
  );
}

/** How far the change of an adaptation has got: settled when its record says so, counted before. */
export function arrivalOf(situation: Situation, { record, revision }: StoredAdaptation): Arrival {
  const of = situation.desired.length;
  const late = findLaggards(situation, record.revision ?? revision).filter(
    ({ reason }) => reason !== 'still-at-work',
  );
  const applied = Math.max(0, of - late.length);
  return record.appliedAt === undefined ? { applied, of } : { applied, of, at: Date.parse(record.appliedAt) };
}

/** Is a guard judging this adaptation now? */
export function isEvaluating(
  record: AdaptationRecord,
): record is AdaptationRecord & { readonly rollout: Rollout } {
  return record.outcome === 'evaluating' && record.rollout !== undefined;
}
