/**
 * Adapting: from triggers in the event stream to changes in the bucket.
 *
 * T1 A trigger is acknowledged only when its record is in the bucket, so a leader that dies on the way leaves it to its
 *    successor.
 * T2 The record is created in the batch of its change, expecting none: of all deliveries, leaders and races at most one
 *    commits. Finding the record there, or the marker of one that was pruned, is the outcome `duplicate`.
 * T3 What was asked while the space was frozen is recorded as `frozen` and never acts (freeze.ts, Z2).
 * T4 A lost race for a variable is decided anew on the newer state, at most three times; then the trigger waits its turn
 *    again.
 */
import {
  consumeStream,
  contextFrom,
  formatTraceparent,
  inSpan,
  MabeamError,
  pause,
  type BatchWrite,
  type Delivery,
} from '@mabeam/bus';
import { attributes } from '@mabeam/telemetry/api';
import { freezeKey, planChanges, triggerCause } from '@mabeam/variables';
import type { Span } from '@opentelemetry/api';
import { adaptationKey, type AdaptationRecord } from './adaptation-record.ts';
import { orchestratorError } from '../errors.ts';
import { describeFreeze, FreezeHistory, isFrozenAt } from '../term/freeze.ts';
import { orchestratorAuthor } from '../term/repair.ts';
import { decideAdaptation, type Decision } from './rules.ts';
import type { SpaceState } from '../state/space-state.ts';
import type { Term } from '../term/term.ts';
import { identityHash, readTrigger, type MalformedTrigger, type Trigger } from './trigger.ts';

const durable = 'orchestrator';
/** A dead leader's triggers come to its successor after this. */
const ackWaitMs = 5_000;
const maxAttempts = 3;
const retryMs = 1_000;
const frozenThen = 'the space was frozen when the trigger came';

/** Answers triggers, one at a time, until the term is over. */
export async function runAdaptations(term: Term): Promise<void> {
  const { bus, names, signal, subjects } = term;
  const options = {
    stream: names.events,
    durable,
    filter: subjects.at('trigger.>'),
    maxMessages: 4,
    ackWaitMs,
  };
  const freezes = new FreezeHistory(bus, names.bucket);
  while (!signal.aborted) {
    try {
      for await (const delivery of consumeStream(bus, { ...options, signal }))
        await answer(term, freezes, delivery);
    } catch (error) {
      if (signal.aborted) return;
      term.log.warn({ err: error }, 'the consumer of triggers failed; it is opened again');
      await pause(retryMs, signal);
    }
  }
}

async function answer(term: Term, freezes: FreezeHistory, delivery: Delivery): Promise<void> {
  const trigger = readTrigger(delivery);
  const hash = identityHash(trigger);
  const about = { trigger: trigger.name, source: trigger.source, id: trigger.id, adaptation: hash };
  const span = {
    kind: 'consumer',
    name: `adapt on ${trigger.name}`,
    attributes: {
      [attributes.alwaysSample]: true,
      [attributes.space]: term.space,
      [attributes.trigger]: trigger.name,
      [attributes.adaptation]: hash,
      [attributes.messagingDestination]: delivery.subject,
    },
    parent: contextFrom(trigger.traceparent),
  } as const;
  try {
    const outcome = await inSpan(span, (active) =>
      adaptOnce(term, freezes, { trigger, hash, delivery, span: active }),
    );
    delivery.ack();
    term.log.info(
      { ...about, outcome: outcome.kind, reason: outcome.reason },
      `trigger ${trigger.name}: ${outcome.kind}`,
    );
  } catch (error) {
    // Whoever leads now is to have it at once, not when this delivery has run out.
    if (term.signal.aborted) return delivery.nak();
    term.log.warn({ ...about, err: error }, `trigger ${trigger.name} could not be answered; it comes again`);
    delivery.nak(retryMs);
  }
}

interface Incoming {
  readonly trigger: Trigger | MalformedTrigger;
  readonly hash: string;
  readonly delivery: Pick<Delivery, 'at'>;
  readonly span: Span | undefined;
}

interface Answer {
  readonly kind: AdaptationRecord['outcome'] | 'duplicate';
  readonly reason?: string | undefined;
}

/** Decides and commits (T2–T4). */
async function adaptOnce(term: Term, freezes: FreezeHistory, incoming: Incoming): Promise<Answer> {
  const { leadership, mirror } = term;
  const key = adaptationKey(incoming.hash);
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const { freeze, state } = mirror;
    const [expect, freezeRevision] = [mirror.revisionOf(key), mirror.revisionOf(freezeKey)];
    const before = formerAnswer(state, key, expect);
    if (before !== undefined) return { kind: 'duplicate', reason: before };
    const wasFrozen = isFrozenAt(await freezes.periods(freezeRevision), incoming.delivery.at);
    const frozen = freeze === undefined ? (wasFrozen ? frozenThen : undefined) : describeFreeze(freeze);
    const { record, writes } = planAdaptation({ ...state, frozen }, incoming, new Date());
    const outcome = await leadership.commit([...writes, { key, body: record, expect }], { freezeRevision });
    if (outcome.kind === 'committed') {
      incoming.span?.setAttribute(attributes.variableRevision, outcome.revision);
      await mirror.reach(outcome.revision);
      return { kind: record.outcome, reason: record.reason };
    }
    if (outcome.kind === 'deposed') {
      throw orchestratorError('leader-deposed', 'another orchestrator leads; it will answer this trigger');
    }
    await mirror.refresh();
  }
  throw orchestratorError(
    'adaptation-contended',
    `others wrote first ${maxAttempts} times in a row; the trigger is delivered again`,
  );
}

/** What became of this identity before, if it has been answered; an unreadable record is a stranger's and no answer. */
function formerAnswer(state: SpaceState, key: string, revision: number): string | undefined {
  const known = state.adaptations.get(key);
  if (known !== undefined) return `answered before: ${known.record.outcome}`;
  const isPruned = revision > 0 && !state.problems.has(key);
  return isPruned ? 'answered before; the record was pruned' : undefined;
}

/** The state a trigger is answered on. */
interface TriggerSituation extends SpaceState {
  /** Why the trigger may not act (T3); absent when it may. */
  readonly frozen: string | undefined;
}

/** The record of a trigger, and the writes of its changes. Pure. */
function planAdaptation(
  state: TriggerSituation,
  { trigger, delivery, span }: Incoming,
  now: Date,
): { readonly record: AdaptationRecord; readonly writes: readonly BatchWrite[] } {
  const cause = triggerCause(trigger.source, trigger.id);
  const { decision, writes } = planDecision(state, decide(state, trigger, now), { cause, now });
  const changes = decision.kind === 'adapt' ? decision.changes : [];
  const at = now.toISOString();
  const record: AdaptationRecord = {
    v: 1,
    source: trigger.source,
    id: trigger.id,
    trigger: trigger.name,
    rule: decision.kind === 'adapt' ? decision.rule : '',
    changes,
    outcome: decision.kind === 'adapt' ? 'committed' : decision.kind,
    reason: decision.kind === 'no-rule' ? undefined : decision.reason,
    at,
    triggeredAt: delivery.at.toISOString(),
    committedAt: decision.kind === 'adapt' ? at : undefined,
    traceparent: span === undefined ? undefined : formatTraceparent(span.spanContext()),
  };
  return { record, writes };
}

type Verdict = Decision | { readonly kind: 'malformed' | 'frozen'; readonly reason: string };

/**
 * The writes of a decision. What the space does not allow – a value that breaks a bond with another variable, a predicate this
 * process does not know – is decided for good: it becomes a noop that says so, or the trigger would come again for ever.
 */
function planDecision(
  { view }: TriggerSituation,
  decision: Verdict,
  { cause, now }: { readonly cause: string; readonly now: Date },
): { readonly decision: Verdict; readonly writes: readonly BatchWrite[] } {
  if (decision.kind !== 'adapt') return { decision, writes: [] };
  const wishes = decision.changes.map(({ variable, to }) => ({ id: variable, value: to }));
  try {
    return { decision, writes: planChanges(view, wishes, { by: orchestratorAuthor, cause, at: now }).writes };
  } catch (error) {
    if (!(error instanceof MabeamError) || error.retryable) throw error;
    const reason = `rule ${decision.rule}: ${error.message} (${error.code})`;
    return { decision: { kind: 'noop', reason }, writes: [] };
  }
}

function decide(state: TriggerSituation, trigger: Trigger | MalformedTrigger, now: Date): Verdict {
  if (trigger.kind === 'malformed') return { kind: 'malformed', reason: trigger.reason };
  if (state.frozen !== undefined) return { kind: 'frozen', reason: state.frozen };
  return decideAdaptation({
    rules: [...state.rules.values()],
    trigger: trigger.name,
    variables: state.view.variables,
    history: [...state.adaptations.values()].map(({ record }) => record),
    now: now.getTime(),
  });
}
