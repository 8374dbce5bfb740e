/**
 * What a command is to write: the record and the values, planned on one state. Pure.
 *
 * U1 Undone is undone exactly: the value written is the former one, with no candidate, as a new revision.
 * U2 Only what stands there as the adaptation left it is undone or promoted; somebody else's write since is never overwritten.
 * U3 While a guard judges a variable nobody begins another adaptation of it.
 */
import { sameJson, planChanges, triggerCause, type Json, type SpaceView } from '@mabeam/variables';
import type { BatchWrite } from '@mabeam/bus';
import type { AdaptationChange, AdaptationRecord } from '../adaptation/adaptation-record.ts';
import { identityHash } from '../adaptation/trigger.ts';
import { orchestratorError } from '../errors.ts';
import type { SpaceState, StoredAdaptation } from '../state/space-state.ts';
import type { AdaptRequest, ChosenAdaptation } from './adaptation-request.ts';
import { planDecision } from './decide-rollout.ts';
import type { Evidence } from './evidence.ts';
import { isEvaluating, proposeRollout, standingOf, wishesOf } from './plan-rollout.ts';
import { isOwn } from './rollout.ts';

/** What is to be committed, expecting the record at `expect`; but for `written` nothing is. */
export interface PlannedRecord {
  readonly kind: 'written' | 'noop' | 'duplicate';
  readonly hash: string;
  readonly record: AdaptationRecord;
  readonly expect: number;
  readonly writes: readonly BatchWrite[];
}

/** What is known when a decision is taken by hand. */
export interface ByHand {
  /** What the evaluation has found so far; absent: there is none. */
  readonly evidence: Evidence | undefined;
  readonly now: Date;
}

/** The adaptation with this hash. Throws `unknown-id`. */
export function storedAdaptation({ adaptations }: SpaceState, hash: string): StoredAdaptation {
  const found = [...adaptations.values()].find((each) => each.hash === hash);
  if (found !== undefined) return found;
  const message = `there is no adaptation ${hash}; mabeam adapt list shows those that are kept`;
  throw orchestratorError('unknown-id', message, { details: { id: hash } });
}

/** The plan of a change. Throws `change-in-flight`, and what planChanges throws. */
export function planChangeSet(state: SpaceState, wish: AdaptRequest, now: Date): PlannedRecord {
  const source = `operator:${wish.by}`;
  const hash = identityHash({ source, id: wish.id });
  const known = [...state.adaptations.values()].find((each) => each.hash === hash);
  if (known !== undefined)
    return { kind: 'duplicate', hash, record: known.record, expect: known.revision, writes: [] };
  assertNoneInFlight(state, wish);
  const cause = triggerCause(source, wish.id);
  const authorship = { by: wish.by, cause, at: now };
  const wishes = wish.changes.map(({ value, variable }) => ({ id: variable, value }));
  const plain = planChanges(state.view, wishes, authorship);
  const changes = plain.changes
    .filter(({ isDifferent }) => isDifferent)
    .map(({ from, id, to }) => ({ variable: id, from, to }));
  const record = recordOf({ wish, source, changes, now });
  if (changes.length === 0) return { kind: 'noop', hash, record, expect: 0, writes: [] };
  if (wish.guard === undefined) return { kind: 'written', hash, record, expect: 0, writes: plain.writes };
  const identity = { source, id: wish.id, hash };
  const plan = proposeRollout(state.view, { identity, changes, guard: wish.guard }, now);
  const { writes } = planChanges(state.view, wishesOf(plan.writes), authorship);
  const { notice, rollout } = plan;
  const judged: AdaptationRecord = { ...record, outcome: 'evaluating', rollout, reason: notice?.message };
  return { kind: 'written', hash, record: judged, expect: 0, writes };
}

/**
 * The plan of an undoing: of a change that is judged, that has been found good, or that was never judged. Throws `not-undoable`
 * when nothing of it is there to undo, `written-since`, `unknown-id`, and what planChanges throws.
 */
export function planUndo(
  state: SpaceState,
  chosen: ChosenAdaptation,
  { evidence, now }: ByHand,
): PlannedRecord {
  const { hash, record, revision } = storedAdaptation(state, chosen.adaptation);
  if (record.changes.length === 0 || !undoable.has(record.outcome)) throw notUndoable(hash, record);
  const reason = `undone by ${chosen.by}`;
  assertOwn(state.view, hash, record);
  const wishes = record.changes.map(({ from, variable }) => ({ id: variable, value: from }));
  const cause = `undo of ${hash}`;
  const { writes } = planChanges(state.view, wishes, { by: chosen.by, cause, at: now });
  const { rollout } = record;
  const found = evidence ?? rollout?.decision?.evidence;
  const decision =
    found === undefined
      ? undefined
      : ({
          outcome: 'rolled-back',
          evidence: { ...found, decidedAt: now.toISOString(), reason },
        } as const);
  const undone: AdaptationRecord = {
    ...record,
    outcome: 'rolled-back',
    reason,
    rollout: rollout === undefined || decision === undefined ? rollout : { ...rollout, decision },
    undoneAt: now.toISOString(),
    announcedAt: undefined,
  };
  return { kind: 'written', hash, record: undone, expect: revision, writes };
}

/** The plan of a promotion before its time. Throws `not-undoable` when no guard judges it, `written-since`, `unknown-id`. */
export function planPromotion(
  state: SpaceState,
  chosen: ChosenAdaptation,
  { evidence, now }: ByHand,
): PlannedRecord {
  const { hash, record, revision } = storedAdaptation(state, chosen.adaptation);
  if (!isEvaluating(record) || evidence === undefined) {
    const message = `adaptation ${hash} is not being evaluated: it is ${record.outcome}; mabeam rollout list shows those that are`;
    throw orchestratorError('not-undoable', message, {
      details: { adaptation: hash, outcome: record.outcome },
    });
  }
  assertOwn(state.view, hash, record);
  const { rollout } = record;
  const standing = standingOf(state.view, rollout);
  const isCanary = rollout.mode === 'canary';
  const writes = rollout.changes.flatMap(({ to, variable }) => {
    const expect = standing.get(variable)?.revision;
    return isCanary && expect !== undefined ? [{ variable, value: to, expect }] : [];
  });
  const given = { ...evidence, decidedAt: now.toISOString(), reason: `promoted by ${chosen.by}` };
  const kind = isCanary ? ('promote' as const) : ('finish' as const);
  const verdict = { kind, outcome: 'success' as const, evidence: given, writes };
  const plan = planDecision(state.view, record, verdict, { by: chosen.by, now });
  return { kind: 'written', hash, expect: revision, ...plan };
}

const undoable: ReadonlySet<AdaptationRecord['outcome']> = new Set([
  'committed',
  'applied',
  'evaluating',
  'success',
  'partial-success',
]);

function notUndoable(hash: string, { outcome }: AdaptationRecord): Error {
  const message = `adaptation ${hash} is ${outcome}: nothing of it is there to undo`;
  return orchestratorError('not-undoable', message, { details: { adaptation: hash, outcome } });
}

/** U3. */
function assertNoneInFlight({ adaptations }: SpaceState, { changes }: AdaptRequest): void {
  const wished = new Set(changes.map(({ variable }) => variable));
  for (const { hash, record } of adaptations.values()) {
    if (!isEvaluating(record)) continue;
    const both = record.rollout.changes.find(({ variable }) => wished.has(variable));
    if (both === undefined) continue;
    const message = `a guard is judging a change of ${both.variable} (adaptation ${hash}); wait for it, or mabeam rollout undo ${hash}`;
    throw orchestratorError('change-in-flight', message, {
      details: { variable: both.variable, adaptation: hash },
    });
  }
}

/** U2. */
function assertOwn(view: SpaceView, hash: string, record: AdaptationRecord): void {
  const foreign = record.changes.find((change) => !isAsLeft(view, record, change));
  if (foreign === undefined) return;
  const by = view.variables.get(foreign.variable)?.entry?.by ?? 'nobody we know';
  const message = `${foreign.variable} has been written since adaptation ${hash}, by ${by}; write it by hand: mabeam variable rollback ${foreign.variable} <revision>`;
  throw orchestratorError('written-since', message, {
    details: { adaptation: hash, variable: foreign.variable },
  });
}

function isAsLeft(view: SpaceView, record: AdaptationRecord, { to, variable }: AdaptationChange): boolean {
  const { rollout } = record;
  const judged = rollout?.changes.find((change) => change.variable === variable);
  if (rollout !== undefined && judged !== undefined && rollout.decision === undefined)
    return isOwn(rollout, judged, standingOf(view, rollout).get(variable));
  const state = view.variables.get(variable);
  return state?.entry?.cause === triggerCause(record.source, record.id) && sameJson(state.value, to);
}

function recordOf({
  changes,
  now,
  source,
  wish,
}: {
  readonly wish: AdaptRequest;
  readonly source: string;
  readonly changes: readonly { readonly variable: string; readonly from: Json; readonly to: Json }[];
  readonly now: Date;
}): AdaptationRecord {
  const at = now.toISOString();
  return {
    v: 1,
    source,
    id: wish.id,
    trigger: 'operator',
    rule: '',
    changes: changes.map((change) => ({ rule: '', ...change })),
    outcome: changes.length === 0 ? 'noop' : 'committed',
    at,
    triggeredAt: at,
    committedAt: changes.length === 0 ? undefined : at,
  };
}
