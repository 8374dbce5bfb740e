/**
 * The bounds that every adaptation keeps, whichever strategy proposes it: one in flight for each variable, a rest between two, and
 * no longer a step than the space's rate allows. Pure.
 *
 * B1 While a change of a variable is committed but neither applied nor decided, it is not changed by another adaptation.
 * B2 After a change, or after one was taken back, the variable rests for the cooldown: what was taken back is not tried again in it.
 * B3 A rate of 0 stands still. A step is part of the domain's range, and is counted where the domain has both ends; a value without
 *    a range moves as it is proposed to.
 */
import type { AdaptationPace, VariableDefinition } from '@mabeam/variables';

/** What the bounds need to know of an earlier adaptation; made from its record. */
export interface EarlierChange {
  readonly changes: readonly { readonly variable: string }[];
  /** Is it still being applied or evaluated (`committed`, `evaluating`)? */
  readonly isOpen: boolean;
  /** When it last did something (committed, or took back), in ms since the epoch. */
  readonly actedAt: number;
}

/** A proposed change and what bounds it. */
export interface BoundedProposal {
  readonly definition: VariableDefinition;
  readonly from: unknown;
  readonly to: unknown;
  /** The value of the space's adaptation-rate; absent: unhindered. */
  readonly rate?: number | AdaptationPace | undefined;
  readonly cooldownMs: number;
  readonly history: readonly EarlierChange[];
  /** In ms since the epoch. */
  readonly now: number;
}

/** May it be done, and how far? `until` is in ms since the epoch. */
export type BoundsVerdict =
  | { readonly kind: 'free'; readonly to: unknown; readonly isShortened: boolean }
  | { readonly kind: 'in-flight' | 'frozen' }
  | { readonly kind: 'resting'; readonly until: number };

/** Whether a variable may be adapted now, and the value it may move to (B1–B3). */
export function boundAdaptation(proposal: BoundedProposal): BoundsVerdict {
  const { definition, history, now, rate = 1 } = proposal;
  const earlier = history.filter(({ changes }) => changes.some(({ variable }) => variable === definition.id));
  if (isInFlight(earlier)) return { kind: 'in-flight' };
  const step = typeof rate === 'number' ? rate : rate.step;
  if (step <= 0) return { kind: 'frozen' };
  const pause = Math.max(proposal.cooldownMs, typeof rate === 'number' ? 0 : rate.minIntervalMs);
  const until = restsUntil(earlier, pause);
  if (now < until) return { kind: 'resting', until };
  const to = shortenStep(definition, proposal, step);
  return { kind: 'free', to, isShortened: to !== proposal.to };
}

/** Is one of these changes still under way (B1)? */
function isInFlight(earlier: readonly EarlierChange[]): boolean {
  return earlier.some(({ isOpen }) => isOpen);
}

/** Until when the variable of these changes rests, in ms since the epoch; -Infinity when it has never been changed (B2). */
function restsUntil(earlier: readonly EarlierChange[], cooldownMs: number): number {
  return Math.max(Number.NEGATIVE_INFINITY, ...earlier.map(({ actedAt }) => actedAt + cooldownMs));
}

/** The value at most `step` of the range away from where it is, on the way to where it is wanted; on the domain's steps (B3). */
export function shortenStep(
  { domain }: Pick<VariableDefinition, 'domain'>,
  { from, to }: { readonly from: unknown; readonly to: unknown },
  step: number,
): unknown {
  const { max, min, step: grain } = domain;
  if (typeof from !== 'number' || typeof to !== 'number' || min === undefined || max === undefined) return to;
  const longest = step * (max - min);
  if (Math.abs(to - from) <= longest) return to;
  const moved = from + Math.sign(to - from) * longest;
  if (grain === undefined) return Number(moved.toPrecision(12));
  // Towards where it is, so that the step is never longer; a hair for 0.3 / 0.1.
  const steps = (moved - min) / grain;
  const whole = to > from ? Math.floor(steps + 1e-9) : Math.ceil(steps - 1e-9);
  return Number((min + whole * grain).toPrecision(12));
}
