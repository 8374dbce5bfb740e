/**
 * Replays: stretches of a series, cut into an incumbent and a candidate that are the same, or that differ by what was planted. Pure;
 * randomness comes in.
 */
import {
  beginRollout,
  estimateDrift,
  judgeRollout,
  type Block,
  type Guard,
  type Rollout,
  type RolloutObservations,
  type Score,
} from '@mabeam/orchestrator';
import { pickArm } from '@mabeam/variables';
import type { Series } from './readings.ts';

/** How a stretch is cut. */
export interface Design {
  readonly name: string;
  readonly mode: 'canary' | 'before-after';
  /** Samples of each arm over all windows. */
  readonly candidates: number;
  readonly incumbents: number;
}

/** A stretch with an arm for every reading, in the order of time. */
export interface Replay {
  /** Another for every stretch: what is drawn by lot within a rollout is drawn anew. */
  readonly id: string;
  readonly design: Design;
  readonly direction: Series['direction'];
  readonly readings: readonly { readonly value: number; readonly arm: 'candidate' | 'incumbent' }[];
}

const windows = 3;
const windowMs = 60_000;

/** A stretch of consecutive readings from a random place; a canary draws lots within it, the other has before and after. */
export function drawReplay(series: Series, design: Design, random: () => number): Replay {
  const length = design.candidates + design.incumbents;
  const from = Math.floor(random() * (series.values.length - length + 1));
  const places = Array.from({ length }, (_, place) => ({ place, lot: random() }));
  const ordered = design.mode === 'canary' ? places.toSorted((a, b) => a.lot - b.lot) : places.toReversed();
  const chosen = new Set(ordered.slice(0, design.candidates).map(({ place }) => place));
  const readings = series.values.slice(from, from + length).map((value, place) => ({
    value,
    arm: chosen.has(place) ? ('candidate' as const) : ('incumbent' as const),
  }));
  return { id: `${series.name}-${from}`, design, direction: series.direction, readings };
}

/** The same with the candidate worse by a share of each reading. */
export function plant(replay: Replay, worseBy: number): Replay {
  const factor = replay.direction === 'above' ? 1 + worseBy : 1 - worseBy;
  return {
    ...replay,
    readings: replay.readings.map(({ arm, value }) => ({
      arm,
      value: arm === 'candidate' ? value * factor : value,
    })),
  };
}

/** The samples of each window, larger is worse. */
export function blocksOf({ design, direction, readings }: Replay): readonly Block[] {
  const sign = direction === 'above' ? 1 : -1;
  const windowOf = windowing(design);
  const pick = (arm: string, window: number): readonly number[] =>
    readings
      .filter((reading) => reading.arm === arm)
      .flatMap(({ value }, turn) => (windowOf(arm, turn) === window ? [sign * value] : []));
  return Array.from({ length: windows }, (_, window) => ({
    incumbent: pick('incumbent', window),
    candidate: pick('candidate', window),
  }));
}

/** The drift to allow for, as the judge does: by what came before, in windows as long as those after. */
export function driftIn({ design, readings }: Replay): number {
  if (design.mode === 'canary') return 0;
  const before = readings.slice(0, design.incumbents).map(({ value }) => value);
  const perWindow = design.candidates / windows;
  const count = Math.round(before.length / perWindow);
  return estimateDrift(
    Array.from({ length: count }, (_, window) =>
      before.filter((_value, place) => Math.floor((place * count) / before.length) === window),
    ),
  );
}

/** By time; what came before is dealt in turn. */
function windowing(design: Design): (arm: string, turn: number) => number {
  return (arm, turn) => {
    if (design.mode === 'before-after' && arm === 'incumbent') return turn % windows;
    const all = arm === 'candidate' ? design.candidates : design.incumbents;
    return Math.floor((turn * windows) / all);
  };
}

/** Is it rolled back, judged as a rollout is judged, after each of the three windows? Says after how many; undefined: never. */
export function rolledBackAfter(replay: Replay): number | undefined {
  const begun = Date.parse('2026-01-01T00:00:00.000Z');
  const { rollout } = beginRollout(
    {
      id: replay.id,
      cause: 'replay',
      changes: [{ variable: 'x', kind: 'custom', from: 0, to: 1, expect: 1 }],
    },
    guardOf(replay),
    new Date(begun),
  );
  const observed = observationsOf(replay, rollout, begun);
  for (let window = 1; window <= windows; window++) {
    const verdict = judgeRollout(rollout, observed, new Date(begun + window * windowMs));
    if (verdict.kind === 'roll-back') return window;
  }
  return undefined;
}

function guardOf({ design, direction }: Replay): Guard {
  const { candidates, incumbents, mode } = design;
  const share = mode === 'canary' ? { share: candidates / (candidates + incumbents) } : {};
  return { metric: 'm', direction, windowMs, windows, tolerance: 0.05, alpha: 0.01, ...share };
}

function observationsOf(replay: Replay, rollout: Rollout, begun: number): RolloutObservations {
  const { design, readings } = replay;
  const windowOf = windowing(design);
  const turns = { candidate: 0, incumbent: 0 };
  const scores = readings.map(({ arm, value }, index): Score => {
    const turn = turns[arm]++;
    const isBefore = design.mode === 'before-after' && arm === 'incumbent';
    const at = isBefore
      ? begun - ((design.incumbents - turn) * 3 * windows * windowMs) / design.incumbents
      : begun + windowOf(arm, turn) * windowMs + (index % 60);
    return { metric: 'm', value, at, conversation: conversationIn(rollout, arm, index) };
  });
  const candidate = { value: 1, share: rollout.guard.share ?? 1, salt: rollout.id };
  const entry = rollout.mode === 'canary' ? { value: 0, candidate } : { value: 1 };
  const standing = new Map([['x', { ...entry, cause: rollout.cause, revision: 2 }]]);
  return { scores, standing, arrival: { at: begun, applied: 1, of: 1 } };
}

/** A conversation that the hash puts into this arm. */
function conversationIn({ guard, id, mode }: Rollout, arm: string, index: number): string {
  if (mode === 'before-after') return `c${index}`;
  for (let attempt = 0; ; attempt++) {
    const name = `c${index}-${attempt}`;
    if (pickArm({ salt: id, share: guard.share ?? 1 }, name) === arm) return name;
  }
}
