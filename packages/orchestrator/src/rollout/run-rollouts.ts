/**
 * Rollouts while a term lasts: each evaluation is looked at when its next window has ended and when anything in the space has changed,
 * judged (judge.ts), and decided by one fenced commit; then the outcome is announced.
 *
 * R1 Level-triggered over the records of the bucket and the scores of the event stream: a leader that is killed anywhere leaves
 *    nothing half, and its successor does what is missing.
 * R2 A decision and its writes are one commit, which expects what was judged: the record, each variable, and that nobody has frozen
 *    the space since. Who writes in between wins, and the next look sees it.
 * R3 In a frozen space nothing is decided. Windows are of time and go on; what they bring is judged after the unfreezing.
 * R4 The outcome is announced after its commit, once: the event is stored expecting that there is none, and then the record says so.
 */
import { pause } from '@mabeam/bus';
import { freezeKey, type SpaceView } from '@mabeam/variables';
import { adaptationKey } from '../adaptation/adaptation-record.ts';
import { situationOf } from '../state/space-mirror.ts';
import type { StoredAdaptation } from '../state/space-state.ts';
import type { Term } from '../term/term.ts';
import { announceOutcome, isUnannounced } from './announce-outcome.ts';
import { planDecision, type DecidedVerdict, type EvaluatedRecord } from './decide-rollout.ts';
import { judgeRollout, type RolloutVerdict } from './judge.ts';
import { arrivalOf, isEvaluating, standingOf } from './plan-rollout.ts';
import { openScoreLog, type ScoreLog } from './score-log.ts';

const everyMs = 100;
const restAfterErrorMs = 500;

/** Judges, decides and announces until the term is over. */
export async function runRollouts(term: Term): Promise<void> {
  const { log, mirror, signal } = term;
  const logs = new Map<string, ScoreLog>();
  let seen = { revision: -1, lookAtMs: 0 };
  while (!signal.aborted) {
    try {
      const revision = mirror.store.applied;
      if (revision !== seen.revision || Date.now() >= seen.lookAtMs)
        seen = { revision, lookAtMs: await lookOnce(term, logs) };
    } catch (error) {
      if (signal.aborted) return;
      seen = { revision: -1, lookAtMs: 0 };
      log.warn({ err: error }, 'a rollout could not be judged this time; it is looked at again');
      await pause(restAfterErrorMs, signal);
    }
    await pause(everyMs, signal);
  }
}

/** Looks at every rollout; when to look again at the latest, in ms since the epoch. */
async function lookOnce(term: Term, logs: Map<string, ScoreLog>): Promise<number> {
  const adaptations = [...term.mirror.state.adaptations.values()];
  for (const adaptation of adaptations) {
    if (isUnannounced(adaptation.record)) await announceOutcome(term, adaptation);
  }
  if (term.mirror.freeze !== undefined) return Number.POSITIVE_INFINITY;
  const open = adaptations.filter(({ record }) => isEvaluating(record));
  for (const hash of logs.keys()) if (!open.some((each) => each.hash === hash)) logs.delete(hash);
  let lookAtMs = Number.POSITIVE_INFINITY;
  for (const adaptation of open) lookAtMs = Math.min(lookAtMs, await lookAt(term, logs, adaptation));
  return lookAtMs;
}

async function lookAt(
  term: Term,
  logs: Map<string, ScoreLog>,
  adaptation: StoredAdaptation,
): Promise<number> {
  const { hash, record } = adaptation;
  if (!isEvaluating(record)) return Number.POSITIVE_INFINITY;
  const scores = logs.get(hash) ?? openScoreLog(term.bus, term.space, record.rollout);
  logs.set(hash, scores);
  const { freezeRevision, verdict, view } = await judgeNow(term, adaptation, { record, scores });
  if (verdict.kind === 'continue') return verdict.lookAtMs;
  await decide(term, { adaptation, record, verdict, view, freezeRevision });
  return Date.now();
}

/** A verdict, and on what it was passed. */
export interface Judgement {
  readonly verdict: RolloutVerdict;
  readonly view: SpaceView;
  readonly freezeRevision: number;
}

/** The verdict on a rollout as it stands now, by all scores that were stored before. */
export async function judgeNow(
  term: Pick<Term, 'mirror'>,
  adaptation: StoredAdaptation,
  { record, scores }: { readonly record: EvaluatedRecord; readonly scores: ScoreLog },
): Promise<Judgement> {
  const { mirror } = term;
  const now = new Date();
  const given = await scores.read();
  const freezeRevision = mirror.revisionOf(freezeKey);
  const { view } = mirror.state;
  const observed = {
    scores: given,
    standing: standingOf(view, record.rollout),
    arrival: arrivalOf(situationOf(mirror), adaptation),
  };
  return { verdict: judgeRollout(record.rollout, observed, now), view, freezeRevision };
}

interface Judged extends Judgement {
  readonly adaptation: StoredAdaptation;
  readonly record: EvaluatedRecord;
  readonly verdict: DecidedVerdict;
}

/** R2. */
async function decide(
  term: Term,
  { adaptation, freezeRevision, record, verdict, view }: Judged,
): Promise<void> {
  const { leadership, log, mirror } = term;
  // The space may have been frozen while the scores were read.
  if (mirror.freeze !== undefined) return;
  const plan = planDecision(view, record, verdict, { now: new Date() });
  const key = adaptationKey(adaptation.hash);
  const write = { key, body: plan.record, expect: adaptation.revision };
  const outcome = await leadership.commit([...plan.writes, write], { freezeRevision });
  if (outcome.kind === 'conflict') return mirror.refresh();
  if (outcome.kind === 'deposed') return;
  const about = { adaptation: adaptation.hash, outcome: plan.record.outcome, revision: outcome.revision };
  log.info(about, `rollout ${plan.record.outcome}: ${plan.record.reason}`);
  await mirror.reach(outcome.revision);
}
