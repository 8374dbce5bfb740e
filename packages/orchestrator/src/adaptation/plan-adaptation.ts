/**
 * What an answer to a trigger or event is to write: its record, and the changes of the rules that answer. Pure.
 */
import { formatTraceparent, MabeamError, type BatchWrite, type Delivery } from '@mabeam/bus';
import { planChanges, triggerCause, type Json, type SpaceView } from '@mabeam/variables';
import type { Span } from '@opentelemetry/api';
import type { AdaptationChange, AdaptationRecord } from './adaptation-record.ts';
import { decideAdaptation, type Decision, type Occasion } from './rules.ts';
import { proposeRollout, wishesOf, type Identity } from '../rollout/plan-rollout.ts';
import type { RolloutPlan } from '../rollout/rollout.ts';
import type { SpaceState } from '../state/space-state.ts';
import { orchestratorAuthor } from '../term/repair.ts';
import type { MalformedTrigger, Trigger } from './trigger.ts';

/** A trigger or an event on its way to an answer. */
export interface Incoming {
  readonly trigger: Trigger | MalformedTrigger;
  readonly occasion: Occasion;
  /** Of its identity. */
  readonly hash: string;
  readonly delivery: Pick<Delivery, 'at'>;
  readonly span: Span | undefined;
}

/** The state a trigger is answered on. */
export interface TriggerSituation extends SpaceState {
  /** Why the trigger may not act; absent when it may. */
  readonly frozen: string | undefined;
}

/** The record of a trigger, and the writes of its changes. */
export function planAdaptation(
  state: TriggerSituation,
  incoming: Incoming,
  now: Date,
): { readonly record: AdaptationRecord; readonly writes: readonly BatchWrite[] } {
  const { delivery, occasion, span, trigger } = incoming;
  const cause = triggerCause(trigger.source, trigger.id);
  const { hash } = incoming;
  const identity = { source: trigger.source, id: trigger.id, hash };
  const planned = planDecision(state, decide(state, { trigger, occasion }, now), { cause, identity, now });
  const { decision, rollout, writes } = planned;
  const changes = changesOf(decision);
  const at = now.toISOString();
  const record: AdaptationRecord = {
    v: 1,
    source: trigger.source,
    id: trigger.id,
    trigger: trigger.name,
    rule: decision.kind === 'adapt' ? decision.rule : '',
    changes,
    outcome: outcomeOf(decision, rollout),
    reason: rollout === undefined ? decision.reason : (rollout.notice?.message ?? decision.reason),
    at,
    triggeredAt: delivery.at.toISOString(),
    committedAt: decision.kind === 'adapt' ? at : undefined,
    traceparent: span === undefined ? undefined : formatTraceparent(span.spanContext()),
    rollout: rollout?.rollout,
  };
  return { record, writes };
}

function outcomeOf(decision: Verdict, rollout: RolloutPlan | undefined): AdaptationRecord['outcome'] {
  if (decision.kind !== 'adapt') return decision.kind;
  return rollout === undefined ? 'committed' : 'evaluating';
}

interface PlannedVerdict {
  readonly decision: Verdict;
  readonly writes: readonly BatchWrite[];
  readonly rollout?: RolloutPlan;
}

type Verdict = Decision | { readonly kind: 'malformed' | 'frozen'; readonly reason: string };

/**
 * The writes of a decision. What the space does not allow – a value that breaks a bond with another variable, a predicate this
 * process does not know – is decided for good: it becomes a noop that says so, or the trigger would come again for ever.
 */
function planDecision(
  { view }: TriggerSituation,
  decision: Verdict,
  { cause, identity, now }: { readonly cause: string; readonly identity: Identity; readonly now: Date },
): PlannedVerdict {
  if (decision.kind !== 'adapt') return { decision, writes: [] };
  const plain = decision.changes.map(({ variable, to }) => ({ id: variable, value: to }));
  const rollout = rolloutOf(view, decision, { identity, now });
  const wishes = [...plain, ...wishesOf(rollout?.writes ?? [])];
  try {
    const { writes } = planChanges(view, wishes, { by: orchestratorAuthor, cause, at: now });
    return rollout === undefined ? { decision, writes } : { decision, writes, rollout };
  } catch (error) {
    if (!(error instanceof MabeamError) || error.retryable) throw error;
    const reason = `rule ${decision.rule}: ${error.message} (${error.code})`;
    return { decision: { kind: 'noop', reason }, writes: [] };
  }
}

/** How the change that is to be judged begins; undefined when none is. */
function rolloutOf(
  view: SpaceView,
  { guarded }: Extract<Decision, { readonly kind: 'adapt' }>,
  { identity, now }: { readonly identity: Identity; readonly now: Date },
): RolloutPlan | undefined {
  if (guarded === undefined) return undefined;
  const { from, to, variable } = guarded.change;
  // A rule's values come from the view and from its validation.
  const change = { variable, from: from as Json, to: to as Json };
  return proposeRollout(view, { identity, changes: [change], guard: guarded.guard }, now);
}

/** All that a decision changes. */
function changesOf(decision: Verdict): readonly AdaptationChange[] {
  if (decision.kind !== 'adapt') return [];
  return [...decision.changes, ...(decision.guarded === undefined ? [] : [decision.guarded.change])];
}

function decide(
  state: TriggerSituation,
  { occasion, trigger }: Pick<Incoming, 'occasion' | 'trigger'>,
  now: Date,
): Verdict {
  if (trigger.kind === 'malformed') return { kind: 'malformed', reason: trigger.reason };
  if (state.frozen !== undefined) return { kind: 'frozen', reason: state.frozen };
  return decideAdaptation({
    rules: [...state.rules.values()],
    occasion,
    body: trigger.body,
    attributes: trigger.attributes,
    variables: state.view.variables,
    history: [...state.adaptations.values()].map(({ record }) => record),
    now: now.getTime(),
  });
}
