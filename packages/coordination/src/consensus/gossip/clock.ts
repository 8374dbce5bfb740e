/**
 * Hybrid logical clocks: times that follow the wall clock as closely as they can, and causes exactly (Kulkarni, Demirbas, Madappa,
 * Avva and Leone, "Logical physical clocks", OPODIS 2014). Pure.
 *
 * Promise: what a member writes is later than all it wrote and heard before. A clock is never further ahead of the wall clock than the
 * furthest time that was let in, so who lets in nothing beyond a bound (`isAhead`) has a clock within that bound.
 */

/** A time: whole milliseconds, and a count of what happened in one of them. */
export interface HybridTime {
  readonly at: number;
  readonly count: number;
}

/** The beginning of all times. */
export const clockStart: HybridTime = { at: 0, count: 0 };

/** What a count can reach: 16 bits, as in the paper. The one after that is in the next millisecond. */
export const mostCount = 65_535;

/** The time of something that happens now, by this clock and the wall clock. */
export function tickClock(clock: HybridTime, nowMs: number): HybridTime {
  const wall = Math.max(0, Math.floor(nowMs));
  return wall > clock.at ? { at: wall, count: 0 } : following(clock);
}

/** The time at which something of another clock is heard: later than that, than this clock, and than nothing else needs. */
export function hearClock(clock: HybridTime, heard: HybridTime, nowMs: number): HybridTime {
  return tickClock(compareTimes(clock, heard) < 0 ? heard : clock, nowMs);
}

/** Below 0 when `one` is the earlier. */
export function compareTimes(one: HybridTime, other: HybridTime): number {
  return one.at - other.at || one.count - other.count;
}

/** Is this time further ahead of the wall clock than may be believed? */
export function isAhead(time: HybridTime, nowMs: number, maxSkewMs: number): boolean {
  return time.at > nowMs + maxSkewMs;
}

function following({ at, count }: HybridTime): HybridTime {
  return count < mostCount ? { at, count: count + 1 } : { at: at + 1, count: 0 };
}
