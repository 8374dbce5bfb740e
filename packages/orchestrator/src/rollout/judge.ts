/**
 * Judging a rollout: from its record and what is observed, what is to be done now. Pure and level-triggered: the same record and
 * observations give the same verdict, whoever asks, whenever and how often; so a successor carries on where a killed judge stopped.
 *
 * J1 What is decided stays: a rollout with a decision asks for no writes.
 * J2 If somebody has written one of its variables since, the rollout is superseded and that variable is left as it is. Candidates it
 *    still carries on other variables are withdrawn, for nobody else ever would.
 * J3 Taken back is taken back exactly: the value written is `from`, as a new revision, with no candidate.
 * J4 It ends. When the last window is over there is a decision, also without any score.
 *
 *                        worse (e ≥ 1/α) by more than the tolerance ──► roll-back, rolled-back
 *   evaluating ──┬────── last window over: scored often enough ───────► promote (canary) or finish: success, partial-success
 *                │                         too few scores ────────────► canary: roll-back, failure; else finish, partial-success
 *                ├────── arrived nowhere in time ─────────────────────► roll-back, failure
 *                └────── somebody has written ────────────────────────► superseded
 */
import { estimateDrift } from './drift.ts';
import { weighBlocks, type Weighing } from './e-process.ts';
import { impactOf, isSizeable, summariseArm, type Evidence } from './evidence.ts';
import type { Block } from './rank-evidence.ts';
import {
  isOwn,
  type Rollout,
  type RolloutChange,
  type RolloutOutcome,
  type RolloutWrite,
  type StandingValue,
} from './rollout.ts';
import { forTest, gatherSamples, pool, windowsBefore, windowsEnded, type Score } from './samples.ts';
import { isSilent } from './silence.ts';

/** How far the change has got. */
export interface Arrival {
  /** When it was found to have arrived everywhere, in ms since the epoch; absent until then. Once known it must not change. */
  readonly at?: number | undefined;
  /** Instances that work with it, of those that should. */
  readonly applied: number;
  readonly of: number;
}

/** All that a judge looks at. */
export interface RolloutObservations {
  /** Every score of the guard's metric that was stored from `scoresNeededFrom(rollout)` until `now`; others do no harm. */
  readonly scores: readonly Score[];
  /** By variable; one that is absent has been deleted. */
  readonly standing: ReadonlyMap<string, StandingValue>;
  readonly arrival: Arrival;
}

/** What is to be done. `writes` and the record with its decision are one commit; `continue` commits nothing. */
export type RolloutVerdict =
  | { readonly kind: 'continue'; readonly lookAtMs: number; readonly evidence: Evidence }
  | {
      readonly kind: 'promote' | 'finish' | 'roll-back' | 'superseded';
      readonly outcome: RolloutOutcome;
      readonly evidence: Evidence;
      readonly writes: readonly RolloutWrite[];
    };

type Decided = Exclude<RolloutVerdict, { readonly kind: 'continue' }>;

/** After this the evaluation begins with those who work with the change, in ms from its commit. */
export const arrivalLimitMs = 30_000;
const fewestSamples = 3;

/**
 * The verdict on a rollout now (J1–J4). `continue` says when to look again at the latest (`lookAtMs`, ms since the epoch); looking
 * earlier, and on every change of the variables, does no harm.
 */
export function judgeRollout(rollout: Rollout, observed: RolloutObservations, now: Date): RolloutVerdict {
  if (rollout.decision !== undefined) return { kind: 'finish', ...rollout.decision, writes: [] };
  const startedAt = startOf(rollout, observed.arrival, now.getTime());
  const review = reviewScores(rollout, observed, { startedAt, now });
  const foreign = rollout.changes.filter(
    (change) => !isOwn(rollout, change, observed.standing.get(change.variable)),
  );
  if (foreign.length > 0) return supersede(rollout, observed, { review, foreign });
  if (startedAt === undefined) {
    const lookAtMs = Date.parse(rollout.committedAt) + arrivalLimitMs;
    return { kind: 'continue', lookAtMs, evidence: because(review, 'waiting until the change has arrived') };
  }
  return judgeEvaluation(rollout, observed, { review, startedAt });
}

/** The rollout with a decision, to be written into its record in the batch of the verdict's writes. */
export function settleRollout(rollout: Rollout, { evidence, outcome }: Decided): Rollout {
  return { ...rollout, decision: { outcome, evidence } };
}

interface Review {
  readonly evidence: Evidence;
  readonly isWorse: boolean;
}

/** When the windows begin; undefined while the change may still arrive. */
function startOf({ committedAt }: Rollout, { at }: Arrival, now: number): number | undefined {
  const limit = Date.parse(committedAt) + arrivalLimitMs;
  if (at !== undefined) return Math.min(limit, Math.max(at, Date.parse(committedAt)));
  return now >= limit ? limit : undefined;
}

/** Weighs what the windows that have ended have brought. */
function reviewScores(
  rollout: Rollout,
  { scores }: RolloutObservations,
  { now, startedAt }: { readonly startedAt: number | undefined; readonly now: Date },
): Review {
  const { guard, mode } = rollout;
  const ended = startedAt === undefined ? 0 : windowsEnded(rollout, startedAt, now.getTime());
  const blocks = startedAt === undefined ? [] : gatherSamples(rollout, scores, { ended, startedAt });
  const { eValues, isWorse } = weigh(rollout, blocks, scores);
  const all = pool(blocks);
  const arms = { incumbent: summariseArm(all.incumbent), candidate: summariseArm(all.candidate) };
  const evidence: Evidence = {
    metric: guard.metric,
    mode,
    ...arms,
    ...impactOf(arms, guard.direction),
    eValues,
    threshold: 1 / guard.alpha,
    windows: ended,
    windowsPlanned: guard.windows,
    decidedAt: now.toISOString(),
    reason: '',
  };
  return { evidence, isWorse };
}

function weigh(rollout: Rollout, blocks: readonly Block[], scores: readonly Score[]): Weighing {
  const { guard, mode } = rollout;
  return weighBlocks(
    blocks.map((block) => forTest(block, rollout)),
    {
      alpha: guard.alpha,
      windows: guard.windows,
      drift: mode === 'canary' ? 0 : estimateDrift(windowsBefore(rollout, scores)),
    },
  );
}

function judgeEvaluation(
  rollout: Rollout,
  observed: RolloutObservations,
  { review, startedAt }: { readonly review: Review; readonly startedAt: number },
): RolloutVerdict {
  const { guard } = rollout;
  const { evidence, isWorse } = review;
  const { applied, at, of } = observed.arrival;
  const takeBack = (outcome: RolloutOutcome, reason: string): Decided => ({
    kind: 'roll-back',
    outcome,
    evidence: because(review, reason),
    writes: writesOf(rollout, observed, 'from'),
  });
  if (at === undefined && applied === 0 && of > 0)
    return takeBack('failure', `after ${arrivalLimitMs} ms nobody worked with the change`);
  if (isWorse && isSizeable(evidence, guard)) return takeBack('rolled-back', worseReason(evidence));
  if (evidence.windows < guard.windows) {
    const lookAtMs = startedAt + (evidence.windows + 1) * guard.windowMs;
    const reason = `${evidence.windows} of ${guard.windows} windows have ended`;
    return { kind: 'continue', lookAtMs, evidence: because(review, reason) };
  }
  const shortfall = shortfallOf(rollout, evidence);
  if (shortfall.kind === 'silent') return takeBack('rolled-back', shortfall.reason);
  if (shortfall.kind === 'few' && rollout.mode === 'canary') return takeBack('failure', shortfall.reason);
  return conclude(rollout, observed, { review, shortfall });
}

type Shortfall = { readonly kind: 'none' } | { readonly kind: 'few' | 'silent'; readonly reason: string };

/** Were there scores to judge by? A canary whose share of them is missing has fallen silent. */
function shortfallOf({ guard, mode }: Rollout, { candidate, incumbent }: Evidence): Shortfall {
  const [ours, theirs] = [candidate.samples, incumbent.samples];
  const share = guard.share ?? 1;
  const counts = `${ours} scores of the candidate, ${theirs} of the incumbent`;
  // A tenth of alpha, so that the two ways of being blamed are hardly more than one.
  const draw = { candidate: ours, all: ours + theirs, share, level: guard.alpha / 10 };
  if (mode === 'canary' && isSilent(draw))
    return { kind: 'silent', reason: `${counts}, at a share of ${share}: it has fallen silent` };
  const needed = share >= 1 && mode === 'canary' ? ours : Math.min(ours, theirs);
  return needed < fewestSamples
    ? { kind: 'few', reason: `${counts}: too few to judge by` }
    : { kind: 'none' };
}

/** Not found worse in the time planned: the change stays. */
function conclude(
  rollout: Rollout,
  observed: RolloutObservations,
  { review, shortfall }: { readonly review: Review; readonly shortfall: Shortfall },
): Decided {
  const { evidence, isWorse } = review;
  const { applied, at, of } = observed.arrival;
  const { relativeImpact = 0 } = evidence;
  const doubts = [
    ...(shortfall.kind === 'none' ? [] : [shortfall.reason]),
    ...(at === undefined && applied < of ? [`${applied} of ${of} instances work with it`] : []),
    ...(isWorse ? ['it is worse, but by no more than the tolerance'] : []),
    ...(!isWorse && relativeImpact < -rollout.guard.tolerance
      ? [`it looks ${percent(-relativeImpact)} worse, which is not proved`]
      : []),
  ];
  const found = evidence.impact === undefined ? 'nothing was measured' : `impact ${percent(relativeImpact)}`;
  return {
    kind: rollout.mode === 'canary' ? 'promote' : 'finish',
    outcome: doubts.length === 0 ? 'success' : 'partial-success',
    evidence: because(review, doubts.length === 0 ? `not found worse; ${found}` : doubts.join('; ')),
    writes: rollout.mode === 'canary' ? writesOf(rollout, observed, 'to') : [],
  };
}

/** J2. */
function supersede(
  rollout: Rollout,
  observed: RolloutObservations,
  { foreign, review }: { readonly review: Review; readonly foreign: readonly RolloutChange[] },
): Decided {
  const left = rollout.changes.filter((change) => !foreign.includes(change));
  const names = foreign.map(({ variable }) => variable).join(', ');
  return {
    kind: 'superseded',
    outcome: 'superseded',
    evidence: because(review, `somebody has written ${names} since`),
    writes: rollout.mode === 'canary' ? writesOf({ ...rollout, changes: left }, observed, 'from') : [],
  };
}

/** Only what stands there as this rollout left it is written, at the revision it was seen at. */
function writesOf(
  { changes }: Rollout,
  { standing }: RolloutObservations,
  which: 'from' | 'to',
): readonly RolloutWrite[] {
  return changes.flatMap((change) => {
    const expect = standing.get(change.variable)?.revision;
    return expect === undefined ? [] : [{ variable: change.variable, value: change[which], expect }];
  });
}

function because({ evidence }: Review, reason: string): Evidence {
  return { ...evidence, reason };
}

function worseReason({ eValues, relativeImpact, threshold, windows, windowsPlanned }: Evidence): string {
  const size = relativeImpact === undefined ? 'worse' : `worse: impact ${percent(relativeImpact)}`;
  const weight = Math.max(...eValues).toPrecision(3);
  return `${size}; evidence ${weight} ≥ ${threshold.toPrecision(3)} after ${windows} of ${windowsPlanned} windows`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
