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
 * T5 An event has a record only when it has changed something: nobody asked for an answer, and there may be very many.
 */
import { consumeStream, contextFrom, inSpan, pause, type Delivery } from '@mabeam/bus';
import { attributes } from '@mabeam/telemetry/api';
import { freezeKey } from '@mabeam/variables';
import { adaptationKey, type AdaptationRecord } from './adaptation-record.ts';
import { orchestratorError } from '../errors.ts';
import { describeFreeze, FreezeHistory, isFrozenAt } from '../term/freeze.ts';
import { planAdaptation, type Incoming } from './plan-adaptation.ts';
import type { SpaceState } from '../state/space-state.ts';
import type { Term } from '../term/term.ts';
import { identityHash, readTrigger } from './trigger.ts';

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
      adaptOnce(term, freezes, {
        trigger,
        occasion: { trigger: trigger.name },
        hash,
        delivery,
        span: active,
      }),
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

/** What became of a trigger or an event; `unanswered`: an event that changed nothing, of which no record is kept (T5). */
export interface Answer {
  readonly kind: AdaptationRecord['outcome'] | 'duplicate' | 'unanswered';
  readonly reason?: string | undefined;
}

/** Decides and commits (T2–T5). Throws `leader-deposed`, `adaptation-contended`. */
export async function adaptOnce(term: Term, freezes: FreezeHistory, incoming: Incoming): Promise<Answer> {
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
    if ('event' in incoming.occasion && record.changes.length === 0)
      return { kind: 'unanswered', reason: record.reason ?? record.outcome };
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
