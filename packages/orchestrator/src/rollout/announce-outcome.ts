/**
 * Announcing what a rollout ended in: `event.adaptation.<hash>.<outcome>`, stored once, and the record says that it was. The event
 * follows its commit, so nothing is announced that did not happen; a leader killed between leaves it to its successor.
 */
import { trace } from '@opentelemetry/api';
import { contextFrom, formatTraceparent, jsonBytes, MabeamError } from '@mabeam/bus';
import { attributes } from '@mabeam/telemetry/api';
import {
  adaptationKey,
  type AdaptationDecided,
  type AdaptationOutcome,
  type AdaptationRecord,
} from '../adaptation/adaptation-record.ts';
import type { StoredAdaptation } from '../state/space-state.ts';
import type { Term } from '../term/term.ts';

const announced: ReadonlySet<AdaptationOutcome> = new Set([
  'success',
  'partial-success',
  'failure',
  'rolled-back',
  'superseded',
]);

/** Has this ended as a rollout does, and has nobody been told? */
export function isUnannounced({ announcedAt, changes, outcome }: AdaptationRecord): boolean {
  return announced.has(outcome) && changes.length > 0 && announcedAt === undefined;
}

/** Stores the event unless it is there, and notes it in the record. */
export async function announceOutcome(
  term: Term,
  { hash, record, revision }: StoredAdaptation,
): Promise<void> {
  const { leadership, mirror, space } = term;
  const parent = contextFrom(record.traceparent);
  const about = {
    [attributes.alwaysSample]: true,
    [attributes.space]: space,
    [attributes.adaptation]: hash,
    [attributes.variableRevision]: revision,
  };
  const tracer = trace.getTracer('@mabeam/orchestrator');
  const span = tracer.startSpan(`adaptation ${record.outcome}`, { attributes: about }, parent);
  try {
    await storeOutcome(term, hash, record, formatTraceparent(span.spanContext()));
    const body: AdaptationRecord = { ...record, announcedAt: new Date().toISOString() };
    const outcome = await leadership.commit([{ key: adaptationKey(hash), body, expect: revision }]);
    if (outcome.kind === 'committed') await mirror.reach(outcome.revision);
    else await mirror.refresh();
  } finally {
    span.end();
  }
}

async function storeOutcome(
  { bus, subjects }: Term,
  hash: string,
  { changes, id, outcome, reason, rollout, rule, source, trigger }: AdaptationRecord,
  traceparent: string,
): Promise<void> {
  const evidence = rollout?.decision?.evidence;
  const body: AdaptationDecided = { id, source, trigger, rule, changes, outcome, reason, evidence };
  const headers = { 'Content-Type': 'application/json', traceparent };
  const subject = subjects.event('adaptation', hash, outcome);
  const messageId = `${hash}-${outcome}`;
  try {
    await bus.store(subject, jsonBytes(body), { headers, messageId, expectLastSequence: 0 });
  } catch (error) {
    if (!(error instanceof MabeamError) || error.code !== 'conflict') throw error;
  }
}
