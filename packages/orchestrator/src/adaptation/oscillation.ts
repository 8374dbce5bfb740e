/**
 * Oscillation: a variable that is moved to and fro. Each turning round costs a longer rest before the next one. Pure.
 *
 * O1 A change turns round when it undoes a part of what the changes known of did: a number goes the other way than at its last
 *    change, a list loses what it last gained or gains what it last lost, any other value comes back to one that it had.
 * O2 It may turn round when the variable has not been changed for `holdMs` · 2ᵏ, at most `longestHoldMs`, where k is how often it
 *    has turned round in the last `reversalMemoryMs`.
 * O3 So, whatever triggers come in whatever order, a variable turns round at most `mostReversals()` times in any stretch of
 *    `reversalMemoryMs`: the holds between one more would be longer than that.
 *
 * Only changes that adaptations made count; a person may turn as he likes.
 */
import { sameJson } from '@mabeam/variables';

/** A change that an adaptation made; `at` in ms since the epoch. */
export interface MadeChange {
  readonly from: unknown;
  readonly to: unknown;
  readonly at: number;
}

/** The hold before the first turn, the longest, and for how long a turn counts; in ms. */
export const holdMs = 1_000;
export const longestHoldMs = 600_000;
export const reversalMemoryMs = 3_600_000;

/** How often a variable turns round at most in any stretch of `reversalMemoryMs` (O3). */
export function mostReversals(): number {
  let count = 1;
  for (let passed = 0; ; count++) {
    passed += Math.min(longestHoldMs, holdMs * 2 ** count);
    if (passed > reversalMemoryMs) return count;
  }
}

/** How long a change still has to wait, in ms, so that its variable does not swing; 0: it may be made (O2). */
export function holdLeft(made: readonly MadeChange[], wished: MadeChange): number {
  const earlier = made.filter(({ at }) => at <= wished.at).toSorted((a, b) => a.at - b.at);
  const last = earlier.at(-1);
  if (last === undefined) return 0;
  const trail = emptyTrail();
  const turns = earlier.filter((change) => follow(trail, change));
  if (!follow(trail, wished)) return 0;
  const recent = turns.filter(({ at }) => at > wished.at - reversalMemoryMs).length;
  return Math.max(0, last.at + Math.min(longestHoldMs, holdMs * 2 ** recent) - wished.at);
}

/** How often a variable turns round in these changes, oldest first. */
export function countReversals(made: readonly MadeChange[]): number {
  const trail = emptyTrail();
  return made.filter((change) => follow(trail, change)).length;
}

/** What earlier changes did, as far as a later one can undo it. */
interface Trail {
  /** Of the last change of a number. */
  direction: number;
  /** What was last done with each member of a list. */
  readonly moves: Map<unknown, 'added' | 'removed'>;
  /** Values it had that are neither numbers nor lists. */
  readonly former: unknown[];
}

function emptyTrail(): Trail {
  return { direction: 0, moves: new Map(), former: [] };
}

/** Takes a change into the trail; true when it turns round (O1). */
function follow(trail: Trail, { from, to }: MadeChange): boolean {
  if (typeof from === 'number' && typeof to === 'number') return followNumber(trail, Math.sign(to - from));
  if (Array.isArray(from) && Array.isArray(to)) return followList(trail, from, to);
  const isReturn = trail.former.some((value) => sameJson(value, to));
  if (!trail.former.some((value) => sameJson(value, from))) trail.former.push(from);
  return isReturn;
}

function followNumber(trail: Trail, direction: number): boolean {
  const turns = direction * trail.direction < 0;
  if (direction !== 0) trail.direction = direction;
  return turns;
}

function followList({ moves }: Trail, from: readonly unknown[], to: readonly unknown[]): boolean {
  const added = to.filter((member) => !from.includes(member));
  const removed = from.filter((member) => !to.includes(member));
  const turns =
    added.some((member) => moves.get(member) === 'removed') ||
    removed.some((member) => moves.get(member) === 'added');
  for (const member of added) moves.set(member, 'added');
  for (const member of removed) moves.set(member, 'removed');
  return turns;
}
