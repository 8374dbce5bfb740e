/**
 * Closing adaptations: a committed change that has arrived everywhere is recorded `applied` and announced, once. Of a change under
 * guard the arrival is recorded and announced likewise; its evaluation begins with it.
 *
 * Level-triggered over the records in the bucket, so it does not matter which leader committed the change: a new one
 * finishes what it finds. The event goes first, stored expecting that there is none of this adaptation, so that it is announced
 * once whichever leaders try and however late; the record closes the matter.
 */
import { trace, type SpanContext } from '@opentelemetry/api';
import { contextFrom, formatTraceparent, jsonBytes, MabeamError } from '@mabeam/bus';
import { attributes } from '@mabeam/telemetry/api';
import { adaptationKey, type AdaptationApplied, type AdaptationRecord } from './adaptation-record.ts';
import { findLaggards, type Situation } from './settlement.ts';
import type { StoredAdaptation } from '../state/space-state.ts';
import type { Term } from '../term/term.ts';

/** Closes every open adaptation that has arrived; the others wait for a later round. */
export async function closeAdaptations(term: Term, situation: Situation): Promise<void> {
  const { adaptations, view } = term.mirror.state;
  const open = [...adaptations.values()]
    .filter(({ record }) => isUnderway(record))
    .toSorted((a, b) => a.revision - b.revision);
  for (const adaptation of open) {
    // The graph follows the selection in a commit of its own: wired in means that this has arrived too.
    const revision = Math.max(adaptation.revision, view.graph?.revision ?? 0);
    if (findLaggards(situation, revision).length > 0) return;
    await closeAdaptation(term, adaptation);
  }
}

/** Has it been committed and not been found applied? What a guard judges goes on being judged afterwards. */
export function isUnderway({ appliedAt, outcome }: AdaptationRecord): boolean {
  return outcome === 'committed' || (outcome === 'evaluating' && appliedAt === undefined);
}

async function closeAdaptation(term: Term, adaptation: StoredAdaptation): Promise<void> {
  const { leadership, log, mirror, space } = term;
  const { hash, record, revision } = adaptation;
  const applied = appliedOf(record, revision, new Date());
  const parent = contextFrom(record.traceparent);
  const span = trace.getTracer('@mabeam/orchestrator').startSpan(
    'adaptation applied',
    {
      startTime: Date.parse(applied.committedAt),
      attributes: {
        [attributes.alwaysSample]: true,
        [attributes.space]: space,
        [attributes.adaptation]: hash,
        [attributes.variableRevision]: revision,
      },
    },
    parent,
  );
  try {
    await announceApplied(term, { hash, applied, within: span.spanContext() });
    const next = record.outcome === 'committed' ? 'applied' : record.outcome;
    const closed: AdaptationRecord = {
      ...record,
      outcome: next,
      appliedAt: applied.appliedAt,
      revision,
    };
    const outcome = await leadership.commit([{ key: adaptationKey(hash), body: closed, expect: revision }]);
    if (outcome.kind !== 'committed') return;
    log.info(
      { adaptation: hash, revision, triggerToAppliedMs: applied.triggerToAppliedMs },
      `adaptation on ${record.trigger} applied`,
    );
    await mirror.reach(outcome.revision);
  } finally {
    span.end();
  }
}

interface Announcement {
  readonly hash: string;
  readonly applied: AdaptationApplied;
  readonly within: SpanContext;
}

/** Stores the event unless it is there; a predecessor's is as good. */
async function announceApplied(
  { bus, subjects }: Term,
  { applied, hash, within }: Announcement,
): Promise<void> {
  const headers = { 'Content-Type': 'application/json', traceparent: formatTraceparent(within) };
  try {
    const subject = subjects.event('adaptation', hash, 'applied');
    await bus.store(subject, jsonBytes(applied), { headers, messageId: hash, expectLastSequence: 0 });
  } catch (error) {
    if (!(error instanceof MabeamError) || error.code !== 'conflict') throw error;
  }
}

/** The event's body. Pure. */
function appliedOf(record: AdaptationRecord, revision: number, now: Date): AdaptationApplied {
  const { changes, id, rule, source, trigger, triggeredAt } = record;
  return {
    id,
    source,
    trigger,
    rule,
    changes,
    revision,
    triggeredAt,
    committedAt: record.committedAt ?? record.at,
    appliedAt: now.toISOString(),
    // The broker's clock and ours may differ by a little; an interval is never negative.
    triggerToAppliedMs: Math.max(0, now.getTime() - Date.parse(triggeredAt)),
  };
}
