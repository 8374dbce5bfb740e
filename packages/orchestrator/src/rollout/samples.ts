/**
 * From scores to the samples of both arms, window by window. Pure.
 *
 * S1 A sample is the first score a conversation has got since the evaluation began; a conversation counts once, for arms are drawn
 *    by conversations. A score without one counts by itself, where before is compared with after; in a canary it has no arm.
 * S2 A window counts once it has ended, and nothing that comes later changes it: `at` is when the broker stored the score.
 * S3 Samples of a window in which an arm gave fewer than three are kept for the next one; the last takes what there is.
 * S4 Before is what was scored in the three times as long before the commit, dealt to the windows like cards, so that each is
 *    compared with all of that time. Every round of cards begins at a window drawn by lot: dealt always from the first, scores
 *    that come in a rhythm – three processes that report in turn – would end up each in a window of its own.
 */
import { hash } from 'node:crypto';
import { pickArm } from '@mabeam/variables';
import type { Block } from './rank-evidence.ts';
import type { Rollout } from './rollout.ts';

/** A score as it was given. */
export interface Score {
  readonly metric: string;
  readonly value: number;
  readonly conversation?: string | undefined;
  /** When the broker stored it, in ms since the epoch. */
  readonly at: number;
}

/** How many times the evaluation the time before it is that after is compared with. */
const baselineFactor = 3;
const fewest = 3;
/** Of a window's samples of one arm, at most so many are weighed, drawn by lot: more would take long and tell little. */
const most = 400;

/** From when on a judge needs scores, in ms since the epoch. */
export function scoresNeededFrom({ committedAt, guard, mode }: Rollout): number {
  const span = mode === 'canary' ? 0 : baselineFactor * guard.windows * guard.windowMs;
  return Date.parse(committedAt) - span;
}

/** How many windows of an evaluation that began then have ended (S2). */
export function windowsEnded({ guard }: Rollout, startedAt: number, now: number): number {
  const ended = Math.floor((now - startedAt) / guard.windowMs);
  return Math.max(0, Math.min(guard.windows, ended));
}

/** The samples of the first `ended` windows of an evaluation that began at `startedAt`, as given, a block for each (S1–S4). */
export function gatherSamples(
  rollout: Rollout,
  scores: readonly Score[],
  { ended, startedAt }: { readonly ended: number; readonly startedAt: number },
): readonly Block[] {
  const { guard, mode } = rollout;
  const usable = usableOf(rollout, scores);
  const since = firstOfEach(usable.filter(({ at }) => at >= startedAt));
  const before = mode === 'canary' ? [] : baselineOf(rollout, usable);
  const windows = Array.from({ length: ended }, (_, index): Block => {
    const from = startedAt + index * guard.windowMs;
    const inside = since.filter(({ at }) => at >= from && at < from + guard.windowMs);
    if (mode === 'canary') return armsOf(rollout, inside);
    const dealt = before.filter((_score, turn) => windowDealt(rollout, turn) === index);
    return { incumbent: dealt.map(valueOf), candidate: inside.map(valueOf) };
  });
  return withoutTiny(windows, guard.windows);
}

/** A block as the test takes it: larger is worse, and not too many. */
export function forTest({ candidate, incumbent }: Block, { guard, id }: Rollout): Block {
  const sign = guard.direction === 'above' ? 1 : -1;
  const turned = (samples: readonly number[]): readonly number[] =>
    atMost(samples, id).map((value) => sign * value);
  return { incumbent: turned(incumbent), candidate: turned(candidate) };
}

/** The time before the change in windows as long as those after it: how it drifted by itself (S4). */
export function windowsBefore(rollout: Rollout, scores: readonly Score[]): readonly (readonly number[])[] {
  const { guard } = rollout;
  const from = scoresNeededFrom(rollout);
  const before = baselineOf(rollout, usableOf(rollout, scores));
  return Array.from({ length: baselineFactor * guard.windows }, (_, index) =>
    before.filter(({ at }) => Math.floor((at - from) / guard.windowMs) === index).map(valueOf),
  );
}

/** Both arms of all windows together. */
export function pool(blocks: readonly Block[]): Block {
  return {
    incumbent: blocks.flatMap(({ incumbent }) => incumbent),
    candidate: blocks.flatMap(({ candidate }) => candidate),
  };
}

function usableOf({ guard }: Rollout, scores: readonly Score[]): readonly Score[] {
  return scores
    .filter(({ metric, value }) => metric === guard.metric && Number.isFinite(value))
    .toSorted((a, b) => a.at - b.at);
}

function baselineOf(rollout: Rollout, scores: readonly Score[]): readonly Score[] {
  const [from, to] = [scoresNeededFrom(rollout), Date.parse(rollout.committedAt)];
  return firstOfEach(scores.filter(({ at }) => at >= from && at < to));
}

/** S4: the window that gets the sample at this place before the change. */
function windowDealt({ guard, id }: Rollout, turn: number): number {
  const round = Math.floor(turn / guard.windows);
  return (turn + lotOf(id, round)) % guard.windows;
}

/** S1. */
function firstOfEach(scores: readonly Score[]): readonly Score[] {
  const seen = new Set<string>();
  return scores.filter(({ conversation }) => {
    if (conversation === undefined) return true;
    const isFirst = !seen.has(conversation);
    seen.add(conversation);
    return isFirst;
  });
}

function armsOf({ guard, id }: Rollout, scores: readonly Score[]): Block {
  const known = scores.filter(({ conversation }) => conversation !== undefined);
  const canary = { salt: id, share: guard.share ?? 0 };
  const arm = (which: 'candidate' | 'incumbent'): readonly number[] =>
    known.filter(({ conversation }) => pickArm(canary, conversation) === which).map(valueOf);
  return { incumbent: arm('incumbent'), candidate: arm('candidate') };
}

/** S3: what is kept leaves an empty block behind, so that block k stays window k. */
function withoutTiny(windows: readonly Block[], planned: number): readonly Block[] {
  let kept: Block = { incumbent: [], candidate: [] };
  return windows.map((window, index) => {
    const grown = pool([kept, window]);
    const isEnough = Math.min(grown.incumbent.length, grown.candidate.length) >= fewest;
    if (!isEnough && index < planned - 1) {
      kept = grown;
      return { incumbent: [], candidate: [] };
    }
    kept = { incumbent: [], candidate: [] };
    return grown;
  });
}

/** Those with the smallest lots; picked at even distances they might all be of one process that reports in turn. */
function atMost(samples: readonly number[], id: string): readonly number[] {
  if (samples.length <= most) return samples;
  return samples
    .map((value, place) => ({ value, lot: lotOf(id, place) }))
    .toSorted((a, b) => a.lot - b.lot)
    .slice(0, most)
    .map(({ value }) => value);
}

/** A number that is drawn once for all for this rollout and place. */
function lotOf(id: string, place: number): number {
  return Number.parseInt(hash('sha256', `${id}\n${place}`, 'hex').slice(0, 8), 16);
}

function valueOf({ value }: Score): number {
  return value;
}
