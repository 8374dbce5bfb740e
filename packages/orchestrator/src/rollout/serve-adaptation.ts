/**
 * Adaptations by command: how people and programs have the space changed under guard, and how they undo or promote a change.
 *
 *   command.space.<space>.adapt    {changes: [{variable, value}…], guard?, id?, by?}   a change; with a guard it is judged
 *   command.space.<space>.undo     {adaptation, by?}     the exact former values, as new revisions
 *   command.space.<space>.promote  {adaptation, by?}     ends an evaluation: the change stays
 *
 * O1 Each is one fenced commit of the record with its writes, planned anew after a lost race, at most three times.
 * O2 A change is known by (source, id), as a trigger is: who asks again with the same id gets the same adaptation.
 * O3 What was in the bucket when a command came is seen by it: whoever has read an outcome there may go on from it at once.
 * O4 They are a person's wish, so they are served in a frozen space too.
 */
import type { BatchWrite, ServedRequest, Service } from '@mabeam/bus';
import type { SpaceState } from '../state/space-state.ts';
import type { Term } from '../term/term.ts';
import {
  adaptationKey,
  type AdaptationOutcome,
  type AdaptationRecord,
} from '../adaptation/adaptation-record.ts';
import { orchestratorError } from '../errors.ts';
import { assertMayPropose } from '../term/set-variable.ts';
import { judgeNow, type Judgement } from './run-rollouts.ts';
import { readAdapt, readChosen, type ChosenAdaptation } from './adaptation-request.ts';
import {
  planChangeSet,
  planPromotion,
  planUndo,
  storedAdaptation,
  type PlannedRecord,
} from './plan-command.ts';
import { isEvaluating } from './plan-rollout.ts';
import { openScoreLog } from './score-log.ts';

const maxAttempts = 3;

/** The answer to a command: what stands in the record now; `noop` and `duplicate` wrote nothing. */
export interface ChangeAnswer {
  readonly kind: 'written' | 'noop' | 'duplicate';
  readonly adaptation: string;
  readonly outcome: AdaptationOutcome;
  readonly mode?: 'canary' | 'before-after' | undefined;
  readonly reason?: string | undefined;
  /** Of the bucket; that of the present record when nothing was written. */
  readonly revision: number;
}

/** Serves the three commands until the services are closed. */
export function serveAdaptationCommands(term: Term): readonly Service[] {
  const serve = (
    verb: string,
    answer: (term: Term, request: ServedRequest) => Promise<ChangeAnswer>,
  ): Service =>
    term.bus.serve(term.subjects.at(`command.space.${term.space}.${verb}`), async (request) => {
      // O3.
      await term.mirror.refresh();
      return answer(term, request);
    });
  return [serve('adapt', adapt), serve('undo', undo), serve('promote', promote)];
}

function adapt(term: Term, request: ServedRequest): Promise<ChangeAnswer> {
  const wish = readAdapt(request);
  for (const { variable } of wish.changes) assertMayPropose(term, variable, request.from);
  return commitPlanned(term, (state) => planChangeSet(state, wish, new Date()));
}

async function undo(term: Term, request: ServedRequest): Promise<ChangeAnswer> {
  const chosen = readChosen(request, 'undo');
  assertMayChange(term, chosen, request);
  return commitPlanned(term, async (state) => {
    const judgement = await judged(term, state, chosen);
    return planUndo(judgement === undefined ? state : { ...state, view: judgement.view }, chosen, {
      evidence: judgement?.verdict.evidence,
      now: new Date(),
    });
  });
}

async function promote(term: Term, request: ServedRequest): Promise<ChangeAnswer> {
  const chosen = readChosen(request, 'promote');
  assertMayChange(term, chosen, request);
  return commitPlanned(term, async (state) => {
    const judgement = await judged(term, state, chosen);
    return planPromotion(judgement === undefined ? state : { ...state, view: judgement.view }, chosen, {
      evidence: judgement?.verdict.evidence,
      now: new Date(),
    });
  });
}

function assertMayChange(term: Term, chosen: ChosenAdaptation, request: ServedRequest): void {
  const { record } = storedAdaptation(term.mirror.state, chosen.adaptation);
  for (const { variable } of record.changes) assertMayPropose(term, variable, request.from);
}

/** What the evaluation has found so far; undefined when the adaptation is not being evaluated. */
async function judged(
  term: Term,
  state: SpaceState,
  { adaptation }: ChosenAdaptation,
): Promise<Judgement | undefined> {
  const stored = storedAdaptation(state, adaptation);
  const { record } = stored;
  if (!isEvaluating(record)) return undefined;
  const scores = openScoreLog(term.bus, term.space, record.rollout);
  return judgeNow(term, stored, { record, scores });
}

/** O1. */
async function commitPlanned(
  { leadership, mirror }: Term,
  plan: (state: SpaceState) => PlannedRecord | Promise<PlannedRecord>,
): Promise<ChangeAnswer> {
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const planned = await plan(mirror.state);
    const { expect, hash, kind, record, writes } = planned;
    if (kind !== 'written') return answerOf(planned, expect);
    const batch: readonly BatchWrite[] = [...writes, { key: adaptationKey(hash), body: record, expect }];
    const outcome = await leadership.commit(batch);
    if (outcome.kind === 'committed') {
      await mirror.reach(outcome.revision);
      return answerOf(planned, outcome.revision);
    }
    if (outcome.kind === 'deposed')
      throw orchestratorError('leader-deposed', 'another orchestrator leads; ask again');
    await mirror.refresh();
  }
  const message = `others wrote first ${maxAttempts} times in a row; ask again`;
  throw orchestratorError('adaptation-contended', message);
}

function answerOf({ hash, kind, record }: PlannedRecord, revision: number): ChangeAnswer {
  const { outcome, reason, rollout }: AdaptationRecord = record;
  return { kind, adaptation: hash, outcome, mode: rollout?.mode, reason, revision };
}
